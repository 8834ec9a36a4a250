/*
 * ticket_keys.h: the keys with which the servers of a fleet encrypt what clients keep for them,
 * RFC 8446 section 4.6.1, RFC 5077.
 */
#ifndef SALLYPORT_TICKET_KEYS_H
#define SALLYPORT_TICKET_KEYS_H

#include <sallyport/error.h>
#include <sallyport/queue.h>

SALLY_BEGIN_DECLS

/*
 * A ring of keys: the first one encrypts, all decrypt. To rotate, put a new key in front, drop the
 * last one, and reload; do so at least once in the lifetime of a session, since whoever has a key
 * reads all that was sent under TLS 1.2 sessions of its tickets. A source: reloaded or replaced
 * while it is in use.
 */
typedef struct sally_ticket_keys sally_ticket_keys;

/*
 * sally_ticket_keys_load reads the keys of a file, "file:PATH" or just PATH: 1 to 16 keys of 80
 * random bytes each, one after another: 16 of its name, 32 of its HMAC-SHA-256 key, 32 of its
 * AES-256 key. `openssl rand 80` makes one.
 *
 * SALLY_FILE_NOT_FOUND, SALLY_ACCESS_DENIED, SALLY_FILE_UNREADABLE: of the file.
 * SALLY_TICKET_KEYS_BAD_FORMAT: another size, or two keys of one name.
 * SALLY_NOT_SUPPORTED: a URI scheme that this library does not know.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_load(const char *uri,
                                                                 sally_ticket_keys **keys,
                                                                 sally_error **error);

/* sally_ticket_keys_from_memory does the same from memory, which is not kept. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_from_memory(const void *data,
                                                                        size_t size,
                                                                        sally_ticket_keys **keys,
                                                                        sally_error **error);

/* sally_ticket_keys_size counts the keys; 0 for a NULL handle. */
SALLY_API size_t sally_ticket_keys_size(const sally_ticket_keys *keys);

/*
 * sally_ticket_keys_reload reads its files again. Whole or not at all: where the new files fail,
 * with a status of sally_ticket_keys_load, the old generation stays in force. Handshakes that begin
 * afterwards use the new one; connections that there are go on with what they had. From any thread.
 *
 * SALLY_INVALID_STATE: it was loaded from memory; use replace.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_reload(sally_ticket_keys *keys,
                                                              sally_error **error);

/*
 * sally_ticket_keys_replace makes what `by` holds now the next generation. `by` stays as it is.
 * Where `by` was loaded from, a later reload reads; a watch of `keys` goes on with the files of
 * `by`, and ends where it has none.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_replace(sally_ticket_keys *keys,
                                                               const sally_ticket_keys *by,
                                                               sally_error **error);

/*
 * sally_ticket_keys_watch reloads it from now on, until its last release, whenever its files
 * change: written, renamed over, or reached through a symbolic link that was swapped, as
 * Kubernetes does with mounted secrets. On a thread of the library. What cannot be loaded, torn
 * files for example, is tried again; until then the old generation stays in force and
 * sally_ticket_keys_reload_status says why.
 *
 * SALLY_INVALID_STATE: it was loaded from memory.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_watch(sally_ticket_keys *keys,
                                                             sally_error **error);

/*
 * sally_ticket_keys_reload_status is how the last reload ended, by call or by watching: SALLY_OK,
 * also where there was none, or what it failed with.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_reload_status(
    const sally_ticket_keys *keys, sally_error **error);

/*
 * sally_ticket_keys_generation is 1 when it was loaded and grows by one with each reload that
 * succeeds and each replace; 0 for a NULL handle.
 */
SALLY_API uint64_t sally_ticket_keys_generation(const sally_ticket_keys *keys);

/*
 * sally_ticket_keys_wait_change waits until its generation is beyond `generation`, and stores the
 * one that it then is at in `*now` (default: for ever). It fails with what a reload fails with
 * meanwhile, by call or by watching; a failure of before is not told: ask
 * sally_ticket_keys_reload_status when the wait has begun, and none is missed. Any number of
 * threads may wait.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: neither came. And the statuses of sally_ticket_keys_reload.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_wait_change(
    sally_ticket_keys *keys, uint64_t generation, uint64_t *now, int64_t timeout_ms,
    sally_error **error);
/*
 * The same, as an event of kind SALLY_EVENT_DONE whose size is the generation. A function is called
 * on a loop of the default runtime.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_ticket_keys_wait_change_async(
    sally_ticket_keys *keys, uint64_t generation, int64_t timeout_ms,
    const sally_completion *completion, sally_operation **operation, sally_error **error);

/* sally_ticket_keys_retain adds a reference and returns its argument. */
SALLY_API sally_ticket_keys *sally_ticket_keys_retain(sally_ticket_keys *keys);
SALLY_API void sally_ticket_keys_release(sally_ticket_keys *keys);

SALLY_END_DECLS

#endif /* SALLYPORT_TICKET_KEYS_H */
