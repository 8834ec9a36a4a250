#include "tls/session_cache.h"

#include "tls/openssl.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sally::tls {

namespace {

// A client that connects more often at once than it resumes is well served with so many; more would
// only drive out those of others.
constexpr std::size_t most_of_a_key = 8;

}  // namespace

void SessionCache::add(const std::string& key, Resumable resumable) {
  Entries superseded;  // freed without the lock
  const std::lock_guard lock(mutex_);
  entries_.push_front({key, std::move(resumable)});
  by_key_.emplace(key, entries_.begin());
  if (by_key_.count(key) > most_of_a_key) drop(by_key_.find(key), superseded);
  if (entries_.size() <= capacity_) return;
  const auto last = std::prev(entries_.end());
  const auto [first, end] = by_key_.equal_range(last->key);
  drop(std::find_if(first, end, [last](const auto& each) { return each.second == last; }),
       superseded);
}

void SessionCache::drop(Keys::iterator key, Entries& dropped) {
  dropped.splice(dropped.begin(), entries_, key->second);
  by_key_.erase(key);
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
