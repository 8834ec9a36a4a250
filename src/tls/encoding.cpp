#include "tls/encoding.h"

#include <cstddef>
#include <optional>

namespace sally::tls {

namespace {

constexpr unsigned tag_integer = 0x02;
constexpr unsigned tag_octets = 0x04;
constexpr unsigned tag_sequence = 0x30;

// One value of X.690, as far as it is there.
struct Value {
  unsigned tag = 0;
  bool short_length = false;
  std::string_view content{};
  std::string_view after{};
};

std::optional<Value> first_value(std::string_view bytes) {
  const auto at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return {};
  Value value{.tag = at(0)};
  std::size_t header = 2;
  std::size_t length = at(1);
  value.short_length = length < 0x80;
  if (length == 0x80) {  // BER: it ends where its end is marked
    length = bytes.size();
  } else if (length > 0x80) {
    const std::size_t digits = length - 0x80;
    if (digits > 4 || bytes.size() < header + digits) return {};
    length = 0;
    for (std::size_t i = 0; i < digits; ++i) length = length << 8 | at(header + i);
    header += digits;
  }
  const std::string_view rest = bytes.substr(header);
  value.content = rest.substr(0, length);
  value.after = rest.substr(value.content.size());
  return value;
}

bool holds(const std::optional<Value>& value, unsigned tag) {
  return value && value->tag == tag;
}

Encoding kind_of_sequence(std::string_view content) {
  const auto first = first_value(content);
  const auto second = first ? first_value(first->after) : std::nullopt;
  if (holds(first, tag_integer)) {
    const bool version_3 = first->content == "\x03";
    if (holds(second, tag_sequence)) return version_3 ? Encoding::pkcs12 : Encoding::private_key;
    const bool bare = holds(second, tag_octets) || holds(second, tag_integer);
    return bare ? Encoding::private_key : Encoding::other;
  }
  if (!holds(first, tag_sequence)) return Encoding::other;
  if (holds(second, tag_octets)) return Encoding::encrypted_key;
  // A certificate that is cut off may end before its signature.
  return !second || second->tag == tag_sequence ? Encoding::signed_object : Encoding::other;
}

}  // namespace

Encoding encoding_of(std::string_view bytes) {
  const auto outer = first_value(bytes);
  // A text may begin with "0" too; its next letter is then no length that fits.
  const bool der = holds(outer, tag_sequence) && !(outer->short_length && !outer->after.empty());
  if (der) {
    const Encoding kind = kind_of_sequence(outer->content);
    if (kind != Encoding::other) return kind;
  }
  return bytes.find("-----BEGIN ") != std::string_view::npos ? Encoding::pem : Encoding::other;
}

}  // namespace sally::tls
