/* listener.h: waits for clients, and hands out established streams only. */
#ifndef SALLYPORT_LISTENER_H
#define SALLYPORT_LISTENER_H

#include <sallyport/bytes.h>
#include <sallyport/error.h>
#include <sallyport/queue.h>
#include <sallyport/runtime.h>
#include <sallyport/stream.h>
#include <sallyport/tls_config.h>

SALLY_BEGIN_DECLS

/*
 * Handshakes run concurrently, on event loops, each under its deadline: one silent client delays
 * nobody. A handshake that fails is a refusal, with its error and the peer's address; it is never a
 * failed accept.
 */
typedef struct sally_listener sally_listener;

typedef struct sally_listener_options {
  uint32_t struct_size; /* sizeof(sally_listener_options) */
  uint32_t flags;       /* SALLY_STREAM_*, for the streams that it hands out */
  const char *host; /* literal address to listen on, or a name: then the first of its addresses that
                       can be bound. NULL: every address of this machine, IPv4 and IPv6 */
  const char *service;             /* port number or service name; "0" picks a free port */
  sally_tls_config *tls;           /* a server's config; the listener keeps a reference. NULL
                                      with SALLY_STREAM_PLAIN only */
  int64_t handshake_timeout_ms;    /* of a whole handshake, from the accept on; default 10 s. It
                                      cannot be SALLY_TIMEOUT_NEVER */
  uint32_t max_pending_handshakes; /* further clients wait in the system's backlog; default 4096 */
  uint32_t max_unaccepted; /* established streams that nobody accepted yet; likewise, and handshakes
                              that are under way then still add theirs; default 128 */
  uint32_t backlog;        /* of listen(); default the system's */
  uint32_t max_refusals;   /* kept for next_refusal; the oldest is dropped, and counted; default 64 */
  sally_runtime *runtime;  /* NULL: the default; each of its loops takes a part of the clients */
  uint32_t max_connections;            /* from their accept to their close; further clients wait in
                                          the system's backlog; default: no limit */
  uint32_t max_connections_per_source; /* of these, from one IPv4 address or one /64 of IPv6; further
                                          ones are refused at once; default: no limit */
  uint32_t high_watermark;             /* of the streams, as in sally_stream_options */
  uint32_t low_watermark;
  const sally_completion *decisions; /* where the questions about its clients go (decision.h), and
                                        those of upgrades of its plain streams; copied. Needed
                                        where the config asks any */
} sally_listener_options;

/*
 * sally_listener_bind makes a listener: it resolves the host, binds, and listens at once. Strings
 * are copied.
 *
 * SALLY_INVALID_ARGUMENT: no service, no config without SALLY_STREAM_PLAIN, a flag that is not known
 * or is for clients, a negative handshake_timeout_ms, a low watermark that is not below the high one,
 * a config for clients, or one that asks questions without `decisions`.
 * SALLY_ADDRESS_IN_USE, SALLY_ADDRESS_NOT_AVAILABLE, SALLY_ACCESS_DENIED, SALLY_HOST_NOT_FOUND,
 * SALLY_SERVICE_NOT_FOUND, ...: of the address.
 * SALLY_INVALID_STATE: the config cannot be used as it is: no credential, or client certificates
 * without a trust store.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_listener_bind(const sally_listener_options *options,
                                                              sally_listener **listener,
                                                              sally_error **error);

/*
 * sally_listener_address is where it really listens: "127.0.0.1:4433", "[::]:4433"; "" for a NULL
 * handle.
 */
SALLY_API const char *sally_listener_address(const sally_listener *listener);

/* sally_listener_port is the port of that address; 0 for a NULL handle. */
SALLY_API uint16_t sally_listener_port(const sally_listener *listener);

/*
 * sally_listener_accept hands out the next established stream, which the caller owns. Several
 * threads may wait.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: none came.
 * SALLY_CLOSED: the listener was closed.
 * SALLY_INVALID_STATE: it would wait on a thread of the listener's event loops, or while nobody runs
 * them.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_listener_accept(sally_listener *listener,
                                                                int64_t timeout_ms,
                                                                sally_stream **stream,
                                                                sally_error **error);
/* The same, as an event of kind SALLY_EVENT_ACCEPTED. */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_listener_accept_async(sally_listener *listener, int64_t timeout_ms,
                            const sally_completion *completion, sally_operation **operation,
                            sally_error **error);

/*
 * sally_listener_next_refusal hands out the oldest refusal that was not yet taken: the address of
 * the peer as text, and why. The caller owns both. Taking them is not required.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: there was none.
 * SALLY_CLOSED: the listener was closed, and all were taken.
 * SALLY_INVALID_STATE: as of sally_listener_accept.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_listener_next_refusal(sally_listener *listener,
                                                                      int64_t timeout_ms,
                                                                      sally_bytes **peer,
                                                                      sally_error **refusal,
                                                                      sally_error **error);
/* The same, as an event of kind SALLY_EVENT_REFUSED: on SALLY_OK its error is the refusal. */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_listener_next_refusal_async(sally_listener *listener, int64_t timeout_ms,
                                  const sally_completion *completion, sally_operation **operation,
                                  sally_error **error);

/*
 * sally_listener_dropped_refusals counts the refusals that were dropped because nobody took them in
 * time; 0 for NULL.
 */
SALLY_API uint64_t sally_listener_dropped_refusals(const sally_listener *listener);

/*
 * sally_listener_drain stops listening and waits until every connection has ended (default: for
 * ever): handshakes go on, their streams can still be accepted, and streams end by being closed or
 * released. At the deadline what is left is closed. Then the listener is closed.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: something was left at the deadline, and was closed.
 * SALLY_INVALID_STATE: as of sally_listener_accept.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_listener_drain(sally_listener *listener,
                                                               int64_t timeout_ms,
                                                               sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_listener_drain_async(sally_listener *listener, int64_t timeout_ms,
                           const sally_completion *completion, sally_operation **operation,
                           sally_error **error);

/*
 * sally_listener_close stops listening, ends handshakes that are under way, and closes streams that
 * nobody accepted. Streams handed out go on. A second time it does nothing. Never waits.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_listener_close(sally_listener *listener,
                                                               sally_error **error);

/* sally_listener_retain adds a reference and returns its argument. */
SALLY_API sally_listener *sally_listener_retain(sally_listener *listener);

/* The last release closes, as sally_listener_close does. */
SALLY_API void sally_listener_release(sally_listener *listener);

SALLY_END_DECLS

#endif /* SALLYPORT_LISTENER_H */
