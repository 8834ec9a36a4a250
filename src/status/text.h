// Text that can be shown, logged and put into JSON, whoever wrote it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sally::status {

// One line of valid UTF-8. Bytes that are not UTF-8, control characters, line ends of any kind and
// characters that change the direction of the text around them become \xNN, byte by byte. Shown
// twice, a text stays the same.
std::string one_line(std::string_view text);

// The same of the first `most` bytes; "..." stands for the rest.
std::string clipped(std::string_view text, std::size_t most);

}  // namespace sally::status
