// Tells a forked child from its parent without a system call.
#pragma once

#include <atomic>
#include <cstdint>

namespace sally::transport {

// Grows by one in a child, right after fork(). Whatever remembers an older number was inherited.
std::uint64_t fork_generation() noexcept;

// Whether this process, or one that it came from, ever forked: another process may then hold
// descriptors of ours open.
bool has_forked() noexcept;

// Held while something per-process is made, and across fork(). The same thread may hold it several
// times, because what is made may need something else that is per-process.
class MakingLock {
 public:
  MakingLock() noexcept;
  ~MakingLock();
  MakingLock(const MakingLock&) = delete;
  MakingLock& operator=(const MakingLock&) = delete;
};

// Something made at first use and remade in a forked child, where the parent's is leaked: its
// threads did not come along and its locks may be held for ever. The lock that guards the making is
// held across fork(), so it is never such a lock itself. Never destroyed either: threads may still
// use it while the program exits. Needs static storage.
template <class T>
class PerProcess {
 public:
  // Throws what T's constructor throws; the next call then tries again.
  T& get() {
    Made* made = made_.load(std::memory_order_acquire);
    if (made != nullptr && made->generation == fork_generation()) return made->object;
    return make();
  }
  // What this process has made; null before, and in a forked child that made none of its own.
  T* existing() noexcept {
    Made* made = made_.load(std::memory_order_acquire);
    return made != nullptr && made->generation == fork_generation() ? &made->object : nullptr;
  }

 private:
  struct Made {
    explicit Made(Made* inherited) : older(inherited) {}
    const std::uint64_t generation = fork_generation();
    Made* const older;  // only for leak checkers: it is leaked on purpose, not lost
    T object{};
  };

  T& make() {
    const MakingLock lock;
    Made* made = made_.load(std::memory_order_acquire);
    if (made == nullptr || made->generation != fork_generation()) {
      made = new Made(made);
      made_.store(made, std::memory_order_release);
    }
    return made->object;
  }

  std::atomic<Made*> made_{nullptr};
};

}  // namespace sally::transport
