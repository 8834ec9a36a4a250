/* runtime.h: the event loops that streams and listeners live on. */
#ifndef SALLYPORT_RUNTIME_H
#define SALLYPORT_RUNTIME_H

#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/*
 * A set of event loops that share nothing. A stream lives on one of them, from its creation to its
 * end; the streams of a listener are spread over all of them. Wherever a runtime may be given, NULL
 * stands for the default one, which is made at first need and shared by the whole process.
 *
 * Streams and listeners keep a reference. With the last reference the loops end by themselves.
 */
typedef struct sally_runtime sally_runtime;

/* Flags of sally_runtime_options. */
enum {
  /* One loop without a thread of its own: sally_runtime_run is what runs it. */
  SALLY_RUNTIME_CALLER_RUN = 1
};

typedef struct sally_runtime_options {
  uint32_t struct_size; /* sizeof(sally_runtime_options) */
  uint32_t flags;       /* SALLY_RUNTIME_* */
  uint32_t loops;       /* each with a thread; default: one a processor, up to 8 */
  uint32_t reserved;    /* 0 */
} sally_runtime_options;

/*
 * sally_runtime_create makes a runtime; its threads block all signals.
 *
 * SALLY_INVALID_ARGUMENT: a flag that is not known, more than 1024 loops, or loops for a runtime
 * that the caller runs, which has one.
 * SALLY_TOO_MANY_OPEN_FILES, SALLY_OUT_OF_MEMORY, ...: the system gives no descriptor or thread.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_runtime_create(const sally_runtime_options *options,
                                                               sally_runtime **runtime,
                                                               sally_error **error);

/*
 * sally_runtime_run serves a runtime made with SALLY_RUNTIME_CALLER_RUN on the calling thread:
 * whatever is ready, and where nothing is, it waits until something was served, or sally_runtime_wake
 * was called, or `timeout_ms` is over (default: never). Completions that go to functions are called
 * in it. Call it again and again.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: nothing was there to do.
 * SALLY_BUSY: another thread is running it, or this call comes from within it.
 * SALLY_INVALID_STATE: the runtime has threads of its own.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_runtime_run(sally_runtime *runtime,
                                                            int64_t timeout_ms,
                                                            sally_error **error);

/*
 * sally_runtime_wake lets the current sally_runtime_run, or the next one, return. Any thread.
 *
 * SALLY_INVALID_STATE: the runtime has threads of its own.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_runtime_wake(sally_runtime *runtime,
                                                             sally_error **error);

/*
 * sally_runtime_fd is a descriptor by which somebody else's poller (poll, epoll, kqueue, an event loop
 * of a language or a window system) runs a runtime made with SALLY_RUNTIME_CALLER_RUN: readable while
 * sally_runtime_run has something to do, time-outs that have come among it. Call
 * sally_runtime_run with SALLY_TIMEOUT_ATTEMPT then, on whichever thread, and, with an edge-triggered
 * poller, until it answers SALLY_WOULD_BLOCK. What was submitted on the same thread need not wait for
 * the poller: run once more before polling. With a queue for the completions, and taking from it after
 * each run, no other thread has a part in anything, and no queue's descriptor need be watched.
 * Never read from it or close it. -1 for a NULL or inherited handle, and for a runtime that has threads
 * of its own.
 */
SALLY_API intptr_t sally_runtime_fd(const sally_runtime *runtime);

/* sally_runtime_loops is the number of its loops; 0 for a NULL handle. */
SALLY_API uint32_t sally_runtime_loops(const sally_runtime *runtime);

/* sally_runtime_retain adds a reference and returns its argument. */
SALLY_API sally_runtime *sally_runtime_retain(sally_runtime *runtime);

/*
 * Never waits. What still lingers (a refusal on its way to the peer) ends on its own. Nobody can run a
 * runtime made with SALLY_RUNTIME_CALLER_RUN any more after its last release: streams that still use it
 * are served by a thread of the library's then.
 */
SALLY_API void sally_runtime_release(sally_runtime *runtime);

SALLY_END_DECLS

#endif /* SALLYPORT_RUNTIME_H */
