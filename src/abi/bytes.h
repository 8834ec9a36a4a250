#pragma once

#include "status/live_count.h"
#include "status/ref.h"

#include <string>

#include <sallyport/bytes.h>

// Plain data, so a forked child may go on reading it.
struct sally_bytes final : sally::RefCounted<sally_bytes>, sally::LiveCount<SALLY_HANDLE_BYTES> {
  explicit sally_bytes(std::string bytes) : content(std::move(bytes)) {}
  const std::string content;
};

namespace sally::abi {

inline sally_bytes* to_bytes(std::string content) {
  return new sally_bytes(std::move(content));
}

}  // namespace sally::abi
