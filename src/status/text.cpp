#include "status/text.h"

#include <cstddef>

namespace sally::status {
namespace {

struct Decoded {
  char32_t character;
  std::size_t size;  // 0: not UTF-8
};

constexpr Decoded not_utf8{0, 0};

bool continues(std::string_view text, std::size_t index) {
  return index < text.size() && (static_cast<unsigned char>(text[index]) & 0xC0) == 0x80;
}

// The first character: RFC 3629, so neither overlong forms nor surrogates nor anything above
// U+10FFFF.
Decoded decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4) return not_utf8;
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t character = lead & (0xFFU >> (size + 1));
  for (std::size_t index = 1; index < size; ++index) {
    if (!continues(text, index)) return not_utf8;
    character = character << 6 | (static_cast<unsigned char>(text[index]) & 0x3FU);
  }
  const bool overlong = (size == 3 && character < 0x800) || (size == 4 && character < 0x10000);
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (overlong || surrogate || character > 0x10FFFF) return not_utf8;
  return {character, size};
}

bool is_harmless(char32_t character) {
  if (character < 0x20 || (character >= 0x7F && character <= 0x9F)) return false;
  const bool separates_lines = character == 0x2028 || character == 0x2029;
  const bool turns_text_around =
      character == 0x061C || character == 0x200E || character == 0x200F ||
      (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
  return !separates_lines && !turns_text_around;
}

void append_escaped(std::string& line, std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    line += {'\\', 'x', digits[value >> 4], digits[value & 0xF]};
  }
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const auto [character, size] = decode(text);
    const auto bytes = text.substr(0, size == 0 ? 1 : size);
    if (size != 0 && is_harmless(character)) {
      line += bytes;
    } else {
      append_escaped(line, bytes);
    }
    text.remove_prefix(bytes.size());
  }
  return line;
}

std::string clipped(std::string_view text, std::size_t most) {
  if (text.size() <= most) return one_line(text);
  std::size_t end = most;
  constexpr std::size_t longest_tail = 3;  // of a character
  while (end > 0 && most - end < longest_tail && continues(text, end)) --end;
  return one_line(text.substr(0, end)) + "...";
}

}  // namespace sally::status
