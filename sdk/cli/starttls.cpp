#include "starttls.h"

#include "terminal.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <strings.h>
#include <vector>

namespace {

// RFC 5321 section 4.5.3.1.5 allows 512 bytes; a few more do no harm.
constexpr std::size_t longest_line = 2048;
constexpr std::size_t most_lines = 100;

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

// RFC 5321 section 4.2: "250-first", ..., "250 last".
Reply read_reply(sally::StreamSocket& socket, sally::Timeout timeout) {
  Reply reply;
  while (reply.lines.size() < most_lines) {
    const std::string line = socket.read_line(timeout, longest_line);
    const bool has_code = line.size() >= 3 && line.find_first_not_of("0123456789") >= 3;
    if (!has_code) throw std::runtime_error("the server does not speak SMTP: " + printable(line));
    reply.code = line.substr(0, 3);
    reply.lines.push_back(line.size() > 4 ? line.substr(4) : "");
    if (line.size() == 3 || line[3] != '-') return reply;
  }
  throw std::runtime_error("the server's SMTP reply has no end");
}

Reply expect(sally::StreamSocket& socket, sally::Timeout timeout, std::string_view code,
             const std::string& after) {
  Reply reply = read_reply(socket, timeout);
  if (reply.code == code) return reply;
  throw std::runtime_error("the SMTP server answers " + after + " with " + reply.code + ' ' +
                           printable(reply.lines.back()));
}

}  // namespace

void agree_by_smtp(sally::StreamSocket& socket, sally::Timeout timeout) {
  static_cast<void>(expect(socket, timeout, "220", "the connection"));
  socket.write("EHLO [127.0.0.1]\r\n", timeout);
  if (!expect(socket, timeout, "250", "EHLO").offers("STARTTLS")) {
    throw std::runtime_error("the SMTP server does not offer STARTTLS");
  }
  socket.write("STARTTLS\r\n", timeout);
  static_cast<void>(expect(socket, timeout, "220", "STARTTLS"));
}
