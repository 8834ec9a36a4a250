// An error in several lines for a person, as include/sallyport/error.h shows it.
#pragma once

#include "status/error.h"

#include <string>

namespace sally::status {

// The whole chain. Throws std::bad_alloc.
std::string to_text(const sally_error& error);

}  // namespace sally::status
