// How long an operation may take.
#pragma once

#include "transport/deadline.h"

namespace sally::socket {

struct Patience {
  bool attempt = false;  // only what can be done now
  transport::Deadline deadline = transport::never;

  static Patience none() { return {.attempt = true}; }
  static Patience until(transport::Deadline deadline) { return {.deadline = deadline}; }
};

}  // namespace sally::socket
