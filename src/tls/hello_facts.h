// The few numbers of the hellos that a failed handshake is explained by, and that the TLS library does
// not keep.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

struct ssl_st;

namespace sally::tls {

struct HelloFacts {
  std::array<std::uint16_t, 8> client_versions{};  // server: those that the client names
  std::uint8_t client_version_count = 0;
  std::uint16_t version = 0;  // that the server has chosen; 0: not yet
  std::uint16_t group = 0;    // likewise; in TLS 1.3 only
};

// RFC 8701: numbers that mean nothing, so that peers learn to pass over what they do not know.
bool is_grease(std::uint16_t number) noexcept;

// Neither allocates, nor trusts what it reads.

// Within the callback that OpenSSL calls for a client's hello.
void note_client_hello(ssl_st* ssl, HelloFacts& facts) noexcept;
// A whole ServerHello or HelloRetryRequest, with the header of its message.
void note_server_hello(std::span<const unsigned char> message, HelloFacts& facts) noexcept;

}  // namespace sally::tls
