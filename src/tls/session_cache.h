// Sessions that may be resumed, the newest of them.
#pragma once

#include "tls/openssl_types.h"

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sally::tls {

class PackedSession;

// The certificates that a peer sent, its own first, one DER after the other. Null: it sent none.
using SentCertificates = std::shared_ptr<const std::string>;

// What is needed to resume, and to check again before.
struct Resumable {
  SessionOwner session;  // null: none
  SentCertificates sent;
};

// Any thread may call any of it.
class SessionCache {
 public:
  // How sessions are kept: packed takes a fraction of the memory; OpenSSL's own objects know who their
  // peer was, and OpenSSL itself marks those that must not be resumed.
  enum class Form { packed, as_they_are };

  SessionCache(std::size_t capacity, Form form) : capacity_(capacity), form_(form) {}

  // The one used longest ago goes where there are too many. Throws std::bad_alloc.
  void add(std::string key, ssl_session_st* session, SentCertificates sent);
  // The newest of that key, of a null session where there is none. Throws std::bad_alloc.
  Resumable find(std::string_view key);
  // Likewise, and takes it out.
  Resumable take(std::string_view key);
  // All of that key.
  void forget(std::string_view key) noexcept;
  std::size_t size() const;

 private:
  // One of the two is there.
  struct Kept {
    std::shared_ptr<const PackedSession> packed;
    SessionOwner session;
    SentCertificates sent;
  };
  struct Entry {
    std::string key;
    Kept kept;
  };
  using Entries = std::list<Entry>;

  // By the keys of the entries; the newest of a key last.
  using Keys = std::multimap<std::string_view, Entries::iterator>;

  // With the lock.
  Keys::iterator newest(std::string_view key);
  void drop(Keys::iterator key, Entries& dropped) noexcept;

  static Resumable unpack(Kept kept);

  const std::size_t capacity_;
  const Form form_;
  mutable std::mutex mutex_;
  Entries entries_;  // the newest first
  Keys by_key_;
};

}  // namespace sally::tls
