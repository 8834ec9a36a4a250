/*
 * verify.h: judging a certificate chain without a connection, by the very rules and code that judge
 * a peer's.
 */
#ifndef SALLYPORT_VERIFY_H
#define SALLYPORT_VERIFY_H

#include <sallyport/bytes.h>
#include <sallyport/certificate.h>
#include <sallyport/error.h>
#include <sallyport/tls_config.h>
#include <sallyport/trust_store.h>

SALLY_BEGIN_DECLS

/* What the certificate is to be used for. */
enum {
  SALLY_PURPOSE_DEFAULT = 0, /* with a config: to be the peer of such a stream; else: a server */
  SALLY_PURPOSE_SERVER = 1,
  SALLY_PURPOSE_CLIENT = 2,
  SALLY_PURPOSE_ANY = 3 /* key usages are not looked at */
};

typedef struct sally_verify_options {
  uint32_t struct_size;
  uint32_t flags; /* none yet: 0 */
  /* Rules and trust as a stream with this config would have them; NULL for the defaults. It is not
     frozen, and need not be complete. */
  sally_tls_config *config;
  /* Whom to trust, instead of the config's; NULL without a config's: the system's roots. */
  sally_trust_store *trust;
  /* The certificate to judge, PEM or DER; those that follow it count as intermediates. */
  const void *leaf;
  size_t leaf_size;
  /* What else the peer sends, PEM or DER, in any order; may be NULL. */
  const void *intermediates;
  size_t intermediates_size;
  /* The name that it must bear; NULL for any. */
  const char *name;
  int32_t name_kind; /* SALLY_NAME_DNS, _IP or _EMAIL; 0: _IP where it is an address, else _DNS */
  int32_t purpose;   /* SALLY_PURPOSE_* */
  int64_t time;      /* seconds since 1970-01-01T00:00:00Z; 0: the config's, else the clock */
} sally_verify_options;

/* Immutable and reference-counted; any number of threads may read it. */
typedef struct sally_verdict sally_verdict;

/*
 * sally_verify judges a chain. That it is refused is no failure of the function: the verdict tells.
 *
 * SALLY_CERTIFICATE_MALFORMED: the leaf or an intermediate does not decode.
 * SALLY_CREDENTIAL_NO_CERTIFICATE: there is no certificate in `leaf`.
 * SALLY_INVALID_ARGUMENT: an option, or a name that is none of its kind.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_verify(const sally_verify_options *options,
                                                       sally_verdict **verdict,
                                                       sally_error **error);

/*
 * sally_verdict_status is SALLY_OK where a peer that shows this chain is let in, else why it is
 * refused; SALLY_INVALID_ARGUMENT for a NULL handle.
 */
SALLY_API sally_status sally_verdict_status(const sally_verdict *verdict);

/*
 * sally_verdict_error is the verdict in full, borrowed: its status is that of the verdict, its faults
 * are all that was found, what the rules let pass among it (sally_error_fault_count). NULL for a NULL
 * handle.
 */
SALLY_API const sally_error *sally_verdict_error(const sally_verdict *verdict);

/*
 * sally_verdict_chain_count counts the chain as it was built, the leaf first, as far as it came;
 * sally_verdict_chain borrows one of its certificates, NULL beyond the last.
 */
SALLY_API size_t sally_verdict_chain_count(const sally_verdict *verdict);
SALLY_API sally_certificate *sally_verdict_chain(const sally_verdict *verdict, size_t index);

/* sally_verdict_pin_matched is 1 where a pin of the config is a key of the chain, 0 otherwise. */
SALLY_API int32_t sally_verdict_pin_matched(const sally_verdict *verdict);

/*
 * sally_verdict_json is {"accepted", "verdict", "pin_matched", "chain"}: the verdict as
 * sally_error_json has it, each certificate as sally_certificate_copy_json has it. "null" for NULL.
 */
SALLY_API const char *sally_verdict_json(const sally_verdict *verdict);

/* sally_verdict_retain adds a reference and returns its argument. */
SALLY_API sally_verdict *sally_verdict_retain(sally_verdict *verdict);
SALLY_API void sally_verdict_release(sally_verdict *verdict);

SALLY_END_DECLS

#endif /* SALLYPORT_VERIFY_H */
