// stream_options.hpp: what can be said about a stream, and about a write, beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sallyport/base.hpp>
#include <sallyport/decision.hpp>
#include <sallyport/runtime.hpp>
#include <sallyport/stream.h>
#include <sallyport/tls_config.hpp>

namespace sally::inline v0 {

// To be filled by name: `StreamSocket::connect({.host = "localhost", .service = "4433", .tls =
// tls})`. What is 0 stands for the default.
struct StreamOptions {
  std::string host;     // name or literal address to connect to; also what is verified, unless:
  std::string service;  // port number or service name
  std::optional<TlsConfig> tls{};  // a client's; needed, unless `plain` is set
  std::string verify_name{};  // name or address that the server's certificate must bear, and the
                              // SNI that is sent
  std::optional<Runtime> runtime{};    // without: the default one
  std::uint32_t high_watermark = 0;    // bytes that wait to be sent before writes wait
  std::uint32_t low_watermark = 0;     // how few must be left before they go on
  bool low_latency = false;            // small TLS records where a burst of writing begins
  bool confirmed = false;              // connected only when the server accepted the certificate
  bool plain = false;                  // not under TLS before upgrade() is called
  std::optional<Decider> decisions{};  // where questions go, those of an upgrade too
};

// Whether others follow at once: what is written with `sally::more` may wait here for them, up to
// the high watermark, and leaves with the next write without it, with flush(), or when a read
// waits.
enum class WriteFlags : std::uint32_t { none = 0, more = SALLY_MORE };
inline constexpr WriteFlags more = WriteFlags::more;

}  // namespace sally::inline v0
