/* stream_info.h: what was agreed on a stream, and with whom. A snapshot. */
#ifndef SALLYPORT_STREAM_INFO_H
#define SALLYPORT_STREAM_INFO_H

#include <sallyport/bytes.h>
#include <sallyport/certificate.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/*
 * Immutable and reference-counted; any number of threads may read it. For a NULL handle text is ""
 * and numbers are 0.
 */
typedef struct sally_stream_info sally_stream_info;

/* sally_stream_info_version is a SALLY_TLS_*; 0 on a plain stream. */
SALLY_API int32_t sally_stream_info_version(const sally_stream_info *info);

/* sally_stream_info_version_name is "TLSv1.2" or "TLSv1.3". */
SALLY_API const char *sally_stream_info_version_name(const sally_stream_info *info);

/* sally_stream_info_suite is the cipher suite by its IANA name: "TLS_AES_128_GCM_SHA256". */
SALLY_API const char *sally_stream_info_suite(const sally_stream_info *info);

/*
 * sally_stream_info_group is the key-exchange group: "x25519", "secp256r1"; "" where the TLS
 * library does not say.
 */
SALLY_API const char *sally_stream_info_group(const sally_stream_info *info);

/* sally_stream_info_alpn is the application protocol that was agreed; "" without one. */
SALLY_API const char *sally_stream_info_alpn(const sally_stream_info *info);

/*
 * sally_stream_info_server_name is the name that the client asked for (SNI, RFC 6066 section 3); ""
 * without one. What is not UTF-8, or would steer a terminal, is escaped as \xNN.
 */
SALLY_API const char *sally_stream_info_server_name(const sally_stream_info *info);

/* sally_stream_info_resumed is 1 where the session was resumed, 0 after a full handshake. */
SALLY_API int32_t sally_stream_info_resumed(const sally_stream_info *info);

/*
 * sally_stream_info_peer_verified is 1 where the peer showed a certificate that passed every check,
 * 0 otherwise.
 */
SALLY_API int32_t sally_stream_info_peer_verified(const sally_stream_info *info);

/*
 * sally_stream_info_client_certificate_sent is 1 on a client that was asked for a certificate and
 * sent one, 0 otherwise. Sending is not being accepted: in TLS 1.3 the server's refusal comes only
 * after the client's handshake, with a later read or write.
 */
SALLY_API int32_t sally_stream_info_client_certificate_sent(const sally_stream_info *info);

/*
 * sally_stream_info_client_certificate_requested is 1 where the server asked for a client
 * certificate.
 */
SALLY_API int32_t sally_stream_info_client_certificate_requested(const sally_stream_info *info);

/* Addresses as "192.0.2.1:4433" or "[2001:db8::1]:4433". */
SALLY_API const char *sally_stream_info_local_address(const sally_stream_info *info);
SALLY_API const char *sally_stream_info_peer_address(const sally_stream_info *info);

/*
 * sally_stream_info_correlation_id is the same on both sides of one connection: a hash of the
 * client random.
 */
SALLY_API const char *sally_stream_info_correlation_id(const sally_stream_info *info);

/*
 * sally_stream_info_peer_certificate_count counts the certificates that the peer sent, its own
 * first.
 */
SALLY_API size_t sally_stream_info_peer_certificate_count(const sally_stream_info *info);

/*
 * sally_stream_info_peer_certificate borrows one of them; it lives as long as the information, or
 * longer with a reference of its own. NULL where `index` is not below the count.
 */
SALLY_API sally_certificate *sally_stream_info_peer_certificate(const sally_stream_info *info,
                                                                size_t index);

/*
 * sally_stream_info_verified_count counts the chain by which the peer was trusted: its own
 * certificate first, the trust anchor last. What was sent may have held more, or lacked some of it.
 * 0 where no peer was verified.
 */
SALLY_API size_t sally_stream_info_verified_count(const sally_stream_info *info);

/*
 * sally_stream_info_verified borrows one of them; it lives as long as the information, or longer
 * with a reference of its own. NULL where `index` is not below the count.
 */
SALLY_API sally_certificate *sally_stream_info_verified(const sally_stream_info *info,
                                                        size_t index);

/*
 * sally_stream_info_peer_findings tells what is wrong with a peer that was let in all the same:
 * an error that is borrowed from the information. Its status is SALLY_OK, and its faults are those
 * that the rules let pass (sally_tls_config_insecure_ignore, a missing CRL, a pin that is only
 * reported); with sally_tls_config_insecure_skip_verification it is what the peer would have been
 * refused for. NULL where nothing was found.
 */
SALLY_API const sally_error *sally_stream_info_peer_findings(const sally_stream_info *info);

/*
 * sally_stream_info_pin_matched is 1 where a pin was set (sally_tls_config_add_pin) and a key of the
 * verified chain is it, 0 otherwise.
 */
SALLY_API int32_t sally_stream_info_pin_matched(const sally_stream_info *info);

/*
 * sally_stream_info_own_certificate borrows the certificate that this side showed; it lives as long as
 * the information, or longer with a reference of its own. NULL where it showed none: on a client that
 * was not asked for one or had none that fits, on a session that was resumed, on a plain stream.
 */
SALLY_API sally_certificate *sally_stream_info_own_certificate(const sally_stream_info *info);

/*
 * sally_stream_info_passed_over_count counts those credentials of this side's config that were looked
 * at and did not fit what the peer asked for; sally_stream_info_passed_over says of one of them, in
 * one line, in English, which it was and why. It lives as long as the information; NULL where `index`
 * is not below the count. sally_tls_config_add_credential tells how the choice is made.
 */
SALLY_API size_t sally_stream_info_passed_over_count(const sally_stream_info *info);
SALLY_API const char *sally_stream_info_passed_over(const sally_stream_info *info, size_t index);

/*
 * The establishment report: how the connection came about. Durations are in microseconds.
 */

/* Durations, for sally_stream_info_duration. */
enum {
  SALLY_DURATION_RESOLVE = 1,  /* of finding the addresses; 0 on the accepting side */
  SALLY_DURATION_CONNECT = 2,  /* of all attempts, to the one that succeeded; 0 on the accepting side */
  SALLY_DURATION_HANDSHAKE = 3 /* of the TLS handshake, or the upgrade; on the accepting side from the
                                  accept on */
};
/* sally_stream_info_duration is one of them; 0 where there was none. */
SALLY_API int64_t sally_stream_info_duration(const sally_stream_info *info, int32_t duration);

/*
 * sally_stream_info_round_trips counts how often the handshake waited for an answer of the peer: once
 * for a client of TLS 1.3, twice with TLS 1.2.
 */
SALLY_API int32_t sally_stream_info_round_trips(const sally_stream_info *info);

/* sally_stream_info_attempt_count counts the addresses that were tried (RFC 8305). */
SALLY_API size_t sally_stream_info_attempt_count(const sally_stream_info *info);

/* sally_stream_info_attempt_address is one of them, in the order of trying; NULL beyond the last. */
SALLY_API const char *sally_stream_info_attempt_address(const sally_stream_info *info, size_t index);

/*
 * sally_stream_info_attempt_status says how that attempt ended: SALLY_OK for the one that was used,
 * SALLY_CANCELED where another was quicker. SALLY_INVALID_ARGUMENT beyond the last.
 */
SALLY_API sally_status sally_stream_info_attempt_status(const sally_stream_info *info, size_t index);

/*
 * sally_stream_info_attempt_began is when it began, after the connecting did; 0 beyond the last.
 * sally_stream_info_attempt_duration is how long it took.
 */
SALLY_API int64_t sally_stream_info_attempt_began(const sally_stream_info *info, size_t index);
SALLY_API int64_t sally_stream_info_attempt_duration(const sally_stream_info *info, size_t index);

/* Counters of bytes up to now, for sally_stream_info_bytes. */
enum {
  SALLY_BYTES_READ = 1,          /* that reads brought */
  SALLY_BYTES_WRITTEN = 2,       /* that writes took */
  SALLY_BYTES_WIRE_RECEIVED = 3, /* under TLS, the handshake included */
  SALLY_BYTES_WIRE_SENT = 4
};
/* sally_stream_info_bytes is one of them; 0 for one that does not exist. */
SALLY_API uint64_t sally_stream_info_bytes(const sally_stream_info *info, int32_t counter);

/* sally_stream_info_secured is 1 where the stream is under TLS, 0 on a plain one. */
SALLY_API int32_t sally_stream_info_secured(const sally_stream_info *info);

/*
 * sally_stream_info_copy_json is all of the above as one JSON object, for a log: "secured",
 * "local_address", "peer_address", "tls", "establishment" and "bytes".
 *
 * "tls" is null on a plain stream, and otherwise {"version", "suite", "group", "alpn", "server_name",
 * "resumed", "correlation_id", "peer_verified", "pin_matched", "client_certificate_requested",
 * "client_certificate_sent", "peer_chain", "verified_chain", "peer_findings", "own_certificate",
 * "passed_over"}: certificates as sally_certificate_copy_json has them, the findings as
 * sally_error_json has them, null for none. "establishment" is {"resolve_us", "connect_us",
 * "handshake_us", "round_trips", "attempts" [{"address", "status", "began_us", "took_us"}]}, "bytes"
 * {"read", "written", "wire_received", "wire_sent"}. Every member is always there; later versions may
 * add others. sdk/docs/stream-info.schema.json is a JSON Schema of it. Always valid UTF-8.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_stream_info_copy_json(const sally_stream_info *info,
                                                                      sally_bytes **json,
                                                                      sally_error **error);

/* sally_stream_info_retain adds a reference and returns its argument. */
SALLY_API sally_stream_info *sally_stream_info_retain(sally_stream_info *info);
SALLY_API void sally_stream_info_release(sally_stream_info *info);

SALLY_END_DECLS

#endif /* SALLYPORT_STREAM_INFO_H */
