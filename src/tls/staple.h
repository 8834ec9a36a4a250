// The OCSP response that a server shows with its certificate.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace sally::tls {

// Replaced while handshakes read it: a response lasts for days, a server for longer.
class Staple {
 public:
  void set(std::string response, std::int64_t until) {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    until_ = until;
  }
  // "" where there is none, or none that is still good.
  std::string at(std::int64_t now) const {
    const std::lock_guard lock(mutex_);
    return now < until_ ? response_ : std::string();
  }

 private:
  mutable std::mutex mutex_;
  std::string response_;
  std::int64_t until_ = 0;
};

}  // namespace sally::tls
