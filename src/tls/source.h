// Material that can be replaced while it is in use, generation by generation: each handshake takes
// the one that is there when it begins.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/file_traces.h"
#include "tls/file_watch.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sally::tls {

// Where material comes from, to be read again and again.
template <class Material>
struct Origin {
  std::function<Ref<Material>()> load;  // throws Failure
  std::vector<std::string> files;       // and folders: what it reads
};

// `Material` is immutable and reference-counted. Any thread may call any of it.
template <class Material>
class Source : public RefCounted<Source<Material>> {
 public:
  // Loads at once. Throws Failure.
  explicit Source(Origin<Material> origin)
      : origin_(std::move(origin)), traces_(traces_of(origin_.files)), current_(origin_.load()) {}
  // Of what has no place to be read from again.
  explicit Source(Ref<Material> material) : current_(std::move(material)) {}

  Ref<Material> current() const noexcept {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // 1 at first, then one more with each generation.
  std::uint64_t generation() const noexcept {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  // Why the last reload failed; null where it did not.
  ErrorRef reload_error() const noexcept {
    const std::lock_guard lock(mutex_);
    return reload_error_;
  }

  // Whole or not at all: throws Failure and leaves everything as it was.
  void reload() {
    // One at a time, or the older of two readings could win.
    const std::lock_guard turn(reloading_);
    require_origin();
    traces_ = traces_of(origin_.files);
    try {
      replace(origin_.load());
    } catch (const Failure& failure) {
      note(failure.error());
      throw;
    } catch (const std::bad_alloc&) {
      note(out_of_memory_error());
      throw;
    }
  }

  void replace(Ref<Material> material) noexcept {
    const std::lock_guard lock(mutex_);
    std::swap(current_, material);
    reload_error_ = {};
    ++generation_;
  }

  // Reloads from now on whenever its files change. A second time it does nothing.
  void watch() {
    const std::lock_guard turn(reloading_);
    require_origin();
    if (watch_) return;
    watch_ = std::make_unique<FileWatch>(origin_.files, traces_, [this] { return look(); });
  }

 private:
  friend class RefCounted<Source>;
  ~Source() = default;

  void require_origin() const {
    if (origin_.load) return;
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "what was loaded from memory cannot be loaded again",
         .hint = "Load the new material as you loaded the old one, and replace the old by it."});
  }

  void note(const ErrorRef& error) noexcept {
    const std::lock_guard lock(mutex_);
    reload_error_ = error;
  }

  FileWatch::Look look() {
    if (!this->retain_if_alive()) return {};
    return [self = Ref<Source>::adopt(this)] {
      try {
        self->reload();
        return true;
      } catch (...) {
        return false;
      }
    };
  }

  const Origin<Material> origin_;  // empty: from memory
  std::mutex reloading_;
  std::string traces_;  // of its files, before they were read
  mutable std::mutex mutex_;
  Ref<Material> current_;
  std::uint64_t generation_ = 1;
  ErrorRef reload_error_;
  std::unique_ptr<FileWatch> watch_;  // goes first
};

class Credential;
class TrustStore;
using CredentialSource = Source<Credential>;
using TrustSource = Source<TrustStore>;

}  // namespace sally::tls
