/* stream.h: the secure socket. */
#ifndef SALLYPORT_STREAM_H
#define SALLYPORT_STREAM_H

#include <sallyport/error.h>
#include <sallyport/queue.h>
#include <sallyport/runtime.h>
#include <sallyport/stream_info.h>
#include <sallyport/tls_config.h>

SALLY_BEGIN_DECLS

/*
 * One thread may read while another writes, and any thread may cancel or close. A second read at
 * the same time is SALLY_BUSY; writes of several threads queue in order. Each operation has a
 * blocking form and an asynchronous one (see queue.h), and both kinds mix. Blocking forms attempt
 * on the calling thread, and only then wait; on the thread of the stream's own event loop, where
 * they would wait for themselves, they are SALLY_INVALID_STATE, as they are where they need a
 * runtime that nobody runs. In asynchronous forms SALLY_TIMEOUT_ATTEMPT is SALLY_INVALID_ARGUMENT.
 */
typedef struct sally_stream sally_stream;

/* Flags of sally_stream_options and sally_listener_options. */
enum {
  /*
   * Small TLS records where a burst of writing begins, so that the peer can use the first bytes
   * when the first packet arrives; full ones once 64 KiB went out without a pause of a second.
   */
  SALLY_STREAM_LOW_LATENCY = 1,
  /*
   * Not under TLS from the start: `tls` is then NULL. sally_stream_upgrade secures such a stream,
   * as STARTTLS does. Without this flag there is no plain stream.
   */
  SALLY_STREAM_PLAIN = 2,
  /*
   * A client's connect and upgrade end well only when the server has accepted the certificate that
   * it asked for. In TLS 1.2 it has when the handshake ends. In TLS 1.3 it has when it sends a
   * session ticket: until the deadline of the handshake one is waited for, SALLY_UNCONFIRMED where
   * none comes, and a refusal is told here, not by the first read: as SALLY_ALERT_*, or as
   * SALLY_HANDSHAKE_INTERRUPTED by a server that just closes. It is acceptance by the server's TLS;
   * what its application thinks is another matter. sdk/docs/confirmed-connect.md tells what servers
   * do. Streams only.
   */
  SALLY_STREAM_CONFIRMED = 4
};

typedef struct sally_stream_options {
  uint32_t struct_size; /* sizeof(sally_stream_options) */
  uint32_t flags;       /* SALLY_STREAM_* */
  const char *host;     /* name or literal address to connect to; also what is verified, unless: */
  const char *verify_name; /* what the server's certificate must bear, and the SNI that is sent */
  const char *service;     /* port number or service name */
  sally_tls_config *tls;   /* a client's config; the stream keeps a reference. NULL with
                              SALLY_STREAM_PLAIN only */
  sally_runtime *runtime;  /* NULL: the default */
  uint32_t high_watermark; /* bytes that wait to be sent before writes wait; default 64 KiB */
  uint32_t low_watermark;  /* how few must be left before they go on; default a quarter of that */
  const sally_completion *decisions; /* where questions go (decision.h), those of an upgrade too;
                                        copied. Needed where the config asks any */
} sally_stream_options;

/* One part of what sally_stream_writev sends. */
typedef struct sally_buffer {
  const void *data;
  size_t size;
} sally_buffer;

/* Flags of the writing functions. */
enum {
  /* Others follow at once: what is written may wait here for them, up to the high watermark. */
  SALLY_MORE = 1
};

/* Directions. */
enum { SALLY_DIRECTION_READ = 1, SALLY_DIRECTION_WRITE = 2 };

/*
 * sally_stream_create makes a stream that is not yet connected. Strings are copied.
 *
 * SALLY_INVALID_ARGUMENT: no host or service, no config without SALLY_STREAM_PLAIN, a name that
 * cannot be a host name, a flag that is not known, a config for servers, or a low watermark that is
 * not below the high one. SALLY_INVALID_STATE and the statuses of loading: the config cannot be
 * used as it is. SALLY_INVALID_ARGUMENT also: the config asks questions, and
 * `decisions` is NULL.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_create(const sally_stream_options *options,
                                                              sally_stream **stream,
                                                              sally_error **error);

/*
 * sally_stream_connect resolves the host, tries its addresses in turn, and does the TLS handshake,
 * the server's certificate verified. `timeout_ms` covers all of it (default 30 s, of which the
 * handshake has 10 s); SALLY_TIMEOUT_ATTEMPT is SALLY_INVALID_ARGUMENT.
 *
 * SALLY_TIMED_OUT, SALLY_CANCELED, and every other failure end the stream: it is closed, and a new
 * one is needed. Which phase it was is SALLY_ERROR_FIELD_PHASE of the error. In TLS 1.3 a server
 * refuses a client's certificate only after this has succeeded; then the first read or write tells,
 * as SALLY_ALERT_*; with SALLY_STREAM_CONFIRMED this tells.
 * SALLY_HOST_*, SALLY_RESOLVER_*, SALLY_CONNECTION_*, SALLY_NETWORK_*: there is no way to the server.
 * SALLY_CERTIFICATE_*: its certificate does not pass. SALLY_ALERT_*: it refused this side.
 * SALLY_PEER_*, SALLY_TLS_*, ...: the handshake failed in another way.
 * SALLY_INVALID_STATE: connected before. SALLY_CLOSED: closed, or failed, before.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_connect(sally_stream *stream,
                                                               int64_t timeout_ms,
                                                               sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_connect_async(sally_stream *stream, int64_t timeout_ms,
                           const sally_completion *completion, sally_operation **operation,
                           sally_error **error);

/*
 * sally_stream_upgrade turns a plain stream into a secured one, as STARTTLS does: a client's config
 * makes it a TLS client that verifies `verify_name` (NULL: the host that was connected to), a
 * server's config a TLS server (`verify_name` is then NULL). Call it when both sides have agreed
 * and the whole of the peer's plain answer was read, with no operation pending. Default time-out:
 * 10 s. Any failure ends the stream.
 *
 * SALLY_PLAINTEXT_BEFORE_TLS: the peer sent plaintext behind the agreement (RFC 3207 section 4.2
 * asks to discard it; ending the connection cannot be fooled).
 * SALLY_BUSY: an operation is pending. SALLY_INVALID_STATE: not connected, or secured already.
 * SALLY_INVALID_ARGUMENT also: the config asks questions, and neither the stream's options nor those
 * of its listener said where they go.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_upgrade(sally_stream *stream,
                                                               sally_tls_config *tls,
                                                               const char *verify_name,
                                                               int64_t timeout_ms,
                                                               sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_upgrade_async(sally_stream *stream, sally_tls_config *tls, const char *verify_name,
                           int64_t timeout_ms, const sally_completion *completion,
                           sally_operation **operation, sally_error **error);

/*
 * sally_stream_protection is how the stream is protected now: SALLY_TLS_1_2 or SALLY_TLS_1_3, or 0
 * in plain; 0 for a handle that is NULL, inherited, or not yet connected.
 */
SALLY_API int32_t sally_stream_protection(const sally_stream *stream);

/*
 * sally_stream_require_protection sets the least protection (SALLY_TLS_1_2, SALLY_TLS_1_3, or 0,
 * the default) under which bytes may be read or written from now on; below it reads and writes
 * answer SALLY_PROTECTION_TOO_LOW. Call it on a plain stream when what follows is for TLS only: a
 * peer, or someone between, that talks this side out of the upgrade then gets nothing.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_require_protection(sally_stream *stream,
                                                                          int32_t protection,
                                                                          sally_error **error);

/*
 * sally_stream_export_key derives `key_size` bytes (1 to 8160) from the keys of a secured stream:
 * both sides get the same, and nobody between (RFC 5705; RFC 8446 section 7.5). `label` (1 to 249
 * bytes) says what for: "EXPORTER-..." of the IANA registry, or "EXPERIMENTAL...". `context` (up
 * to 65535 bytes, copied) binds it to something else. In TLS 1.2 a NULL context is none, which
 * gives another key than an empty one (a pointer with `context_size` 0); in TLS 1.3 the two are
 * the same.
 *
 * SALLY_INVALID_STATE: not connected, or plain.
 * SALLY_EXTENDED_MASTER_SECRET_MISSING: a session of TLS 1.2 without the extended master secret
 * (RFC 7627), where a man in the middle may have the same key with either side.
 * SALLY_INVALID_ARGUMENT: also a label that TLS itself uses, "master secret" for example.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_export_key(sally_stream *stream, const char *label, const void *context,
                        size_t context_size, void *key, size_t key_size, sally_error **error);

/*
 * sally_stream_channel_binding is what binds a login within a secured stream (SCRAM-...-PLUS, for
 * example) to this very stream. `type` is a name of IANA's registry:
 *
 * "tls-exporter" (RFC 9266): 32 bytes, its own for each session.
 * "tls-server-end-point" (RFC 5929 section 4): the hash of the server's certificate, the same in
 * all its sessions. SALLY_NOT_SUPPORTED where it is not defined: for a certificate signed with
 * Ed25519 or Ed448; also on the server's side of a resumed session.
 *
 * SALLY_NOT_SUPPORTED: another type; "tls-unique" is not safe (RFC 9266 section 1). Otherwise as
 * sally_stream_export_key, for "tls-exporter"; for "tls-server-end-point" no extended master
 * secret is needed.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_channel_binding(sally_stream *stream,
                                                                       const char *type,
                                                                       sally_bytes **binding,
                                                                       sally_error **error);

/*
 * sally_stream_update_keys makes this side send under a new key from here on (RFC 8446 section
 * 4.6.3), and with `request_peer` 1 asks the peer for the same. Never waits: it is sent soon, or
 * with what is written next.
 *
 * Nobody has to call it: in TLS 1.3 the key is renewed long before as many records were sent as an
 * AES key is good for (RFC 8446 section 5.5). TLS 1.2 has no such renewal; there writes fail with
 * SALLY_LIMIT_EXCEEDED after 2^24 records under AES-GCM (256 GiB in full ones) or 2^22 under
 * AES-CCM, and a new connection is needed. ChaCha20-Poly1305 has no such limit.
 *
 * SALLY_NOT_SUPPORTED: TLS 1.2. SALLY_INVALID_STATE: not connected, plain, or after
 * sally_stream_shutdown. SALLY_WOULD_BLOCK: too much waits to be sent already.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_update_keys(sally_stream *stream,
                                                                   int32_t request_peer,
                                                                   sally_error **error);

/*
 * sally_stream_authenticate asks the client of a TLS 1.3 stream for its certificate after the handshake
 * (RFC 8446 section 4.6.2), and ends when it was verified, by the trust and the rules of this side's
 * config, and the client has proved that the key is its own: the stream information then shows it.
 * Default time-out: 10 s. The client must read meanwhile, and must have offered to be asked
 * (sally_tls_config_allow_post_handshake_auth). A session that it resumes later has its certificate
 * from the start.
 *
 * It takes the turn of a read, and is a pending read to sally_stream_cancel: another read is
 * SALLY_BUSY. What the client sends before its certificate is kept for the reads that follow, up to
 * 256 KiB; then it is SALLY_LIMIT_EXCEEDED, and can be waited for again when that was read. Writes go
 * on. What ends the waiting (SALLY_TIMED_OUT, SALLY_CANCELED, SALLY_WOULD_BLOCK) does not take the
 * request back: the next call waits for the same answer, and reads take it in too.
 *
 * A client that shows none, or a bad one, is refused as in a handshake, SALLY_CLIENT_CERTIFICATE_REQUIRED
 * or SALLY_CERTIFICATE_*: that is final, and later reads say the same.
 * SALLY_NOT_SUPPORTED: TLS 1.2; a client that did not offer it; a config that asks SALLY_QUESTION_PEER.
 * SALLY_INVALID_STATE: not connected, plain, a client's stream, a config without a trust store, or
 * after sally_stream_shutdown.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_authenticate(sally_stream *stream,
                                                                    int64_t timeout_ms,
                                                                    sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_authenticate_async(sally_stream *stream, int64_t timeout_ms,
                                const sally_completion *completion, sally_operation **operation,
                                sally_error **error);

/*
 * sally_stream_read_some moves up to `capacity` (at least 1) decrypted bytes into `buffer` and
 * stores the count in `*size`. It returns as soon as one byte is there, at the deadline at the
 * latest.
 *
 * SALLY_END_OF_STREAM: the peer closed properly (close_notify).
 * SALLY_TRUNCATED: the transport ended without close_notify; what came may have been cut by an
 * attacker.
 * SALLY_RENEGOTIATION_REFUSED: the peer asked for TLS 1.2 renegotiation, was told that there is none
 * (alert no_renegotiation), and broke off; how is the error's cause. A peer that goes on is served on.
 *
 * SALLY_WOULD_BLOCK, SALLY_TIMED_OUT, SALLY_CANCELED, SALLY_BUSY and argument errors pass; every
 * other failure is final and is returned by all later reads, attempts among them. Writes go on then,
 * and the other way round: each direction has its own.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_read_some(sally_stream *stream, void *buffer,
                                                                 size_t capacity, size_t *size,
                                                                 int64_t timeout_ms,
                                                                 sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_read_some_async(sally_stream *stream, void *buffer, size_t capacity,
                             int64_t timeout_ms, const sally_completion *completion,
                             sally_operation **operation, sally_error **error);

/*
 * sally_stream_read_exactly fills the whole of `buffer`. Where it fails, `*size` bytes of it were
 * moved, and are the caller's: it can go on behind them. Statuses as of sally_stream_read_some.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_read_exactly(sally_stream *stream, void *buffer, size_t capacity, size_t *size,
                          int64_t timeout_ms, sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_read_exactly_async(sally_stream *stream, void *buffer, size_t capacity,
                                int64_t timeout_ms, const sally_completion *completion,
                                sally_operation **operation, sally_error **error);

/*
 * sally_stream_read_until moves bytes up to and with the first `delimiter` (1 to 256 bytes:
 * "\r\n"); what came behind it stays for the next read. The delimiter is copied. Where it fails,
 * `*size` bytes were moved, and are the caller's. Each call looks for the delimiter only in what it
 * moves itself: where an attempt, or a call that ran out of time, has moved the beginning of a longer
 * delimiter, its caller has to look for the rest of it at the start of what the next one moves.
 *
 * SALLY_LIMIT_EXCEEDED: the buffer is full, and the delimiter is not in it.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_read_until(sally_stream *stream, void *buffer, size_t capacity, const void *delimiter,
                        size_t delimiter_size, size_t *size, int64_t timeout_ms,
                        sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_read_until_async(sally_stream *stream, void *buffer, size_t capacity,
                              const void *delimiter, size_t delimiter_size, int64_t timeout_ms,
                              const sally_completion *completion, sally_operation **operation,
                              sally_error **error);

/*
 * sally_stream_wait waits until a read (SALLY_DIRECTION_READ in `interest`), or a write, would do
 * something at once, and stores in `*ready` which of those asked for would. A read that would fail,
 * or meet the end of the stream, counts. Any number of waits may be pending, beside reads and
 * writes.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_wait(sally_stream *stream, uint32_t interest,
                                                            uint32_t *ready, int64_t timeout_ms,
                                                            sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_wait_async(sally_stream *stream, uint32_t interest, int64_t timeout_ms,
                        const sally_completion *completion, sally_operation **operation,
                        sally_error **error);

/*
 * sally_stream_fd is the descriptor of a connected stream, for a poller of the caller's own (an event
 * loop of a language, for example) to wait for between attempts (SALLY_TIMEOUT_ATTEMPT), in which no
 * thread of the library has a part. Attempt first, since what has come may be in the library already,
 * and watch only when the attempt answered SALLY_WOULD_BLOCK: repeat it when the descriptor is ready
 * for what sally_stream_fd_interest says. Level-triggered and edge-triggered pollers both do, and
 * readiness may turn out to be none. What an attempt has taken is sent by the library, on the
 * stream's event loop, without another call.
 *
 * Only attempts go with it: of reads and waits for reading, or of writes and waits for writing, none
 * that waits in the library may be pending beside them, or it takes what the poller would see.
 *
 * The descriptor stays the stream's: it is not to be read, written, changed or closed. It is the same
 * until the stream is closed or released, or an upgrade of it fails; stop watching before. Closing
 * ends the connection also where a duplicate of it is still open. Where SALLY_TRUST_CHANGE_DROP ends
 * the connection the descriptor stays, and the next attempt tells.
 *
 * SALLY_INVALID_STATE: not connected. SALLY_CLOSED: not any more. SALLY_NOT_SUPPORTED: the stream is
 * not over a socket.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_fd(sally_stream *stream, intptr_t *fd,
                                                          sally_error **error);

/*
 * sally_stream_fd_interest is what the descriptor is to be watched for after the last attempt in
 * `direction` (SALLY_DIRECTION_READ or SALLY_DIRECTION_WRITE; a flush is a write) that answered
 * SALLY_WOULD_BLOCK: SALLY_DIRECTION_READ when it is readable, SALLY_DIRECTION_WRITE when it is
 * writable. Almost always that is `direction`. But a write may wait for the rest of a message that
 * the peer has sent in part, and a read for a peer that does not take the answers it asks for
 * (RFC 8446 section 4.6.3): watched for the wrong one, a descriptor may be ready all the time. A
 * write that has waited for reading takes in what comes behind the message, too: when it is repeated,
 * repeat the read that waits.
 *
 * 0: there is nothing to watch, and an attempt tells why: not connected, closed, a NULL or inherited
 * handle, another direction.
 */
SALLY_API uint32_t sally_stream_fd_interest(const sally_stream *stream, uint32_t direction);

/*
 * sally_stream_write sends `size` bytes, all of them unless it fails, and stores in `*taken` how
 * many of them the library took. Those will be sent, also after SALLY_TIMED_OUT, SALLY_CANCELED or
 * SALLY_WOULD_BLOCK; the rest is the caller's to write again. `flags`: 0 or SALLY_MORE.
 *
 * Success means that the bytes were handed to the operating system, not that the peer has read
 * them. An attempt answers SALLY_OK when they are taken; sally_stream_flush tells when the operating
 * system has them, and what keeps them from being sent is told by the next write. With SALLY_MORE
 * success means that the library has them: they fill TLS records, and leave, together, with the next
 * write without SALLY_MORE, with sally_stream_flush, or when a read waits. Asynchronous writes that
 * are pending at the same time share records in the same way.
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
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_write_async(sally_stream *stream, const void *data, size_t size, uint32_t flags,
                         int64_t timeout_ms, const sally_completion *completion,
                         sally_operation **operation, sally_error **error);

/*
 * sally_stream_writev is sally_stream_write of several buffers, one behind the other; small ones
 * share a record. The array is copied, the bytes are not.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_writev(sally_stream *stream, const sally_buffer *buffers, size_t count, uint32_t flags,
                    size_t *taken, int64_t timeout_ms, sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_writev_async(sally_stream *stream, const sally_buffer *buffers, size_t count,
                          uint32_t flags, int64_t timeout_ms, const sally_completion *completion,
                          sally_operation **operation, sally_error **error);

/*
 * sally_stream_flush is a barrier: it sends what was written before, and returns when the operating
 * system has it. Statuses as of sally_stream_write.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_flush(sally_stream *stream,
                                                             int64_t timeout_ms,
                                                             sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_flush_async(sally_stream *stream, int64_t timeout_ms,
                         const sally_completion *completion, sally_operation **operation,
                         sally_error **error);

/*
 * sally_stream_shutdown ends the sending direction: close_notify follows what was written (RFC 8446
 * section 6.1), or TCP's end on a plain stream. Reading goes on. A second time it does nothing.
 * Default time-out: 5 s.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_shutdown(sally_stream *stream,
                                                                int64_t timeout_ms,
                                                                sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_shutdown_async(sally_stream *stream, int64_t timeout_ms,
                            const sally_completion *completion, sally_operation **operation,
                            sally_error **error);

/*
 * sally_stream_close ends both directions: sends close_notify, waits for that of the peer (default
 * 5 s; what the peer still sends is thrown away), and closes the transport. It always closes,
 * whatever it answers; pending calls of other threads end with SALLY_CLOSED.
 *
 * With SALLY_TIMEOUT_ATTEMPT it waits for nothing: what was taken and cannot be sent at once, or has
 * not arrived yet, is left to the stream's event loop after the call has returned, which sends up to
 * close_notify and reads on until the peer ends too, all of it for 5 s at most. Nobody learns whether
 * that succeeds; a program that ends meanwhile ends it.
 *
 * SALLY_OK: the peer closed too, or there was nothing to close, or it was not waited for.
 * SALLY_TIMED_OUT: the peer was silent.
 * SALLY_TRUNCATED: the peer's transport ended without close_notify.
 * SALLY_ALERT_*: the peer broke off with that alert; a client in TLS 1.3 that never read learns here
 * that its certificate was refused.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_close(sally_stream *stream,
                                                             int64_t timeout_ms,
                                                             sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status
sally_stream_close_async(sally_stream *stream, int64_t timeout_ms,
                         const sally_completion *completion, sally_operation **operation,
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
 * The last release cancels what is pending and closes as an attempt of sally_stream_close does: what
 * was taken goes on being sent, and it never waits. Use sally_stream_close with a time to be sure that
 * the peer got everything.
 */
SALLY_API void sally_stream_release(sally_stream *stream);

SALLY_END_DECLS

#endif /* SALLYPORT_STREAM_H */
