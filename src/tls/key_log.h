// The secrets of sessions, written to a file for a program that decrypts captured traffic.
#pragma once

#include "status/ref.h"

#include <mutex>
#include <string>
#include <string_view>

struct ssl_ctx_st;

namespace sally::tls {

class KeyLog : public RefCounted<KeyLog> {
 public:
  // Opens the file to append to it, and makes it for its owner only. Throws Failure.
  explicit KeyLog(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  // A line whole or not at all, whoever else writes; a disk that is full fails no handshake.
  void write_line(std::string_view line) noexcept;

 private:
  friend class RefCounted<KeyLog>;
  ~KeyLog();

  const std::string path_;
  int file_ = -1;
  std::mutex mutex_;
};

// Has the context's sessions write their secrets to the log of its settings.
void install_key_log(ssl_ctx_st* context);

}  // namespace sally::tls
