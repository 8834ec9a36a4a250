#include "pki_text.h"

#include <cstdlib>
#include <ctime>
#include <unistd.h>

namespace pki {

namespace {

bool has_colours(std::FILE* stream) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    return std::string_view(value != nullptr ? value : "");
  };
  return isatty(fileno(stream)) == 1 && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

}  // namespace

std::string coloured(std::string_view text, Colour colour, std::FILE* stream) {
  if (!has_colours(stream)) return std::string(text);
  const char* code = colour == Colour::red      ? "31"
                     : colour == Colour::yellow ? "33"
                     : colour == Colour::green  ? "32"
                                                : "1";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string utc(long long seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[32] = {};
  if (gmtime_r(&time, &parts) == nullptr) return "?";
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts);
  return text;
}

}  // namespace pki
