// What all sources have alike: their generations, how the last reload ended, and who wants to know.
#pragma once

#include "status/error.h"
#include "status/ref.h"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace sally::tls {

// How often any material was replaced, in the whole process: while it stays the same, a generation that
// was looked up before is the newest still.
inline std::atomic<std::uint64_t> material_changes{0};

// Told of each new generation, and of each reload that fails (`failure` then says why). On any thread,
// with a lock held under which the source must not be called: it makes a note, and no more.
class SourceObserver {
 public:
  virtual void source_changed(std::uint64_t generation, const ErrorRef& failure) noexcept = 0;

 protected:
  SourceObserver() = default;
  ~SourceObserver() = default;

 private:
  friend class AnySource;
  bool observes_ = false;
  SourceObserver* previous_ = nullptr;
  SourceObserver* next_ = nullptr;
};

class AnySource : public RefCounted<AnySource> {
 public:
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

  // Tells of what happens from now on. Returns the generation that is there.
  std::uint64_t observe(SourceObserver& observer) noexcept;
  // After it the observer is told nothing any more. Does nothing where it does not observe.
  void forget(SourceObserver& observer) noexcept;

 protected:
  friend class RefCounted<AnySource>;
  AnySource() = default;
  virtual ~AnySource() = default;

  // With the lock, when the new material is there.
  void begin_generation() noexcept;
  void note_failure(const ErrorRef& error) noexcept;

  mutable std::mutex mutex_;
  std::uint64_t generation_ = 1;

 private:
  void tell(const ErrorRef& failure) noexcept;

  ErrorRef reload_error_;
  SourceObserver* observers_ = nullptr;
};

}  // namespace sally::tls
