#include "tls/hello_facts.h"

#include "tls/openssl.h"

namespace sally::tls {

namespace {

using Bytes = std::span<const unsigned char>;

std::uint16_t number_at(Bytes bytes, std::size_t place) {
  if (place + 2 > bytes.size()) return 0;
  return static_cast<std::uint16_t>(bytes[place] << 8 | bytes[place + 1]);
}

}  // namespace

bool is_grease(std::uint16_t number) noexcept {
  return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

void note_client_hello(SSL* ssl, HelloFacts& facts) noexcept {
  facts.client_version_count = 0;
  const auto note = [&facts](std::uint16_t version) {
    if (is_grease(version) || facts.client_version_count == facts.client_versions.size()) return;
    facts.client_versions[facts.client_version_count++] = version;
  };
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  // RFC 8446 section 4.2.1: a length of one byte, then versions of two.
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &size) == 1) {
    const Bytes list(data, size);
    for (std::size_t at = 1; at + 2 <= list.size(); at += 2) note(number_at(list, at));
    return;
  }
  note(static_cast<std::uint16_t>(SSL_client_hello_get0_legacy_version(ssl)));
}

// RFC 8446 section 4.1.3.
void note_server_hello(std::span<const unsigned char> message, HelloFacts& facts) noexcept {
  constexpr std::size_t header = 4;
  constexpr std::size_t session_id = header + 2 + SSL3_RANDOM_SIZE;
  facts.version = number_at(message, header);
  if (message.size() <= session_id) return;
  // Behind the session's name: suite, compression, and how long the extensions are.
  std::size_t at = session_id + 1 + message[session_id] + 2 + 1 + 2;
  while (at + 4 <= message.size()) {
    const std::uint16_t type = number_at(message, at);
    const std::size_t body = at + 4;
    if (type == TLSEXT_TYPE_supported_versions) facts.version = number_at(message, body);
    if (type == TLSEXT_TYPE_key_share) facts.group = number_at(message, body);
    at = body + number_at(message, at + 2);
  }
}

}  // namespace sally::tls
