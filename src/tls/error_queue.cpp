#include "tls/error_queue.h"

#include "tls/native_names.h"

#include <array>
#include <openssl/err.h>

namespace sally::tls {

void clear_errors() noexcept {
  // Clearing goes through all places of the queue, empty ones too; looking takes a tenth of that.
  if (ERR_peek_error() != 0) ERR_clear_error();
}

namespace {

// ERR_R_EVP_LIB and its like say only that another library failed, which has left its own entry.
bool is_pointer(unsigned long code) {
  constexpr int libraries = 256;
  const int common = ERR_GET_REASON(code) & ~(ERR_RFLAGS_MASK << ERR_RFLAGS_OFFSET);
  return ERR_COMMON_ERROR(code) != 0 && common < libraries;
}

int worth(unsigned long code) {
  if (code == 0) return -1;
  if (is_pointer(code)) return 0;
  const bool is_own_word = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_COMMON_ERROR(code) == 0;
  return is_own_word ? 2 : 1;
}

std::string name_of(unsigned long code) {
  if (const auto name = openssl_error_name(static_cast<std::int64_t>(code)); !name.empty())
    return std::string(name);
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  std::array<char, 256> words{};  // "error:0A0003E7:SSL routines::reason(999)"
  ERR_error_string_n(code, words.data(), words.size());
  return words.data();
}

}  // namespace

NativeError take_error() {
  unsigned long chosen = 0;
  while (const unsigned long code = ERR_get_error())
    if (worth(code) > worth(chosen)) chosen = code;
  if (chosen == 0) return {};
  return {chosen, name_of(chosen)};
}

}  // namespace sally::tls
