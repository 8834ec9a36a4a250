// trust_store.hpp: whom this side trusts, sally_trust_store.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/trust_store.h>

namespace sally::inline v0 {

// A set of CA certificates, and CRLs. Copies are the same store; any thread may use it, one at a time
// may add to it. A config keeps what the store held when it was given to it.
//
// The makers throw what trust_store.h lists: SALLY_FILE_NOT_FOUND, SALLY_TRUST_STORE_EMPTY and so
// on.
class TrustStore : public detail::Shared<sally_trust_store, sally_trust_store_retain,
                                         sally_trust_store_release> {
 public:
  // The CA certificates of this machine. Takes tens of milliseconds.
  static TrustStore system() {
    return make([&](sally_trust_store** store, sally_error** error) {
      return sally_trust_store_system(store, error);
    });
  }
  // Those of a file, PEM or DER, or of the files of a folder.
  static TrustStore from_file(const std::string& file) {
    const char* uri = detail::c_text(file);
    return make([&](sally_trust_store** store, sally_error** error) {
      return sally_trust_store_load(uri, store, error);
    });
  }
  // Those of PEM or DER in memory, which is not kept.
  static TrustStore from_memory(std::string_view data) {
    return make([&](sally_trust_store** store, sally_error** error) {
      return sally_trust_store_from_memory(data.data(), data.size(), store, error);
    });
  }

  static TrustStore adopt(sally_trust_store* store) noexcept { return TrustStore(store); }

  // Adds what `other` holds.
  TrustStore& merge(const TrustStore& other) {
    return change(
        [&](sally_error** error) { return sally_trust_store_merge(get(), other.get(), error); });
  }
  // Adds the revocation lists of a file, PEM or DER, or of the files of a folder.
  TrustStore& add_crl(const std::string& file) {
    const char* uri = detail::c_text(file);
    return change(
        [&](sally_error** error) { return sally_trust_store_add_crl(get(), uri, error); });
  }
  TrustStore& add_crl_from_memory(std::string_view data) {
    return change([&](sally_error** error) {
      return sally_trust_store_add_crl_from_memory(get(), data.data(), data.size(), error);
    });
  }

  // How many revocation lists there are.
  std::size_t crl_count() const noexcept { return sally_trust_store_crl_count(get()); }
  // How many anchors there are.
  std::size_t size() const noexcept { return sally_trust_store_size(get()); }

  // Reads the files again, whole or not at all.
  void reload() {
    detail::check([&](sally_error** error) { return sally_trust_store_reload(get(), error); });
  }
  // When the first anchor expires, and when the first CRL is out of date; std::nullopt: none will be.
  std::optional<std::chrono::sys_seconds> not_after() const noexcept {
    return time_or_none(sally_trust_store_not_after(get()));
  }
  std::optional<std::chrono::sys_seconds> next_update() const noexcept {
    return time_or_none(sally_trust_store_next_update(get()));
  }
  // What `by` holds now becomes the next generation.
  void replace(const TrustStore& by) {
    detail::check(
        [&](sally_error** error) { return sally_trust_store_replace(get(), by.get(), error); });
  }
  // Reloads from now on whenever the files change.
  TrustStore& watch() {
    detail::check([&](sally_error** error) { return sally_trust_store_watch(get(), error); });
    return *this;
  }
  // Throws what the last reload failed with.
  void check_reload() const {
    detail::check(
        [&](sally_error** error) { return sally_trust_store_reload_status(get(), error); });
  }
  std::uint64_t generation() const noexcept { return sally_trust_store_generation(get()); }

  // The first generation beyond `generation`; waits for it (default: for ever). Throws what a
  // reload fails with meanwhile.
  std::uint64_t wait_change(std::uint64_t generation, Timeout timeout = {}) const {
    std::uint64_t now = 0;
    detail::check([&](sally_error** error) {
      return sally_trust_store_wait_change(get(), generation, &now, timeout.get(), error);
    });
    return now;
  }
  // The same, but std::nullopt where neither came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<std::uint64_t> try_wait_change(
      std::uint64_t generation, Timeout timeout = Timeout::attempt()) const {
    std::uint64_t now = 0;
    const bool came = detail::check_in_time([&](sally_error** error) {
      return sally_trust_store_wait_change(get(), generation, &now, timeout.get(), error);
    });
    if (!came) return std::nullopt;
    return now;
  }
  AsyncOf<std::size_t> auto async_wait_change(std::uint64_t generation,
                                              Timeout timeout = {}) const {
    return detail::async<std::size_t>([=, store = get()](auto... completion) {
      return sally_trust_store_wait_change_async(store, generation, timeout.get(), completion...);
    });
  }

 private:
  using Shared::Shared;

  static std::optional<std::chrono::sys_seconds> time_or_none(std::int64_t seconds) noexcept {
    if (seconds == 0) return std::nullopt;
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
  }

  template <class Call>
  TrustStore& change(Call&& call) {
    detail::check(call);
    return *this;
  }
  template <class Call>
  static TrustStore make(Call&& call) {
    sally_trust_store* store = nullptr;
    detail::check([&](sally_error** error) { return call(&store, error); });
    return TrustStore(store);
  }
};

}  // namespace sally::inline v0
