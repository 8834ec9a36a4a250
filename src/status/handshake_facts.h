// What a failed handshake leaves to be told: plain data, filled while the TLS library can still tell.
// Its texts are clipped and fit to be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sally {

// How many names a list of an error shows, and how long each may be: a peer writes some of them.
inline constexpr std::size_t most_listed = 16;
inline constexpr std::size_t longest_listed = 256;

// The first few of `count`.
struct Listing {
  std::size_t count = 0;
  std::vector<std::string> shown{};

  // Escaped and clipped; beyond the most it is only counted.
  void add(std::string_view text);
};

// What both sides offer of one kind, as far as it is known, and what was agreed ("": nothing yet).
struct Offers {
  std::vector<std::string> ours{};
  std::vector<std::string> theirs{};
  std::string agreed{};
};

// A certificate that this side showed. Times are UTC: "2026-11-21T10:00:00Z".
struct ShownCertificate {
  std::string subject{};
  std::string issuer{};
  std::string fingerprint{};
  std::string not_before{};
  std::string not_after{};
};

// Whom this side trusts to issue certificates for its peers.
struct TrustFacts {
  std::string source{};
  bool system = false;           // the machine's own CA certificates are, or are among, them
  std::uint64_t generation = 1;  // one more with each time that it was replaced
  Listing anchors{};
};

struct HandshakeFacts {
  bool is_server = false;
  bool resumed = false;
  std::string clock{};  // of this side, for the certificates
  bool clock_is_set = false;
  Offers versions{};
  Offers groups{};
  bool certificate_requested = false;  // by the server, of the client
  Listing asked_cas{};                 // as the request names them
  std::optional<ShownCertificate> shown{};
  Listing passed_over{};   // credentials of this side that did not fit, and why
  Listing held_issuers{};  // client: of its credentials
  std::optional<TrustFacts> trust{};
};

// What a judgement leaves to be told of a chain, or an alert of this side's own.
struct JudgedFacts {
  std::string not_before{};  // of the certificate at fault, where time is; else ""
  std::string not_after{};
  std::string clock{};  // of this side
  bool clock_is_set = false;
  std::size_t chain_length = 0;  // as far as it could be built; 0: not built
  std::string top_subject{};     // of its last certificate
  std::string top_issuer{};
};

}  // namespace sally
