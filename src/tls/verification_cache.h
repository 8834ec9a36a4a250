// Remembers the chains that were found good, so that a peer that comes again costs a digest and not
// its signatures. It belongs to a context: other trust or other rules are another context.
#pragma once

#include "status/error.h"
#include "tls/session_cache.h"
#include "tls/verifier.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sally::tls {

// A chain that was accepted, and what was found on the way.
struct GoodChain {
  std::vector<X509Owner> sent;  // by the peer, its own certificate first
  SentCertificates encoded;     // the same; null where no session is to be kept with it
  std::vector<X509Owner> chain;
  ErrorRef findings;
  bool pin_matched = false;
};

// The verdict holds at every time from `from` to before `until`: no certificate of the chain and no
// CRL begins or ends in between.
struct TimeWindow {
  std::int64_t from;
  std::int64_t until;
};

class VerificationCache {
 public:
  using Entry = std::shared_ptr<const GoodChain>;

  // 0 entries: it remembers nothing.
  explicit VerificationCache(std::size_t entries) : capacity_(entries) {}

  bool enabled() const noexcept { return capacity_ > 0; }
  // Null where it is not known at that time.
  Entry find(const std::string& key, std::int64_t now);
  void remember(const std::string& key, TimeWindow window, Entry entry);
  std::uint64_t hits() const;
  std::size_t size() const;

 private:
  struct Place {
    std::string key;
    TimeWindow window;
    Entry entry;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Place> places_;  // the one used last first
  std::unordered_map<std::string, std::list<Place>::iterator> by_key_;
  std::uint64_t hits_ = 0;
};

// A digest of all that is asked but trust and rules: the certificates as they were sent, one after the
// other, and the name.
std::string digest_of(const PeerName& name, std::string_view sent);

TimeWindow window_of(const Judgement& judgement, const TrustStore* trust);

}  // namespace sally::tls
