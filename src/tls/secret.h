// Text that is wiped when it goes.
#pragma once

#include <string_view>
#include <vector>

namespace sally::tls {

class Secret {
 public:
  explicit Secret(std::string_view text);
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  const char* c_str() const noexcept { return bytes_.data(); }

 private:
  std::vector<char> bytes_;  // with a NUL; never grown, which would leave a copy behind
};

}  // namespace sally::tls
