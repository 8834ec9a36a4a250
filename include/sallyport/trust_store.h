/* trust_store.h: whom this side trusts. A set of trust anchors (CA certificates), and CRLs. */
#ifndef SALLYPORT_TRUST_STORE_H
#define SALLYPORT_TRUST_STORE_H

#include <sallyport/error.h>
#include <sallyport/queue.h>

SALLY_BEGIN_DECLS

/*
 * Shared by any number of configs; loading the system's roots takes tens of milliseconds, so load
 * once. A source: it is reloaded or replaced while it is in use, generation by generation, and each
 * handshake takes the one that is there when it begins.
 */
typedef struct sally_trust_store sally_trust_store;

/*
 * sally_trust_store_system loads the CA certificates of this machine: those of SSL_CERT_FILE and
 * SSL_CERT_DIR where set (setuid programs, and what has more rights than its user, ignore them),
 * else the system's own bundle. SALLY_TRUST_STORE_EMPTY where there are none.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_system(sally_trust_store **store,
                                                                   sally_error **error);

/*
 * sally_trust_store_load reads the CA certificates of a file, PEM or DER, "file:PATH" or just PATH,
 * or those of a folder: "dir:PATH", or a PATH that is one. Of a folder each file directly in it is
 * read, as c_rehash and openssl rehash keep them; files without certificates, CRLs among them, are
 * passed over. A certificate that is there more than once counts once.
 *
 * SALLY_FILE_NOT_FOUND, SALLY_ACCESS_DENIED, SALLY_FILE_UNREADABLE: of the file or folder that
 * SALLY_ERROR_FIELD_SOURCE names.
 * SALLY_TRUST_STORE_EMPTY: it holds no certificate.
 * SALLY_TRUST_STORE_BAD_FORMAT: one of them does not decode, in a file or in a PEM file of the folder;
 * or the file is PKCS#12.
 * SALLY_NOT_SUPPORTED: a URI scheme that this library does not know.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_load(const char *uri,
                                                                 sally_trust_store **store,
                                                                 sally_error **error);

/*
 * sally_trust_store_from_memory does the same from PEM or DER in memory; the caller's bytes are not
 * kept.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_from_memory(const void *data,
                                                                        size_t size,
                                                                        sally_trust_store **store,
                                                                        sally_error **error);

/*
 * sally_trust_store_merge adds to `store` what `other` was loaded from, CRLs too; `other` stays as it
 * is. So several files and folders, and the system's roots, become one store. The files of both are
 * read again, whole or not at all: the next generation. Statuses as of sally_trust_store_load.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_merge(sally_trust_store *store,
                                                                  const sally_trust_store *other,
                                                                  sally_error **error);

/*
 * sally_trust_store_add_crl adds the certificate revocation lists (RFC 5280 section 5) of a file or
 * folder, named as for sally_trust_store_load, PEM or DER. A folder's other files are passed over.
 * The store's own files are read again, as for sally_trust_store_merge: after a failure its
 * certificates and CRLs are as they were, and sally_trust_store_reload_status tells of it.
 *
 * SALLY_FILE_NOT_FOUND, SALLY_ACCESS_DENIED, SALLY_FILE_UNREADABLE: of the file or folder.
 * SALLY_CRL_EMPTY: there is no CRL.
 * SALLY_CRL_BAD_FORMAT: one of them does not decode, or is a delta, an indirect or a partial one.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_add_crl(sally_trust_store *store,
                                                                    const char *uri,
                                                                    sally_error **error);

/* sally_trust_store_add_crl_from_memory does the same from memory. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_add_crl_from_memory(
    sally_trust_store *store, const void *data, size_t size, sally_error **error);

/* sally_trust_store_crl_count counts its CRLs; 0 for a NULL handle. */
SALLY_API size_t sally_trust_store_crl_count(const sally_trust_store *store);

/* sally_trust_store_size counts its anchors; 0 for a NULL handle. */
SALLY_API size_t sally_trust_store_size(const sally_trust_store *store);

/*
 * sally_trust_store_not_after is when the first of its anchors expires, and
 * sally_trust_store_next_update when the first of its CRLs is out of date (RFC 5280 section 5.1.2.5),
 * in seconds since 1970-01-01T00:00:00Z; 0 where none says so, and for a NULL handle. They are of the
 * present generation: ask again after each.
 */
SALLY_API int64_t sally_trust_store_not_after(const sally_trust_store *store);
SALLY_API int64_t sally_trust_store_next_update(const sally_trust_store *store);

/*
 * sally_trust_store_reload reads its files again. Whole or not at all: where the new files fail,
 * with a status of sally_trust_store_load, the old generation stays in force. Handshakes that begin
 * afterwards use the new one; connections that there are go on with what they had, unless
 * sally_tls_config_set_trust_change says otherwise. From any thread.
 *
 * SALLY_INVALID_STATE: nothing of it is from a file; use replace.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_reload(sally_trust_store *store,
                                                              sally_error **error);

/*
 * sally_trust_store_replace makes what `by` holds now the next generation. `by` stays as it is.
 * Where `by` was loaded from, a later reload reads, and merge and add_crl start; a watch of
 * `store` goes on with the files of `by`, and ends where it has none.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_replace(sally_trust_store *store,
                                                               const sally_trust_store *by,
                                                               sally_error **error);

/*
 * sally_trust_store_watch reloads it from now on, until its last release, whenever its files
 * change: written, renamed over, or reached through a symbolic link that was swapped, as
 * Kubernetes does with mounted secrets. On a thread of the library. What cannot be loaded, torn
 * files for example, is tried again; until then the old generation stays in force and
 * sally_trust_store_reload_status says why.
 *
 * SALLY_INVALID_STATE: nothing of it is from a file.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_watch(sally_trust_store *store,
                                                             sally_error **error);

/*
 * sally_trust_store_reload_status is how the last reload ended, by call (merge and add_crl count) or
 * by watching: SALLY_OK, also where there was none, or what it failed with.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_reload_status(
    const sally_trust_store *store, sally_error **error);

/*
 * sally_trust_store_generation is 1 when it was loaded and grows by one with each reload, merge and
 * add_crl that succeeds and each replace; 0 for a NULL handle.
 */
SALLY_API uint64_t sally_trust_store_generation(const sally_trust_store *store);

/*
 * sally_trust_store_wait_change waits until its generation is beyond `generation`, and stores the
 * one that it then is at in `*now` (default: for ever). It fails with what a reload fails with
 * meanwhile, by call or by watching; a failure of before is not told: ask
 * sally_trust_store_reload_status when the wait has begun, and none is missed. Any number of
 * threads may wait.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: neither came. And the statuses of sally_trust_store_reload.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_wait_change(
    sally_trust_store *store, uint64_t generation, uint64_t *now, int64_t timeout_ms,
    sally_error **error);
/*
 * The same, as an event of kind SALLY_EVENT_DONE whose size is the generation. A function is called
 * on a loop of the default runtime.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trust_store_wait_change_async(
    sally_trust_store *store, uint64_t generation, int64_t timeout_ms,
    const sally_completion *completion, sally_operation **operation, sally_error **error);

/* sally_trust_store_retain adds a reference and returns its argument. */
SALLY_API sally_trust_store *sally_trust_store_retain(sally_trust_store *store);
SALLY_API void sally_trust_store_release(sally_trust_store *store);

SALLY_END_DECLS

#endif /* SALLYPORT_TRUST_STORE_H */
