/* library.h: facts about the library itself. */
#ifndef SALLYPORT_LIBRARY_H
#define SALLYPORT_LIBRARY_H

#include <sallyport/base.h>

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
  SALLY_HANDLE_DECISION = 12
};

/* sally_library_version is "0.1.0" for the library of these headers. */
SALLY_API const char *sally_library_version(void);

/*
 * sally_library_tls_backend is the name and version of the TLS library in use, as it says itself at
 * run time.
 */
SALLY_API const char *sally_library_tls_backend(void);

/*
 * sally_library_live_handles counts the handles of a kind that were made and whose last reference
 * was not yet released, so that a test can prove that it leaks none. An error or bytes held by
 * another handle counts too. -1 for a kind that does not exist.
 */
SALLY_API int64_t sally_library_live_handles(int32_t kind);

SALLY_END_DECLS

#endif /* SALLYPORT_LIBRARY_H */
