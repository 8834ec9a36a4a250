/*
 * status.h: what an operation answered, as one number, and the translator between that number and
 * the codes of operating systems, TLS and Windows. status_codes.h lists the numbers.
 */
#ifndef SALLYPORT_STATUS_H
#define SALLYPORT_STATUS_H

#include <sallyport/base.h>
#include <sallyport/status_codes.h>

SALLY_BEGIN_DECLS

/*
 * SALLY_OK or one of the numbers of status_codes.h. Numbers are never reused; a newer library may
 * return newer ones.
 */
typedef int32_t sally_status;

/* The layer in which a status arises. */
enum {
  SALLY_LAYER_GENERAL = 0,     /* arguments, states, time, memory, files */
  SALLY_LAYER_TRANSPORT = 1,   /* names, addresses, sockets */
  SALLY_LAYER_TLS = 2,         /* the TLS protocol, alerts of the peer among it */
  SALLY_LAYER_CERTIFICATE = 3, /* the peer's certificate, judged by this side */
  SALLY_LAYER_CREDENTIAL = 4   /* certificates, keys and trust anchors that this side loads */
};

/* Whose numbers a native code is counted in. */
enum {
  SALLY_DOMAIN_NONE = 0,
  SALLY_DOMAIN_ERRNO = 1,       /* errno, of the system that the library runs on */
  SALLY_DOMAIN_GETADDRINFO = 2, /* EAI_*, of the system that the library runs on */
  SALLY_DOMAIN_WINSOCK = 3,     /* WSAGetLastError() */
  SALLY_DOMAIN_HRESULT = 4,     /* HRESULT, as unsigned 32 bits or sign-extended */
  SALLY_DOMAIN_OPENSSL = 5,     /* ERR_get_error() */
  SALLY_DOMAIN_X509 = 6,        /* X509_V_ERR_*, of the OpenSSL that the library runs on */
  SALLY_DOMAIN_ALERT = 7        /* TLS AlertDescription, RFC 8446 section 6 */
};

/*
 * sally_status_name is "SALLY_TRUNCATED" for SALLY_TRUNCATED, and so on; NULL for a number that is
 * not in the table.
 */
SALLY_API const char *sally_status_name(sally_status status);

/*
 * sally_status_message says in one line what the status means; NULL for a number that is not in the
 * table.
 */
SALLY_API const char *sally_status_message(sally_status status);

/*
 * sally_status_hint says how to mend it, "" where there is nothing general to say; NULL for an
 * unknown number.
 */
SALLY_API const char *sally_status_hint(sally_status status);

/* sally_status_layer is a SALLY_LAYER_*; -1 for a number that is not in the table. */
SALLY_API int32_t sally_status_layer(sally_status status);

/*
 * sally_status_from_native translates a code of a SALLY_DOMAIN_* into a status. SALLY_UNKNOWN where
 * the table has no row for it, SALLY_OK for the domain's own "no error", SALLY_INVALID_ARGUMENT for
 * a domain that does not exist.
 */
SALLY_API sally_status sally_status_from_native(int32_t domain, int64_t code);

/*
 * sally_status_from_native_name does the same from the code's name, which, unlike the number, is
 * the same on every system: "ECONNREFUSED", "WSAECONNREFUSED", "EAI_NONAME",
 * "X509_V_ERR_CERT_HAS_EXPIRED", "unknown_ca".
 */
SALLY_API sally_status sally_status_from_native_name(int32_t domain, const char *name);

/*
 * sally_status_to_socket_error_status gives the Windows.Networking.Sockets.SocketErrorStatus (0 to
 * 30) that a Windows program would have seen; 0 (Unknown) where Windows has no word for it.
 */
SALLY_API int32_t sally_status_to_socket_error_status(sally_status status);

/*
 * sally_native_name is the name of a code of a SALLY_DOMAIN_*: "ECONNREFUSED" for the ECONNREFUSED
 * of this system, "unknown_ca" for 48. NULL for a code that has none, and for a domain that does
 * not exist. Text lives for ever.
 */
SALLY_API const char *sally_native_name(int32_t domain, int64_t code);

/*
 * sally_status_to_native_name is the code of a SALLY_DOMAIN_* that stands for the status: of
 * several, the one that the table names first and this system has. NULL where the domain has none,
 * as for a status that says no more than that something failed (SALLY_UNKNOWN). Text lives for
 * ever.
 */
SALLY_API const char *sally_status_to_native_name(sally_status status, int32_t domain);

/*
 * sally_status_to_native stores the number of that code in `*code` and returns 1; 0, with nothing
 * stored, where there is none, where the library's OpenSSL does not have it, or where `code` is
 * NULL. A reason that is common to all libraries of OpenSSL comes without a library.
 */
SALLY_API int32_t sally_status_to_native(sally_status status, int32_t domain, int64_t *code);

/*
 * sally_status_from_socket_error_status goes the other way: where several statuses share a
 * SALLY_SOCKET_ERROR_STATUS_*, to the most general one, so that translating back and forth ends
 * where it began. SALLY_UNKNOWN for 0, SALLY_INVALID_ARGUMENT for a number that is not one of them.
 */
SALLY_API sally_status sally_status_from_socket_error_status(int32_t value);

/*
 * sally_status_to_chain_validation_result gives the
 * Windows.Security.Cryptography.Certificates.ChainValidationResult, a
 * SALLY_CHAIN_VALIDATION_RESULT_*; -1 for a status that says nothing about a chain.
 */
SALLY_API int32_t sally_status_to_chain_validation_result(sally_status status);

/*
 * sally_status_from_chain_validation_result goes the other way. An incomplete chain becomes
 * SALLY_CERTIFICATE_UNKNOWN_CA, as an untrusted one does, since nobody can tell the two apart.
 * SALLY_INVALID_ARGUMENT for a number that is not one of them.
 */
SALLY_API sally_status sally_status_from_chain_validation_result(int32_t value);

/*
 * sally_status_to_socket_ssl_error_severity gives the
 * Windows.Networking.Sockets.SocketSslErrorSeverity, a SALLY_SOCKET_SSL_ERROR_SEVERITY_*: which
 * faults of a certificate a Windows program may ignore. NONE for a status that says nothing about a
 * chain. There is no way back: a severity says only how grave a fault is.
 */
SALLY_API int32_t sally_status_to_socket_ssl_error_severity(sally_status status);

/*
 * sally_status_to_web_error_status gives the Windows.Web.WebErrorStatus, a
 * SALLY_WEB_ERROR_STATUS_*; 0 (Unknown) where it has no word for it.
 */
SALLY_API int32_t sally_status_to_web_error_status(sally_status status);

/*
 * sally_status_from_web_error_status goes the other way: to the nearest status, SALLY_UNKNOWN for
 * what only HTTP has, SALLY_INVALID_ARGUMENT for a number that is not one of them.
 */
SALLY_API sally_status sally_status_from_web_error_status(int32_t value);

/*
 * The names that Windows gives the values: "CertificateExpired", "Ignorable", "InvalidName",
 * "Timeout". NULL for a number that is not one of them. Text lives for ever.
 */
SALLY_API const char *sally_socket_error_status_name(int32_t value);
SALLY_API const char *sally_socket_ssl_error_severity_name(int32_t value);
SALLY_API const char *sally_chain_validation_result_name(int32_t value);
SALLY_API const char *sally_web_error_status_name(int32_t value);

SALLY_END_DECLS

#endif /* SALLYPORT_STATUS_H */
