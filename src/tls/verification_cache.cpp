#include "tls/verification_cache.h"

#include "tls/certificate.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/trust_store.h"

#include <array>
#include <limits>
#include <string_view>

namespace sally::tls {

namespace {

class Digest {
 public:
  Digest() : context_(checked(EVP_MD_CTX_new()), &EVP_MD_CTX_free) {
    const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> sha256(
        checked(EVP_MD_fetch(library_context(), "SHA256", nullptr)), &EVP_MD_free);
    require(EVP_DigestInit_ex2(context_.get(), sha256.get(), nullptr));
  }
  // With its length, so that no two lists of texts read the same.
  void add(std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    require(EVP_DigestUpdate(context_.get(), &size, sizeof size));
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }
  std::string value() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
    return {reinterpret_cast<const char*>(digest.data()), size};
  }

 private:
  static void require(int done) {
    if (done != 1) throw std::bad_alloc();
  }
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

void narrow(TimeWindow& window, std::int64_t change, std::int64_t now) {
  if (change <= now)
    window.from = std::max(window.from, change);
  else
    window.until = std::min(window.until, change);
}

}  // namespace

VerificationCache::Entry VerificationCache::find(const std::string& key, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto place = found->second;
  if (now < place->window.from || now >= place->window.until) {
    by_key_.erase(found);
    places_.erase(place);
    return nullptr;
  }
  places_.splice(places_.begin(), places_, place);
  ++hits_;
  return place->entry;
}

void VerificationCache::remember(const std::string& key, TimeWindow window, Entry entry) {
  const std::lock_guard lock(mutex_);
  if (capacity_ == 0) return;
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    places_.erase(found->second);
    by_key_.erase(found);
  }
  if (places_.size() >= capacity_) {
    by_key_.erase(places_.back().key);
    places_.pop_back();
  }
  places_.push_front({.key = key, .window = window, .entry = std::move(entry)});
  try {
    by_key_.emplace(key, places_.begin());
  } catch (...) {
    places_.pop_front();
    throw;
  }
}

std::uint64_t VerificationCache::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}

std::size_t VerificationCache::size() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

std::string digest_of(const PeerName& name, std::string_view sent) {
  Digest digest;
  digest.add(name.text);
  digest.add(name.is_ip ? "ip" : name.is_email ? "email" : "dns");
  digest.add(sent);
  return digest.value();
}

// A time that a certificate or CRL begins or ends changes what is found, in whichever way: the
// window lies between the last such time and the next one.
TimeWindow window_of(const Judgement& judgement, const TrustStore* trust) {
  TimeWindow window{.from = std::numeric_limits<std::int64_t>::min(),
                    .until = std::numeric_limits<std::int64_t>::max()};
  for (const X509Owner& certificate : judgement.chain) {
    narrow(window, not_before_of(certificate.get()), judgement.time);
    // The last second is still good.
    narrow(window, not_after_of(certificate.get()) + 1, judgement.time);
  }
  if (trust == nullptr) return window;
  for (const CrlOwner& crl : trust->crls()) {
    narrow(window, seconds_of(X509_CRL_get0_lastUpdate(crl.get())), judgement.time);
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(crl.get());
    if (next != nullptr) narrow(window, seconds_of(next), judgement.time);
  }
  return window;
}

}  // namespace sally::tls
