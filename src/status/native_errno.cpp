// errno and EAI_*: numbers that each system chooses for itself.
#include "status/native.h"

#include <cerrno>
#include <netdb.h>

namespace sally::status {
namespace {

constexpr NativeCode errno_table[] = {
#define SALLY_ERRNO(name) {name, #name},
#include "status/status_table.inc"
#undef SALLY_ERRNO
};

constexpr NativeCode getaddrinfo_table[] = {
#define SALLY_GETADDRINFO(name) {name, #name},
#include "status/status_table.inc"
#undef SALLY_GETADDRINFO
};

}  // namespace

std::span<const NativeCode> errno_codes() noexcept {
  return errno_table;
}
std::span<const NativeCode> getaddrinfo_codes() noexcept {
  return getaddrinfo_table;
}

}  // namespace sally::status
