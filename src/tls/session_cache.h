// Sessions that may be resumed, the newest of them.
#pragma once

#include "tls/openssl_types.h"

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sally::tls {

// The certificates that the peer sent beside its own.
using SentChain = std::vector<X509Owner>;

// What is needed to resume, and to check again before.
struct Resumable {
  SessionOwner session;  // null: none
  SentChain sent;
};

// Any thread may call any of it.
class SessionCache {
 public:
  explicit SessionCache(std::size_t capacity) : capacity_(capacity) {}

  // The one used longest ago goes where there are too many.
  void add(const std::string& key, Resumable resumable);
  // The newest of that key, with references of its own; of a null session where there is none.
  Resumable find(const std::string& key);
  // Likewise, and takes it out.
  Resumable take(const std::string& key);
  std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    Resumable resumable;
  };
  using Entries = std::list<Entry>;

  using Keys = std::multimap<std::string, Entries::iterator>;  // the newest of a key last

  // With the lock.
  void drop(Keys::iterator key, Entries& dropped);

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  Entries entries_;  // the newest first
  Keys by_key_;
};

}  // namespace sally::tls
