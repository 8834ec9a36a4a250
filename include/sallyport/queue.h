/* queue.h: how asynchronous operations tell their results: completions, queues, operations. */
#ifndef SALLYPORT_QUEUE_H
#define SALLYPORT_QUEUE_H

#include <sallyport/bytes.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/*
 * Functions whose names end in `_async` start an operation and return. Where they answer SALLY_OK it
 * completes exactly once, never inside that call, though a queue may have the result at its return;
 * where they fail it never completes. It completes with its result, with SALLY_CANCELED, with
 * SALLY_TIMED_OUT at its deadline, or with SALLY_CLOSED where its stream or listener was closed.
 *
 * Buffers given to an operation belong to the library until its completion has been delivered, that
 * is, taken from the queue or told to the function; cancelling does not shorten that. Where that
 * cannot be promised (memory that moves, garbage collectors), wait for readiness with
 * sally_stream_wait_async, which borrows nothing, and then attempt.
 *
 * `operation` may be NULL. Else it is stored when the call returns, for the caller to release; its
 * completion may come before, on another thread, which must not look there.
 */

/* A place where results wait until somebody takes them. Any number of threads may use one. */
typedef struct sally_queue sally_queue;

/*
 * A started operation, to cancel it. Keeping one is never needed; it keeps the object that was
 * operated on, and with it the event loop, also when the operation is complete.
 */
typedef struct sally_operation sally_operation;

/* Kinds of event. More may come: dispose of those that are not known. */
enum {
  SALLY_EVENT_DONE = 1,     /* an operation on a stream, a drain, or a wait for a source */
  SALLY_EVENT_ACCEPTED = 2, /* `object` is a sally_stream on SALLY_OK */
  SALLY_EVENT_REFUSED = 3,  /* `object` is a sally_bytes, the peer's address, and `error` says why */
  SALLY_EVENT_DECISION = 4, /* `object` is a sally_decision, which waits for an answer (decision.h) */
  SALLY_EVENT_DECISIONS_OVER = 5, /* no decision follows under this tag; see
                                     SALLY_COMPLETION_TELL_END */
  SALLY_EVENT_TRACE = 6           /* `object` is a sally_trace_record (trace.h) */
};

/*
 * What one completed operation says. A later version may add members at its end, which an older program
 * then does not see.
 */
typedef struct sally_event {
  uint64_t tag;       /* as submitted */
  uint64_t size;      /* bytes moved; for a wait, the SALLY_DIRECTION_* that are ready, or the
                         generation of the source */
  void *object;       /* a handle that the taker now owns, or NULL */
  sally_error *error; /* owned by the taker; NULL on SALLY_OK, except for SALLY_EVENT_REFUSED */
  sally_status status;
  int32_t kind; /* SALLY_EVENT_* */
} sally_event;

/*
 * sally_event_dispose releases what the event carries, whatever its kind, and sets `object` and
 * `error` to NULL. What was taken out of it (set to NULL before) is left alone. NULL does nothing.
 */
SALLY_API void sally_event_dispose(sally_event *event);

/*
 * Called on a thread of an event loop, with no lock held. It may use the whole API, except that
 * blocking forms of streams of that loop, and of listeners of its runtime, are SALLY_INVALID_STATE
 * there, and that it must not wait in sally_queue_take: the loop would wait with it. What it leaves in
 * the event is disposed of when it returns.
 */
typedef void (*sally_completion_function)(void *user, sally_event *event);

/* Flags of sally_completion. */
enum {
  /*
   * For `decisions` in the options of a stream or listener, with a queue: after the last decision that
   * can come, an event of kind SALLY_EVENT_DECISIONS_OVER comes once, under the tag, when the stream or
   * listener, the streams that it accepted, and their handshakes have gone, or when the queue is closed.
   * Until then it counts as pending. Where making the stream or listener fails, it does not come. A
   * function needs no such event: `free_user` says the same.
   */
  SALLY_COMPLETION_TELL_END = 1
};

/* Where a result goes: to a queue, under a tag, or to a function. Exactly one of the two is set. */
typedef struct sally_completion {
  uint32_t struct_size; /* sizeof(sally_completion) */
  uint32_t flags;       /* SALLY_COMPLETION_*; 0 but for decisions */
  uint64_t tag;         /* for the taker to know the operation by */
  sally_queue *queue;   /* the operation keeps it until it completes */
  sally_completion_function function;
  void *user; /* for the function */
  /*
   * Called with `user`, once, after the function was called, or where submitting fails; NULL: not
   * needed. For a queue it is called when the operation completes. Where decisions go: after the
   * stream or listener and its handshakes have gone.
   */
  void (*free_user)(void *user);
} sally_completion;

/* sally_queue_create makes a queue. SALLY_TOO_MANY_OPEN_FILES: it needs one descriptor. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_queue_create(sally_queue **queue,
                                                             sally_error **error);

/*
 * sally_queue_fd is a descriptor to watch for readability (poll, epoll, kqueue, a selector, an event
 * loop of a language): readable while something waits, and for good when the queue is closed and
 * empty. Never read from it or close it. With an edge-triggered poller: take until fewer come than
 * were asked for, then wait. -1 for a NULL or inherited handle.
 */
SALLY_API intptr_t sally_queue_fd(const sally_queue *queue);

/*
 * sally_queue_take moves up to `capacity` (at least 1) events, oldest first, into `events`, an array
 * of structs of `event_size` bytes each (sizeof(sally_event)), and stores their number in `*count`. It
 * waits for the first one until `timeout_ms` is over (default: never). The caller disposes of each.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: there was none.
 * SALLY_CLOSED: the queue was closed, and the last event was taken.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_queue_take(sally_queue *queue, sally_event *events,
                                                           size_t event_size, size_t capacity,
                                                           size_t *count, int64_t timeout_ms,
                                                           sally_error **error);

/*
 * sally_queue_pending counts the operations that are to complete here and whose events were not yet
 * taken: while it is not 0, more is to come. Handshakes under way that may ask a question count, each
 * once for every question, and may end without it. 0 for a NULL or inherited handle.
 */
SALLY_API size_t sally_queue_pending(const sally_queue *queue);

/*
 * sally_queue_close cancels every operation that is to complete here; their events can still be
 * taken. Submitting another, a close included, is SALLY_CLOSED; questions that would come here are
 * denied. A second time it does nothing. Never waits.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_queue_close(sally_queue *queue,
                                                            sally_error **error);

/* sally_queue_retain adds a reference and returns its argument. */
SALLY_API sally_queue *sally_queue_retain(sally_queue *queue);

/*
 * The last release closes, and disposes of the events that nobody took and of those still to come.
 * The descriptor is closed when the last operation has completed.
 *
 * Where buffers are lent, close first, take until SALLY_CLOSED, and release then: the operations of
 * a queue that was released end a moment later, and nothing but their `free_user` says when.
 */
SALLY_API void sally_queue_release(sally_queue *queue);

/*
 * sally_operation_cancel asks the operation to end early. It completes all the same, once: with
 * SALLY_CANCELED, or with its result where that was quicker. Any thread, any time; NULL, or an
 * operation that is complete, does nothing.
 */
SALLY_API void sally_operation_cancel(sally_operation *operation);

/* sally_operation_retain adds a reference and returns its argument. */
SALLY_API sally_operation *sally_operation_retain(sally_operation *operation);

/* Releasing an operation does not end it. */
SALLY_API void sally_operation_release(sally_operation *operation);

SALLY_END_DECLS

#endif /* SALLYPORT_QUEUE_H */
