// Text on a terminal.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace pki {

enum class Colour { red, yellow, green, bold };

// The text in a colour where `stream` is a terminal and nobody said NO_COLOR (no-color.org).
std::string coloured(std::string_view text, Colour colour, std::FILE* stream = stdout);

// "2026-11-21 20:40:43Z"
std::string utc(long long seconds);

}  // namespace pki
