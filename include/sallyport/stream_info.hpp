// stream_info.hpp: what was agreed on a stream, and with whom, sally_stream_info.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/certificate.hpp>
#include <sallyport/error.hpp>
#include <sallyport/stream_info.h>

namespace sally::inline v0 {

// An address that was tried in connecting.
struct ConnectAttempt {
  std::string_view address;
  sally_status status;  // SALLY_OK for the one that was used, SALLY_CANCELED for a slower one
  std::chrono::microseconds began;  // after the connecting did
  std::chrono::microseconds duration;
};

// An immutable snapshot; any number of threads may read it. Copies are the same snapshot. Text
// lives as long as it does.
class StreamInfo : public detail::Shared<sally_stream_info, sally_stream_info_retain,
                                         sally_stream_info_release> {
 public:
  static StreamInfo adopt(sally_stream_info* info) noexcept { return StreamInfo(info); }

  // A SALLY_TLS_*, and its name: "TLSv1.3".
  std::int32_t version() const noexcept { return sally_stream_info_version(get()); }
  std::string_view version_name() const noexcept { return sally_stream_info_version_name(get()); }
  // The cipher suite by its IANA name.
  std::string_view suite() const noexcept { return sally_stream_info_suite(get()); }
  // The key-exchange group; "" where the TLS library does not say.
  std::string_view group() const noexcept { return sally_stream_info_group(get()); }
  // The application protocol; "" without one.
  std::string_view alpn() const noexcept { return sally_stream_info_alpn(get()); }
  // The name that the client asked for (SNI); "" without one.
  std::string_view server_name() const noexcept { return sally_stream_info_server_name(get()); }
  bool resumed() const noexcept { return sally_stream_info_resumed(get()) != 0; }

  // Whether the peer showed a certificate that passed every check.
  bool peer_verified() const noexcept { return sally_stream_info_peer_verified(get()) != 0; }
  bool client_certificate_requested() const noexcept {
    return sally_stream_info_client_certificate_requested(get()) != 0;
  }
  // On a client. Sending is not being accepted: in TLS 1.3 the server's refusal comes with a later
  // read or write.
  bool client_certificate_sent() const noexcept {
    return sally_stream_info_client_certificate_sent(get()) != 0;
  }

  // "192.0.2.1:4433", "[2001:db8::1]:4433".
  std::string_view local_address() const noexcept { return sally_stream_info_local_address(get()); }
  std::string_view peer_address() const noexcept { return sally_stream_info_peer_address(get()); }
  // The same on both sides of one connection.
  std::string_view correlation_id() const noexcept {
    return sally_stream_info_correlation_id(get());
  }

  // Whether the stream was under TLS.
  bool secured() const noexcept { return sally_stream_info_secured(get()) != 0; }

  // How long a SALLY_DURATION_* took; 0 where there was none.
  std::chrono::microseconds duration(std::int32_t phase) const noexcept {
    return std::chrono::microseconds(sally_stream_info_duration(get(), phase));
  }
  // How often the handshake waited for an answer of the peer.
  std::int32_t round_trips() const noexcept { return sally_stream_info_round_trips(get()); }
  // The addresses that were tried, in that order.
  std::size_t attempt_count() const noexcept { return sally_stream_info_attempt_count(get()); }
  std::optional<ConnectAttempt> attempt(std::size_t index) const noexcept {
    const char* address = sally_stream_info_attempt_address(get(), index);
    if (address == nullptr) return std::nullopt;
    using std::chrono::microseconds;
    return ConnectAttempt{
        .address = address,
        .status = sally_stream_info_attempt_status(get(), index),
        .began = microseconds(sally_stream_info_attempt_began(get(), index)),
        .duration = microseconds(sally_stream_info_attempt_duration(get(), index))};
  }
  // A count of bytes up to the snapshot, SALLY_BYTES_*.
  std::uint64_t bytes(std::int32_t counter) const noexcept {
    return sally_stream_info_bytes(get(), counter);
  }

  // The certificates that the peer sent, its own first.
  std::size_t peer_certificate_count() const noexcept {
    return sally_stream_info_peer_certificate_count(get());
  }
  std::optional<Certificate> peer_certificate(std::size_t index = 0) const noexcept {
    sally_certificate* certificate = sally_stream_info_peer_certificate(get(), index);
    if (certificate == nullptr) return std::nullopt;
    return Certificate::adopt(sally_certificate_retain(certificate));
  }
  // The certificate that this side showed, if any.
  std::optional<Certificate> own_certificate() const noexcept {
    sally_certificate* certificate = sally_stream_info_own_certificate(get());
    if (certificate == nullptr) return std::nullopt;
    return Certificate::adopt(sally_certificate_retain(certificate));
  }
  // Those of this side's credentials that did not fit what the peer asked for, and why.
  std::size_t passed_over_count() const noexcept {
    return sally_stream_info_passed_over_count(get());
  }
  // "" where `index` is not below the count.
  std::string_view passed_over(std::size_t index) const noexcept {
    const char* text = sally_stream_info_passed_over(get(), index);
    return text != nullptr ? text : "";
  }

  // The chain by which the peer was trusted, its own certificate first, the anchor last.
  std::vector<Certificate> verified() const {
    std::vector<Certificate> chain;
    for (std::size_t i = 0; i < sally_stream_info_verified_count(get()); ++i) {
      chain.push_back(
          Certificate::adopt(sally_certificate_retain(sally_stream_info_verified(get(), i))));
    }
    return chain;
  }
  // What is wrong with a peer that was let in all the same; Error::faults lists it.
  std::optional<Error> peer_findings() const {
    const sally_error* findings = sally_stream_info_peer_findings(get());
    if (findings == nullptr) return std::nullopt;
    return Error::adopt(sally_error_retain(findings));
  }
  // Whether a key of the verified chain is a pinned one.
  bool pin_matched() const noexcept { return sally_stream_info_pin_matched(get()) != 0; }

  // Everything as one JSON object; sally_stream_info_copy_json describes it.
  Bytes json() const {
    sally_bytes* json = nullptr;
    detail::check(
        [&](sally_error** error) { return sally_stream_info_copy_json(get(), &json, error); });
    return Bytes::adopt(json);
  }

 private:
  using Shared::Shared;
};

}  // namespace sally::inline v0
