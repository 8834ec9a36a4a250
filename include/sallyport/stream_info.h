/* stream_info.h: what was agreed on a stream, and with whom. A snapshot. */
#ifndef SALLYPORT_STREAM_INFO_H
#define SALLYPORT_STREAM_INFO_H

#include <sallyport/certificate.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/*
 * Immutable and reference-counted; any number of threads may read it. For a NULL handle text is ""
 * and numbers are 0.
 */
typedef struct sally_stream_info sally_stream_info;

/* sally_stream_info_version is a SALLY_TLS_*. */
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
 * without one.
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

/* sally_stream_info_retain adds a reference and returns its argument. */
SALLY_API sally_stream_info *sally_stream_info_retain(sally_stream_info *info);
SALLY_API void sally_stream_info_release(sally_stream_info *info);

SALLY_END_DECLS

#endif /* SALLYPORT_STREAM_INFO_H */
