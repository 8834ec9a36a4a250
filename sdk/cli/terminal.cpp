#include "terminal.h"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <langinfo.h>
#include <unistd.h>

namespace {

// Nobody changes the environment while sally runs.
bool is_set(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && *value != '\0';
}

bool is_dumb() {
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe)
  return kind == nullptr || std::strcmp(kind, "dumb") == 0;
}

}  // namespace

Style::Style(int descriptor)
    : on_(::isatty(descriptor) == 1 && !is_set("NO_COLOR") && !is_dumb()) {}

std::string Style::in(const char* code, std::string_view text) const {
  if (!on_) return std::string(text);
  return std::string("\x1b[") + code + 'm' + std::string(text) + "\x1b[0m";
}

Progress::Progress() : on_(::isatty(STDERR_FILENO) == 1 && !is_dumb()) {}

Progress::~Progress() {
  if (on_) std::cerr << "\r\x1b[K" << std::flush;
}

void Progress::show(const std::string& what) {
  if (on_) std::cerr << "\r\x1b[K" << printable(what) << " ..." << std::flush;
}

std::string printable(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string safe;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte < 0x7f) {
      safe += character;
    } else {
      safe += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return safe;
}

bool draws_in_unicode() {
  return std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;  // NOLINT(concurrency-mt-unsafe)
}
