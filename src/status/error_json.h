// An error as JSON, in the form that include/sallyport/error.h documents.
#pragma once

#include "status/error.h"

#include <string>

namespace sally::status {

// The whole chain. Throws std::bad_alloc.
std::string to_json(const sally_error& error);

}  // namespace sally::status
