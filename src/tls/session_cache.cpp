#include "tls/session_cache.h"

#include "tls/openssl.h"

#include <iterator>
#include <utility>

namespace sally::tls {

void SessionCache::add(const std::string& key, Resumable resumable) {
  Entries oldest;  // freed without the lock
  const std::lock_guard lock(mutex_);
  entries_.push_front({key, std::move(resumable)});
  by_key_.emplace(key, entries_.begin());
  if (entries_.size() <= capacity_) return;
  const auto last = std::prev(entries_.end());
  const auto [first, end] = by_key_.equal_range(last->key);
  for (auto each = first; each != end; ++each) {
    if (each->second != last) continue;
    by_key_.erase(each);
    break;
  }
  oldest.splice(oldest.begin(), entries_, last);
}

Resumable SessionCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto after = by_key_.upper_bound(key);
  if (after == by_key_.begin() || std::prev(after)->first != key) return {};
  const auto entry = std::prev(after)->second;
  entries_.splice(entries_.begin(), entries_, entry);
  Resumable found;
  for (const X509Owner& certificate : entry->resumable.sent) {
    X509_up_ref(certificate.get());
    found.sent.emplace_back(certificate.get());
  }
  SSL_SESSION_up_ref(entry->resumable.session.get());
  found.session.reset(entry->resumable.session.get());
  return found;
}

Resumable SessionCache::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto after = by_key_.upper_bound(key);
  if (after == by_key_.begin() || std::prev(after)->first != key) return {};
  const auto newest = std::prev(after);
  Resumable taken = std::move(newest->second->resumable);
  entries_.erase(newest->second);
  by_key_.erase(newest);
  return taken;
}

std::size_t SessionCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sally::tls
