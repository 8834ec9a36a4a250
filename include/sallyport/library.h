/* library.h: facts about the library itself. */
#ifndef SALLYPORT_LIBRARY_H
#define SALLYPORT_LIBRARY_H

#include <sallyport/base.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/* The version of these headers; sally_library_version is the one that runs. */
#define SALLY_VERSION_MAJOR 0
#define SALLY_VERSION_MINOR 1
#define SALLY_VERSION_PATCH 0

/* Kinds of handle, for sally_library_live_handles. */
enum {
  SALLY_HANDLE_ERROR = 0,
  SALLY_HANDLE_BYTES = 1,
  SALLY_HANDLE_CREDENTIAL = 2,
  SALLY_HANDLE_TRUST_STORE = 3,
  SALLY_HANDLE_TLS_CONFIG = 4,
  SALLY_HANDLE_CERTIFICATE = 5,
  SALLY_HANDLE_STREAM = 6,
  SALLY_HANDLE_STREAM_INFO = 7,
  SALLY_HANDLE_LISTENER = 8,
  SALLY_HANDLE_RUNTIME = 9,
  SALLY_HANDLE_QUEUE = 10,
  SALLY_HANDLE_OPERATION = 11,
  SALLY_HANDLE_VERDICT = 12,
  SALLY_HANDLE_TICKET_KEYS = 13,
  SALLY_HANDLE_DECISION = 14,
  SALLY_HANDLE_TRACE = 15,
  SALLY_HANDLE_TRACE_RECORD = 16
};

/* sally_library_version is "0.1.0" for the library of these headers. */
SALLY_API const char *sally_library_version(void);

/*
 * sally_library_tls_backend is the name and version of the TLS library in use, as it says itself at
 * run time.
 */
SALLY_API const char *sally_library_tls_backend(void);

/*
 * sally_library_load_provider loads a provider of OpenSSL by its name ("fips", "legacy") into the
 * library's own context, where configs can choose it (sally_tls_config_set_provider). It stays for
 * the life of the process; a forked child loads it again. `configuration` may be NULL, or the path
 * of a configuration file of OpenSSL that is read first: the FIPS provider starts only with its
 * fipsmodule.cnf. Any thread may call it; a second time it does nothing.
 *
 * SALLY_PROVIDER_UNAVAILABLE: OpenSSL cannot load it, or read the file.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_library_load_provider(const char *name,
                                                                      const char *configuration,
                                                                      sally_error **error);

/*
 * sally_library_live_handles counts the handles of a kind that were made and whose last reference
 * was not yet released, so that a test can prove that it leaks none. An error or bytes held by
 * another handle counts too. -1 for a kind that does not exist.
 */
SALLY_API int64_t sally_library_live_handles(int32_t kind);

SALLY_END_DECLS

#endif /* SALLYPORT_LIBRARY_H */
