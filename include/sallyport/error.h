/* error.h: why an operation failed, in full. */
#ifndef SALLYPORT_ERROR_H
#define SALLYPORT_ERROR_H

#include <sallyport/bytes.h>
#include <sallyport/status.h>

SALLY_BEGIN_DECLS

/*
 * An immutable, reference-counted chain: the first link says what the operation means by its
 * failure, each cause is one step nearer to the root. Any number of threads may read it. Errors
 * survive the handle that they came from.
 */
typedef struct sally_error sally_error;

/* What sally_error_text can be asked for. Which of them an error has depends on what went wrong. */
enum {
  SALLY_ERROR_FIELD_NATIVE_NAME = 1, /* "ECONNREFUSED"; of what has none, "errno 999 (unknown)" */
  SALLY_ERROR_FIELD_ALERT_NAME = 2,  /* RFC 8446 section 6; "unknown_ca", "alert 123 (unknown)" */
  SALLY_ERROR_FIELD_SUBJECT = 3,     /* subject of the certificate at fault, RFC 2253 */
  SALLY_ERROR_FIELD_ISSUER = 4,      /* its issuer, likewise */
  SALLY_ERROR_FIELD_EXPECTED = 5,    /* what was expected: a name, a date, a version */
  SALLY_ERROR_FIELD_FOUND = 6,       /* what was found instead */
  SALLY_ERROR_FIELD_SOURCE = 7,      /* file or URI that was being read */
  SALLY_ERROR_FIELD_ADDRESS = 8, /* address of the peer, or of this side where that is at fault */
  SALLY_ERROR_FIELD_CORRELATION_ID = 9, /* the same on both sides of one connection */
  SALLY_ERROR_FIELD_PHASE =
      10 /* "resolve", "connect", "handshake", "read", "write", "close", "load", "review" */
};

/* Which way an alert went. */
enum {
  SALLY_ALERT_NONE = 0,
  SALLY_ALERT_SENT = 1,    /* this side refused, and told the peer so */
  SALLY_ALERT_RECEIVED = 2 /* the peer refused */
};

/* sally_error_status is the status of this link; SALLY_OK for NULL, which stands for "no error". */
SALLY_API sally_status sally_error_status(const sally_error *error);

/* sally_error_layer is a SALLY_LAYER_*; SALLY_LAYER_GENERAL for NULL. */
SALLY_API int32_t sally_error_layer(const sally_error *error);

/*
 * sally_error_message is one line for a person; it names the certificate, address or file. "" for
 * NULL.
 */
SALLY_API const char *sally_error_message(const sally_error *error);

/* sally_error_hint says how to mend it, or "". */
SALLY_API const char *sally_error_hint(const sally_error *error);

/* sally_error_text is a SALLY_ERROR_FIELD_*, or NULL where this link has none. */
SALLY_API const char *sally_error_text(const sally_error *error, int32_t field);

/*
 * sally_error_native_domain is the SALLY_DOMAIN_* that sally_error_native_code counts in;
 * SALLY_DOMAIN_NONE without one.
 */
SALLY_API int32_t sally_error_native_domain(const sally_error *error);
SALLY_API int64_t sally_error_native_code(const sally_error *error);

/*
 * sally_error_alert is the AlertDescription (0 to 255) that was sent or received; -1 where there
 * was none.
 */
SALLY_API int32_t sally_error_alert(const sally_error *error);

/* sally_error_alert_direction is SALLY_ALERT_NONE, SALLY_ALERT_SENT or SALLY_ALERT_RECEIVED. */
SALLY_API int32_t sally_error_alert_direction(const sally_error *error);

/*
 * sally_error_depth counts from the peer's own certificate (0) to the one at fault; -1 where no
 * certificate is.
 */
SALLY_API int32_t sally_error_depth(const sally_error *error);

/* sally_error_cause is the next link towards the root, borrowed from this one; NULL at the end. */
SALLY_API const sally_error *sally_error_cause(const sally_error *error);

/*
 * What is wrong with a certificate chain, all of it: a certificate may have expired, and be for
 * another name besides. The first fault that is not ignored decides, and is what the other
 * functions tell. An error that is not about a peer's certificate has none. Beyond the last, and
 * for NULL: SALLY_OK, -1, NULL and 0.
 */
SALLY_API size_t sally_error_fault_count(const sally_error *error);
SALLY_API sally_status sally_error_fault_status(const sally_error *error, size_t index);
/* sally_error_fault_depth counts from the peer's own certificate, as sally_error_depth does. */
SALLY_API int32_t sally_error_fault_depth(const sally_error *error, size_t index);
/* sally_error_fault_subject is the subject of the certificate at fault, RFC 2253; "" without one. */
SALLY_API const char *sally_error_fault_subject(const sally_error *error, size_t index);
/* sally_error_fault_message is one line, as sally_error_message would have it for this fault. */
SALLY_API const char *sally_error_fault_message(const sally_error *error, size_t index);
/*
 * sally_error_fault_is_ignored is 1 where the rules of this side let the fault pass (sally_tls_config
 * names them), 0 where it refuses the peer.
 */
SALLY_API int32_t sally_error_fault_is_ignored(const sally_error *error, size_t index);

/*
 * sally_error_json is the whole chain as one JSON object: "status", "code", "layer", "message",
 * "hint", the fields of above in lower case where they are there, "alert" {"name", "number",
 * "direction"}, "native" {"domain", "name", "code"}, "depth", "whose" ("peer" or "own": of whom the
 * certificate at fault is), "validity", "chain" and "handshake", which say what there is to know of a
 * certificate and of a handshake that failed, "faults" [{"status", "code", "depth", "subject",
 * "native", "message", "ignored"}], and "cause", an object of the same form. error-json.md describes
 * it all, and error.schema.json is a JSON Schema of it. Always valid UTF-8. "null" for NULL.
 */
SALLY_API const char *sally_error_json(const sally_error *error);

/*
 * sally_error_copy_text is the whole chain in several lines for a person: what is in its JSON, each
 * on a line of its own below the message, and the causes after it. Lines end with a newline but for the
 * last. Always valid UTF-8; new versions may word it in another way. The bytes are the caller's.
 * SALLY_INVALID_ARGUMENT: `error` or `text` is NULL.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_error_copy_text(const sally_error *error,
                                                                sally_bytes **text,
                                                                sally_error **why);

/* sally_error_retain adds a reference and returns its argument. */
SALLY_API sally_error *sally_error_retain(const sally_error *error);
SALLY_API void sally_error_release(sally_error *error);

SALLY_END_DECLS

#endif /* SALLYPORT_ERROR_H */
