// Material that can be replaced while it is in use, generation by generation: each handshake takes
// the one that is there when it begins.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/file_traces.h"
#include "tls/file_watch.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sally::tls {

// What is none of a credential's is in files or in memory.
template <class Input>
bool is_in_token(const Input& /*input*/) {
  return false;
}

// How often any material was replaced, in the whole process: while it stays the same, a generation that
// was looked up before is the newest still.
inline std::atomic<std::uint64_t> material_changes{0};

// `Material` is immutable, reference-counted, and made of an `Input`, which says where it comes from and
// can be read again and again; files_of(input) are the files and folders that it is in. Any thread may
// call any of it.
template <class Material, class Input>
class Source : public RefCounted<Source<Material, Input>> {
 public:
  // Loads at once. Throws Failure.
  explicit Source(Input input)
      : input_(std::move(input)),
        traces_(traces_of(files_of(*input_))),
        current_(make_ref<Material>(*input_)) {}
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
  // Both at once.
  std::pair<Ref<Material>, std::uint64_t> versioned() const noexcept {
    const std::lock_guard lock(mutex_);
    return {current_, generation_};
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
    if (!input_ || !is_in_token(*input_)) require_files();
    load(*input_);
  }

  // Has it come from what `change` makes of its input, now and at each reload. Likewise.
  template <class Change>
  void extend(Change&& change) {
    const std::lock_guard turn(reloading_);
    if (!input_) throw Failure(SALLY_INVALID_STATE, {.message = "it has no source to add to"});
    Input next = *input_;
    change(next);
    load(next);
    input_ = std::move(next);
    if (watch_) watch_files();
  }
  std::optional<Input> input() {
    const std::lock_guard turn(reloading_);
    return input_;
  }

  void replace(Ref<Material> material) noexcept {
    {
      const std::lock_guard lock(mutex_);
      std::swap(current_, material);
      reload_error_ = {};
      ++generation_;
    }
    ++material_changes;
  }

  // Reloads from now on whenever its files change. A second time it does nothing.
  void watch() {
    const std::lock_guard turn(reloading_);
    require_files();
    if (!watch_) watch_files();
  }

 private:
  friend class RefCounted<Source>;
  ~Source() = default;

  // The following with the turn to reload.
  void require_files() const {
    if (input_ && !files_of(*input_).empty()) return;
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "what was loaded from memory cannot be loaded again",
         .hint = "Load the new material as you loaded the old one, and replace the old by it."});
  }

  void load(const Input& input) {
    traces_ = traces_of(files_of(input));
    try {
      replace(make_ref<Material>(input));
    } catch (const Failure& failure) {
      note(failure.error());
      throw;
    } catch (const std::bad_alloc&) {
      note(out_of_memory_error());
      throw;
    }
  }

  void watch_files() {
    watch_ = std::make_unique<FileWatch>(files_of(*input_), traces_, [this] { return look(); });
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

  std::mutex reloading_;
  std::optional<Input> input_;  // none: from memory, and not kept
  std::string traces_;          // of its files, before they were read
  mutable std::mutex mutex_;
  Ref<Material> current_;
  std::uint64_t generation_ = 1;
  ErrorRef reload_error_;
  std::unique_ptr<FileWatch> watch_;  // goes first
};

class Credential;
struct CredentialInput;
class TrustStore;
struct TrustInput;
using CredentialSource = Source<Credential, CredentialInput>;
using TrustSource = Source<TrustStore, TrustInput>;

}  // namespace sally::tls
