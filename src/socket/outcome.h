// How an operation ended: a status, and an error object where there is more to say than the status
// does.
#pragma once

#include "status/error.h"

#include <utility>

namespace sally::socket {

struct Outcome {
  Outcome() = default;
  Outcome(sally_status plain)
      : status(plain) {}  // NOLINT(google-explicit-constructor): a status is an outcome
  Outcome(ErrorRef why)   // NOLINT(google-explicit-constructor): and so is an error
      : status(why->status()), error(std::move(why)) {}

  bool ok() const noexcept { return status == SALLY_OK; }

  sally_status status = SALLY_OK;
  ErrorRef error;
};

}  // namespace sally::socket
