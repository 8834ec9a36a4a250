// doctor_hello.h: ClientHellos of any version, and what peers answer to them. The library offers
// TLS 1.2 and 1.3 only and gives no part of a handshake away; to find out what a peer would have
// agreed on, one message there and one back suffice, without any key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/sallyport.hpp>

inline constexpr std::uint16_t tls_1_0 = 0x0301;
inline constexpr std::uint16_t tls_1_1 = 0x0302;
inline constexpr std::uint16_t tls_1_2 = 0x0303;
inline constexpr std::uint16_t tls_1_3 = 0x0304;
std::string version_name(std::uint16_t version);  // "TLSv1.3"

// Key-exchange groups, and how long a client's share of each is.
struct Group {
  std::uint16_t number;
  const char* name;
  std::size_t share_size;
};
const std::vector<Group>& known_groups();

struct Hello {
  // With TLS 1.3 among them it offers those that there are, and otherwise its highest, as older
  // clients did.
  std::vector<std::uint16_t> versions{};
  std::vector<std::uint16_t> groups{};  // empty: all that are known but the post-quantum ones
  std::string server_name{};            // empty: no SNI
  std::size_t padded_to = 0;            // bytes of the whole message (RFC 7685)
};

// The bytes to send. No key share goes with it: a server of TLS 1.3 then asks for one of the group
// that it likes (RFC 8446 section 4.1.4), which is all that we want to know.
std::string encode(const Hello& hello);

enum class AnswerKind {
  server_hello,  // it agrees
  alert,         // it speaks TLS, and refuses
  plaintext,     // it speaks something else
  echo,          // it sends back what it gets
  closed,        // it ends the connection
  reset,         // likewise, by force
  silent,        // it says nothing in time
  unreachable,   // there is no connection
  no_starttls    // it does not agree to begin with TLS
};
const char* name_of(AnswerKind kind);

struct Answer {
  AnswerKind kind = AnswerKind::silent;
  std::uint16_t version = 0;  // of a server hello
  std::string group{};        // that a server of TLS 1.3 asks for
  std::string alert{};        // by name
  std::string text{};  // the beginning of what is not TLS, printable; why there is no STARTTLS
  std::size_t hello_size = 0;
  std::optional<sally::Error> error{};
  std::chrono::microseconds duration{};

  bool is_tls() const { return kind == AnswerKind::server_hello || kind == AnswerKind::alert; }
  bool agrees_on(std::uint16_t wanted) const {
    return kind == AnswerKind::server_hello && version == wanted;
  }
};

// What these bytes are as an answer; std::nullopt: they may go on.
std::optional<Answer> decode_answer(std::string_view bytes);

// Says hello on a plain connection.
Answer ask(sally::StreamSocket& socket, const Hello& hello, std::chrono::milliseconds timeout);
