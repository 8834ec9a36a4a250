/* stream.h: the secure socket. */
#ifndef SALLYPORT_STREAM_H
#define SALLYPORT_STREAM_H

#include <sallyport/error.h>
#include <sallyport/stream_info.h>
#include <sallyport/tls_config.h>

SALLY_BEGIN_DECLS

/*
 * One thread may read while another writes, and any thread may cancel or close. A second read at
 * the same time is SALLY_BUSY; writes of several threads queue in order.
 */
typedef struct sally_stream sally_stream;

typedef struct sally_stream_options {
  uint32_t struct_size; /* sizeof(sally_stream_options) */
  uint32_t flags;       /* 0 */
  const char *host;     /* name or literal address to connect to; also what is verified, unless: */
  const char *verify_name; /* what the server's certificate must bear, and the SNI that is sent */
  const char *service;     /* port number or service name */
  sally_tls_config *tls;   /* a client's config; the stream keeps a reference */
} sally_stream_options;

/* Directions, for sally_stream_cancel. */
enum { SALLY_DIRECTION_READ = 1, SALLY_DIRECTION_WRITE = 2 };

/*
 * sally_stream_create makes a stream that is not yet connected. Strings are copied.
 *
 * SALLY_INVALID_ARGUMENT: no host, service or config, a name that cannot be a host name, a flag
 * that is not known, or a config for servers. SALLY_INVALID_STATE and the statuses of loading: the
 * config cannot be used as it is.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_create(const sally_stream_options *options,
                                                              sally_stream **stream,
                                                              sally_error **error);

/*
 * sally_stream_connect resolves the host, tries its addresses in turn, and does the TLS handshake,
 * the server's certificate verified. `timeout_ms` covers all of it (default 30 s);
 * SALLY_TIMEOUT_ATTEMPT is SALLY_INVALID_ARGUMENT.
 *
 * SALLY_TIMED_OUT, SALLY_CANCELED, and every other failure end the stream: it is closed, and a new
 * one is needed. Which phase it was is SALLY_ERROR_FIELD_PHASE of the error. In TLS 1.3 a server
 * refuses a client's certificate only after this has succeeded; then the first read or write tells,
 * as SALLY_ALERT_*.
 * SALLY_INVALID_STATE: connected before.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_connect(sally_stream *stream,
                                                               int64_t timeout_ms,
                                                               sally_error **error);

/*
 * sally_stream_read_some moves up to `capacity` (at least 1) decrypted bytes into `buffer` and
 * stores the count in `*size`. It returns as soon as one byte is there, at the deadline at the
 * latest.
 *
 * SALLY_END_OF_STREAM: the peer closed properly (close_notify).
 * SALLY_TRUNCATED: the transport ended without close_notify; what came may have been cut by an
 * attacker.
 *
 * SALLY_WOULD_BLOCK, SALLY_TIMED_OUT, SALLY_CANCELED, SALLY_BUSY and argument errors pass; every
 * other failure is final and is returned by all later reads.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_read_some(sally_stream *stream, void *buffer,
                                                                 size_t capacity, size_t *size,
                                                                 int64_t timeout_ms,
                                                                 sally_error **error);

/*
 * sally_stream_write sends `size` bytes, all of them unless it fails, and stores in `*taken` how
 * many of them the library took. Those will be sent, also after SALLY_TIMED_OUT, SALLY_CANCELED or
 * SALLY_WOULD_BLOCK; the rest is the caller's to write again. `flags` is 0.
 *
 * Success means that the bytes were handed to the operating system, not that the peer has read
 * them.
 * SALLY_INVALID_STATE: after sally_stream_shutdown.
 *
 * SALLY_WOULD_BLOCK, SALLY_TIMED_OUT, SALLY_CANCELED and argument errors pass; every other failure
 * is final and is returned by all later writes. Where the peer refused this side, the error names
 * its alert whenever that reached this host.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_write(sally_stream *stream, const void *data,
                                                             size_t size, uint32_t flags,
                                                             size_t *taken, int64_t timeout_ms,
                                                             sally_error **error);

/*
 * sally_stream_shutdown ends the sending direction: close_notify follows what was written (RFC 8446
 * section 6.1). Reading goes on. A second time it does nothing. Default time-out: 5 s.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_shutdown(sally_stream *stream,
                                                                int64_t timeout_ms,
                                                                sally_error **error);

/*
 * sally_stream_close ends both directions: sends close_notify, waits for that of the peer (default
 * 5 s; what the peer still sends is thrown away), and closes the transport. It always closes,
 * whatever it answers; pending calls of other threads end with SALLY_CLOSED. With
 * SALLY_TIMEOUT_ATTEMPT it does not wait for the peer.
 *
 * SALLY_OK: the peer closed too, or there was nothing to close, or it was not waited for.
 * SALLY_TIMED_OUT: the peer was silent.
 * SALLY_TRUNCATED: the peer's transport ended without close_notify.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_close(sally_stream *stream,
                                                             int64_t timeout_ms,
                                                             sally_error **error);

/*
 * sally_stream_cancel ends what is pending, in the `directions` given (SALLY_DIRECTION_*, or both),
 * with SALLY_CANCELED. Canceled reads and writes leave the stream usable; a canceled connect ends
 * it. Never waits.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_cancel(sally_stream *stream,
                                                              uint32_t directions,
                                                              sally_error **error);

/*
 * sally_stream_copy_info gives a new snapshot of what was agreed. SALLY_INVALID_STATE before the
 * stream is connected; it stays available after closing.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_copy_info(const sally_stream *stream,
                                                                 sally_stream_info **info,
                                                                 sally_error **error);

/* sally_stream_retain adds a reference and returns its argument. */
SALLY_API sally_stream *sally_stream_retain(sally_stream *stream);

/*
 * The last release cancels what is pending, sends close_notify if that is possible at once, closes,
 * and never waits. Use sally_stream_close to be sure that the peer got everything.
 */
SALLY_API void sally_stream_release(sally_stream *stream);

SALLY_END_DECLS

#endif /* SALLYPORT_STREAM_H */
