#include "doctor_hello.h"

#include "terminal.h"

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

namespace {

enum Extension : std::uint16_t {
  ext_server_name = 0,
  ext_supported_groups = 10,
  ext_point_formats = 11,
  ext_signature_algorithms = 13,
  ext_padding = 21,
  ext_extended_master_secret = 23,
  ext_supported_versions = 43,
  ext_psk_modes = 45,
  ext_key_share = 51,
  ext_renegotiation_info = 0xff01,
};

// RFC 8446 section 4.1.3: the random of a ServerHello that is a HelloRetryRequest begins so.
constexpr std::string_view retry_random{"\xcf\x21\xad\x74\xe5\x9a\x61\x11", 8};

void put(std::string& to, std::size_t width, std::size_t number) {
  while (width-- > 0) to += static_cast<char>(number >> (8 * width));
}

std::string sized(std::size_t width, const std::string& data) {
  std::string text;
  put(text, width, data.size());
  return text + data;
}

std::string words(const std::vector<std::uint16_t>& numbers) {
  std::string text;
  for (const std::uint16_t number : numbers) put(text, 2, number);
  return text;
}

std::string extension(std::uint16_t kind, const std::string& data) {
  return words({kind}) + sized(2, data);
}

std::string random_bytes() {
  std::random_device device;
  std::string bytes;
  while (bytes.size() < 32) put(bytes, 4, device());
  return bytes;
}

// What is agreed on is never used, so everything that a peer may want is offered.
std::vector<std::uint16_t> suites(bool with_1_3) {
  std::vector<std::uint16_t> all;
  if (with_1_3) all = {0x1301, 0x1302, 0x1303};
  for (const int suite : {0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a,
                          0xc014, 0x009e, 0x0033, 0x0039, 0x009c, 0x009d, 0x002f, 0x0035, 0x000a}) {
    all.push_back(static_cast<std::uint16_t>(suite));
  }
  return all;
}

std::vector<std::uint16_t> groups_of(const Hello& hello) {
  if (!hello.groups.empty()) return hello.groups;
  std::vector<std::uint16_t> classic;
  for (const Group& group : known_groups()) {
    if (group.share_size < 1000) classic.push_back(group.number);
  }
  return classic;
}

std::string extensions(const Hello& hello, std::uint16_t highest) {
  std::string all = extension(ext_renegotiation_info, sized(1, ""));
  if (!hello.server_name.empty()) {
    all += extension(ext_server_name, sized(2, std::string(1, '\0') + sized(2, hello.server_name)));
  }
  all += extension(ext_supported_groups, sized(2, words(groups_of(hello))));
  all += extension(ext_point_formats, sized(1, std::string(1, '\0')));
  all += extension(ext_extended_master_secret, "");
  if (highest >= tls_1_2) {
    all += extension(ext_signature_algorithms,
                     sized(2, words({0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806,
                                     0x0401, 0x0501, 0x0601, 0x0203, 0x0201})));
  }
  if (highest == tls_1_3) {
    all += extension(ext_supported_versions, sized(1, words(hello.versions)));
    all += extension(ext_psk_modes, sized(1, "\x01"));
    all += extension(ext_key_share, sized(2, ""));
  }
  return all;
}

// Reads what others wrote; past the end everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view data) : data_(data) {}

  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const char byte : take(width)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = data_.substr(0, size);
    data_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view sized(std::size_t width) { return take(number(width)); }
  bool empty() const { return data_.empty(); }

 private:
  std::string_view data_;
};

std::string alert_name(std::size_t number) {
  const sally_status status =
      sally::status_from_native(SALLY_DOMAIN_ALERT, static_cast<std::int64_t>(number));
  constexpr std::string_view prefix = "SALLY_ALERT_";
  std::string name(sally::status_name(status));
  if (name.rfind(prefix, 0) != 0) return "alert " + std::to_string(number);
  name.erase(0, prefix.size());
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name;
}

std::string group_name(std::size_t number) {
  for (const Group& group : known_groups()) {
    if (group.number == number) return group.name;
  }
  return "group " + std::to_string(number);
}

Answer server_hello(std::string_view body) {
  Reader hello(body);
  Answer answer{.kind = AnswerKind::server_hello};
  answer.version = static_cast<std::uint16_t>(hello.number(2));
  const bool is_retry = hello.take(32).substr(0, retry_random.size()) == retry_random;
  hello.sized(1);  // session id
  hello.take(3);   // suite and compression
  Reader extensions(hello.sized(2));
  while (!extensions.empty()) {
    const std::size_t kind = extensions.number(2);
    Reader data(extensions.sized(2));
    if (kind == ext_supported_versions) answer.version = static_cast<std::uint16_t>(data.number(2));
    if (kind == ext_key_share && is_retry) answer.group = group_name(data.number(2));
  }
  return answer;
}

Answer plaintext(std::string_view bytes) {
  constexpr std::size_t shown = 80;
  const std::string_view line = bytes.substr(0, bytes.find_first_of("\r\n"));
  return {.kind = AnswerKind::plaintext, .text = printable(line.substr(0, shown))};
}

Answer without_answer(const sally::Error& error) {
  Answer answer;
  answer.error = error;
  switch (error.status()) {
    case SALLY_TIMED_OUT:
      answer.kind = AnswerKind::silent;
      break;
    case SALLY_CONNECTION_RESET:
    case SALLY_CONNECTION_ABORTED:
      answer.kind = AnswerKind::reset;
      break;
    default:
      answer.kind = AnswerKind::closed;
  }
  return answer;
}

Answer read_answer(sally::StreamSocket& socket, std::chrono::steady_clock::time_point deadline) {
  std::string bytes;
  std::array<char, 4096> part;
  while (bytes.size() < std::size_t{1} << 16) {
    const std::size_t size = socket.read_some(part, deadline - std::chrono::steady_clock::now());
    if (size == 0) return bytes.empty() ? Answer{.kind = AnswerKind::closed} : plaintext(bytes);
    bytes.append(part.data(), size);
    if (auto answer = decode_answer(bytes)) return *answer;
  }
  return plaintext(bytes);
}

}  // namespace

std::string version_name(std::uint16_t version) {
  switch (version) {
    case tls_1_0:
      return "TLSv1.0";
    case tls_1_1:
      return "TLSv1.1";
    case tls_1_2:
      return "TLSv1.2";
    case tls_1_3:
      return "TLSv1.3";
    default:
      return "SSL or unknown (" + std::to_string(version) + ")";
  }
}

const std::vector<Group>& known_groups() {
  static const std::vector<Group> groups{{0x11ec, "X25519MLKEM768", 1216},
                                         {0x001d, "x25519", 32},
                                         {0x0017, "secp256r1", 65},
                                         {0x0018, "secp384r1", 97},
                                         {0x0019, "secp521r1", 133}};
  return groups;
}

const char* name_of(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::server_hello:
      return "server_hello";
    case AnswerKind::alert:
      return "alert";
    case AnswerKind::plaintext:
      return "plaintext";
    case AnswerKind::echo:
      return "echo";
    case AnswerKind::closed:
      return "closed";
    case AnswerKind::reset:
      return "reset";
    case AnswerKind::silent:
      return "silent";
    case AnswerKind::unreachable:
      return "unreachable";
    case AnswerKind::no_starttls:
      return "no_starttls";
  }
  return "";
}

std::string encode(const Hello& hello) {
  const std::uint16_t highest = *std::ranges::max_element(hello.versions);
  std::string body = words({std::min(highest, tls_1_2)}) + random_bytes() + sized(1, "") +
                     sized(2, words(suites(highest == tls_1_3))) + sized(1, std::string(1, '\0'));
  std::string all = extensions(hello, highest);
  // Four bytes of the message, two of the length of the extensions, four of this one's own header.
  const std::size_t size = 4 + body.size() + 2 + all.size() + 4;
  if (hello.padded_to > size) {
    all += extension(ext_padding, std::string(hello.padded_to - size, '\0'));
  }
  body += sized(2, all);
  return std::string("\x16\x03\x01", 3) + sized(2, "\x01" + sized(3, body));
}

std::optional<Answer> decode_answer(std::string_view bytes) {
  if (bytes[0] != 22 && bytes[0] != 21) return plaintext(bytes);
  if (bytes.size() >= 2 && bytes[1] != 3) return plaintext(bytes);
  if (bytes.size() < 5) return std::nullopt;
  Reader record(bytes);
  const std::size_t kind = record.number(1);
  record.take(2);
  const std::size_t size = record.number(2);
  if (bytes.size() < 5 + size) return std::nullopt;
  Reader content(record.take(size));
  const std::size_t first = content.number(1);
  if (kind == 21) return Answer{.kind = AnswerKind::alert, .alert = alert_name(content.number(1))};
  if (first == 1) return Answer{.kind = AnswerKind::echo};
  if (first != 2) return plaintext(bytes);
  return server_hello(content.sized(3));
}

Answer ask(sally::StreamSocket& socket, const Hello& hello, std::chrono::milliseconds timeout) {
  const auto began = std::chrono::steady_clock::now();
  const std::string bytes = encode(hello);
  Answer answer;
  try {
    socket.write(bytes, timeout);
    answer = read_answer(socket, began + timeout);
  } catch (const sally::Error& error) {
    answer = without_answer(error);
  }
  answer.hello_size = bytes.size();
  answer.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  return answer;
}
