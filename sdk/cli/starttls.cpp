#include "starttls.h"

#include "terminal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <strings.h>
#include <vector>

namespace {

// RFC 5321 section 4.5.3.1.5 allows 512 bytes; a few more do no harm.
constexpr std::size_t longest_line = 2048;
constexpr std::size_t most_lines = 100;

// Of the whole dialogue: a server that says something now and then does not prolong it.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds timeout) : end_(Clock::now() + timeout) {}
  operator sally::Timeout() const { return end_ - Clock::now(); }  // NOLINT: meant to convert

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

[[noreturn]] void refuse(const std::string& what, std::string_view line) {
  throw std::runtime_error(what + ": " + printable(line));
}

struct Reply {
  std::string code;
  std::vector<std::string> lines;  // without the code

  bool offers(const char* word) const {
    for (const std::string& line : lines) {
      if (::strcasecmp(line.c_str(), word) == 0) return true;
    }
    return false;
  }
};

// RFC 5321 section 4.2: "250-first", ..., "250 last"; RFC 959 section 4.2 has the same for FTP.
Reply read_reply(sally::StreamSocket& socket, const Deadline& timeout,
                 const std::string& protocol) {
  Reply reply;
  while (reply.lines.size() < most_lines) {
    const std::string line = socket.read_line(timeout, longest_line);
    const bool has_code = line.size() >= 3 && line.find_first_not_of("0123456789") >= 3;
    if (!has_code) refuse("the server does not speak " + protocol, line);
    reply.code = line.substr(0, 3);
    reply.lines.push_back(line.size() > 4 ? line.substr(4) : "");
    if (line.size() == 3 || line[3] != '-') return reply;
  }
  throw std::runtime_error("the server's " + protocol + " reply has no end");
}

Reply expect(sally::StreamSocket& socket, const Deadline& timeout, const std::string& protocol,
             std::string_view code, const std::string& after) {
  Reply reply = read_reply(socket, timeout, protocol);
  if (reply.code == code) return reply;
  throw std::runtime_error("the " + protocol + " server answers " + after + " with " + reply.code +
                           ' ' + printable(reply.lines.back()));
}

// RFC 3207.
void by_smtp(sally::StreamSocket& socket, const Deadline& timeout) {
  static_cast<void>(expect(socket, timeout, "SMTP", "220", "the connection"));
  socket.write("EHLO [127.0.0.1]\r\n", timeout);
  if (!expect(socket, timeout, "SMTP", "250", "EHLO").offers("STARTTLS")) {
    throw std::runtime_error("the SMTP server does not offer STARTTLS");
  }
  socket.write("STARTTLS\r\n", timeout);
  static_cast<void>(expect(socket, timeout, "SMTP", "220", "STARTTLS"));
}

// RFC 4217.
void by_ftp(sally::StreamSocket& socket, const Deadline& timeout) {
  static_cast<void>(expect(socket, timeout, "FTP", "220", "the connection"));
  socket.write("AUTH TLS\r\n", timeout);
  static_cast<void>(expect(socket, timeout, "FTP", "234", "AUTH TLS"));
}

// RFC 9051 section 6.2.1; lines with a star are of no matter.
void by_imap(sally::StreamSocket& socket, const Deadline& timeout) {
  const std::string greeting = socket.read_line(timeout, longest_line);
  if (!greeting.starts_with("* OK")) refuse("the server does not greet as IMAP does", greeting);
  socket.write("a STARTTLS\r\n", timeout);
  for (std::size_t i = 0; i < most_lines; ++i) {
    const std::string line = socket.read_line(timeout, longest_line);
    if (line.starts_with("* ")) continue;
    if (line.starts_with("a OK")) return;
    refuse("the IMAP server answers STARTTLS with", line);
  }
  throw std::runtime_error("the server's IMAP reply has no end");
}

// RFC 2595 section 4.
void by_pop3(sally::StreamSocket& socket, const Deadline& timeout) {
  const std::string greeting = socket.read_line(timeout, longest_line);
  if (!greeting.starts_with("+OK")) refuse("the server does not greet as POP3 does", greeting);
  socket.write("STLS\r\n", timeout);
  const std::string line = socket.read_line(timeout, longest_line);
  if (!line.starts_with("+OK")) refuse("the POP3 server answers STLS with", line);
}

std::string read_bytes(sally::StreamSocket& socket, std::size_t size, const Deadline& timeout) {
  std::string bytes(size, '\0');
  socket.read_exactly(std::as_writable_bytes(std::span(bytes)), timeout);
  return bytes;
}

// SSLRequest of the PostgreSQL protocol 3.0: one byte is the answer.
void by_postgres(sally::StreamSocket& socket, const Deadline& timeout) {
  socket.write(std::string_view("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8), timeout);
  const std::string answer = read_bytes(socket, 1, timeout);
  if (answer == "N") throw std::runtime_error("the PostgreSQL server does not offer TLS");
  if (answer != "S") refuse("the server does not answer as PostgreSQL does", answer);
}

// RFC 4511 section 4.14: an ExtendedRequest, and a resultCode of 0 in the ExtendedResponse.
void by_ldap(sally::StreamSocket& socket, const Deadline& timeout) {
  constexpr std::string_view request(
      "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
      "1.3.6.1.4.1.1466.20037",
      31);
  socket.write(request, timeout);
  const std::string begin = read_bytes(socket, 2, timeout);
  const auto first = static_cast<unsigned char>(begin[1]);
  if (begin[0] != 0x30 || first > 0x84) refuse("the server does not answer as LDAP does", begin);
  std::size_t size = first;
  if (first >= 0x80) {
    size = 0;
    for (const char byte : read_bytes(socket, first & 0x7fu, timeout)) {
      size = size << 8 | static_cast<unsigned char>(byte);
    }
  }
  if (size > longest_line) throw std::runtime_error("the server's LDAP reply is too long");
  const std::string reply = read_bytes(socket, size, timeout);
  // The message's id, then the response and its length, in either form, then the code.
  const auto response = reply.find('\x78');
  const auto code = reply.find(std::string_view("\x0a\x01", 2), response);
  if (response == std::string::npos || code == std::string::npos || code + 2 >= reply.size()) {
    refuse("the server does not answer as LDAP does", reply);
  }
  if (reply[code + 2] != 0) {
    throw std::runtime_error("the LDAP server answers StartTLS with the result " +
                             std::to_string(static_cast<unsigned char>(reply[code + 2])));
  }
}

struct Protocol {
  const char* name;
  void (*agree)(sally::StreamSocket& socket, const Deadline& timeout);
};

constexpr Protocol protocols[]{{"smtp", by_smtp}, {"imap", by_imap},         {"pop3", by_pop3},
                               {"ftp", by_ftp},   {"postgres", by_postgres}, {"ldap", by_ldap}};

}  // namespace

std::vector<std::string> starttls_protocols() {
  std::vector<std::string> names;
  for (const Protocol& one : protocols) names.emplace_back(one.name);
  return names;
}

void agree_on_tls(const std::string& protocol, sally::StreamSocket& socket,
                  std::chrono::milliseconds timeout) {
  const auto* found = std::ranges::find(protocols, protocol, &Protocol::name);
  if (found == std::end(protocols)) throw std::runtime_error("no protocol is '" + protocol + "'");
  found->agree(socket, Deadline(timeout));
}
