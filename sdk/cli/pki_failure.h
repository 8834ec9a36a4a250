// Why a command ends without having done its work.
#pragma once

#include <stdexcept>
#include <string>

namespace pki {

// It could not be done: exit code 1.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& what, std::string hint = {})
      : std::runtime_error(what), hint_(std::move(hint)) {}
  // How to mend it, or "".
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

// What was given is of no use, words of the command line or files to read: exit code 2.
class Unusable : public Failure {
 public:
  using Failure::Failure;
};

}  // namespace pki
