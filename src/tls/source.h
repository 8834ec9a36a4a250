// Material that can be replaced while it is in use, generation by generation: each handshake takes
// the one that is there when it begins.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/any_source.h"
#include "tls/file_traces.h"
#include "tls/file_watch.h"

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

// `Material` is immutable, reference-counted, and made of an `Input`, which says where it comes from and
// can be read again and again; files_of(input) are the files and folders that it is in. Any thread may
// call any of it.
template <class Material, class Input>
class Source final : public AnySource {
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
  struct Newest {
    Ref<Material> material;
    std::uint64_t generation;
  };
  Newest newest() const noexcept {
    const std::lock_guard lock(mutex_);
    return {current_, generation_};
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
    if (watch_) watch_ = watch_files(*input_, traces_);
  }
  std::optional<Input> input() {
    const std::lock_guard turn(reloading_);
    return input_;
  }

  // Becomes what the other one is now: what that holds, and where it is read from again. Where it is
  // watched, the other's files are from now on, if it has any. Throws Failure, likewise.
  void replace(Source& by) {
    Place place = by.place();
    const std::lock_guard turn(reloading_);
    std::unique_ptr<FileWatch> watch;
    if (watch_ && place.input && !files_of(*place.input).empty()) {
      watch = watch_files(*place.input, place.traces);
    }
    std::swap(watch_, watch);
    std::swap(input_, place.input);
    std::swap(traces_, place.traces);
    publish(std::move(place.material));
  }

  // Reloads from now on whenever its files change. A second time it does nothing.
  void watch() {
    const std::lock_guard turn(reloading_);
    require_files();
    if (!watch_) watch_ = watch_files(*input_, traces_);
  }

 private:
  ~Source() override = default;

  struct Place {
    std::optional<Input> input;
    std::string traces;
    Ref<Material> material;
  };
  Place place() {
    const std::lock_guard turn(reloading_);
    return {input_, traces_, current()};
  }

  void publish(Ref<Material> material) noexcept {
    const std::lock_guard lock(mutex_);
    std::swap(current_, material);
    begin_generation();
  }

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
      publish(make_ref<Material>(input));
    } catch (const Failure& failure) {
      note_failure(failure.error());
      throw;
    } catch (const std::bad_alloc&) {
      note_failure(out_of_memory_error());
      throw;
    }
  }

  std::unique_ptr<FileWatch> watch_files(const Input& input, const std::string& traces) {
    return std::make_unique<FileWatch>(files_of(input), traces, [this] { return look(); });
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
  std::optional<Input> input_;        // none: from memory, and not kept
  std::string traces_;                // of its files, before they were read
  Ref<Material> current_;             // under the lock of AnySource
  std::unique_ptr<FileWatch> watch_;  // goes first
};

class Credential;
struct CredentialInput;
class TrustStore;
struct TrustInput;
using CredentialSource = Source<Credential, CredentialInput>;
using TrustSource = Source<TrustStore, TrustInput>;

}  // namespace sally::tls
