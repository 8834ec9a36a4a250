// bytes.hpp: text or bytes that the library hands out, sally_bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <sallyport/base.hpp>
#include <sallyport/bytes.h>

namespace sally::inline v0 {

// Immutable; any number of threads may read it. Copies are the same bytes.
class Bytes : public detail::Shared<sally_bytes, sally_bytes_retain, sally_bytes_release> {
 public:
  static Bytes adopt(sally_bytes* bytes) noexcept { return Bytes(bytes); }

  std::span<const std::byte> span() const noexcept {
    return {static_cast<const std::byte*>(sally_bytes_data(get())), sally_bytes_size(get())};
  }
  // The same as text; a NUL follows it that is not counted.
  std::string_view text() const noexcept {
    return {static_cast<const char*>(sally_bytes_data(get())), sally_bytes_size(get())};
  }

 private:
  using Shared::Shared;
};

}  // namespace sally::inline v0
