#include "tls/session_cache.h"

#include "tls/openssl.h"
#include "tls/packed_session.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sally::tls {

namespace {

// A client that connects more often at once than it resumes is well served with so many; more would
// only drive out those of others.
constexpr std::size_t most_of_a_key = 8;

SessionOwner share(SSL_SESSION* session) {
  if (session != nullptr) SSL_SESSION_up_ref(session);
  return SessionOwner(session);
}

}  // namespace

void SessionCache::add(std::string key, SSL_SESSION* session, SentCertificates sent) {
  Kept kept;
  kept.sent = std::move(sent);
  if (form_ == Form::packed)
    kept.packed = std::make_shared<const PackedSession>(session);
  else
    kept.session = share(session);
  Entries superseded;  // freed without the lock
  Entries added;
  added.push_front({std::move(key), std::move(kept)});
  const std::lock_guard lock(mutex_);
  const std::string_view name = added.front().key;
  by_key_.emplace(name, added.begin());
  entries_.splice(entries_.begin(), added);
  if (by_key_.count(name) > most_of_a_key) drop(by_key_.find(name), superseded);
  if (entries_.size() <= capacity_) return;
  const auto last = std::prev(entries_.end());
  const auto [first, end] = by_key_.equal_range(last->key);
  drop(std::find_if(first, end, [last](const auto& each) { return each.second == last; }),
       superseded);
}

void SessionCache::drop(Keys::iterator key, Entries& dropped) noexcept {
  const auto entry = key->second;
  by_key_.erase(key);
  dropped.splice(dropped.begin(), entries_, entry);
}

SessionCache::Keys::iterator SessionCache::newest(std::string_view key) {
  const auto after = by_key_.upper_bound(key);
  if (after == by_key_.begin() || std::prev(after)->first != key) return by_key_.end();
  return std::prev(after);
}

Resumable SessionCache::unpack(Kept kept) {
  SessionOwner session = kept.packed ? kept.packed->unpack() : std::move(kept.session);
  return {.session = std::move(session), .sent = std::move(kept.sent)};
}

Resumable SessionCache::find(std::string_view key) {
  Kept found;
  {
    const std::lock_guard lock(mutex_);
    const auto place = newest(key);
    if (place == by_key_.end()) return {};
    const auto entry = place->second;
    entries_.splice(entries_.begin(), entries_, entry);
    found = {.packed = entry->kept.packed,
             .session = share(entry->kept.session.get()),
             .sent = entry->kept.sent};
  }
  return unpack(std::move(found));
}

Resumable SessionCache::take(std::string_view key) {
  Entries taken;
  {
    const std::lock_guard lock(mutex_);
    const auto place = newest(key);
    if (place == by_key_.end()) return {};
    drop(place, taken);
  }
  return unpack(std::move(taken.front().kept));
}

void SessionCache::forget(std::string_view key) noexcept {
  Entries dropped;
  const std::lock_guard lock(mutex_);
  for (auto place = newest(key); place != by_key_.end(); place = newest(key)) drop(place, dropped);
}

std::size_t SessionCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sally::tls
