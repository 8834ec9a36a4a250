#include "transport/fork.h"

#include <mutex>
#include <pthread.h>

namespace sally::transport {

namespace {

constinit std::atomic<std::uint64_t> generation{0};
constinit std::atomic<bool> forked{false};
constinit std::mutex making;
// A recursive mutex would not do: it remembers its owner's thread number, which is another one in
// the child.
constinit thread_local int depth = 0;

void lock_making() noexcept {
  if (depth++ == 0) making.lock();
}

void unlock_making() noexcept {
  if (--depth == 0) making.unlock();
}

void stay_in_parent() noexcept {
  forked.store(true, std::memory_order_relaxed);
  unlock_making();
}

void enter_child() noexcept {
  forked.store(true, std::memory_order_relaxed);
  generation.fetch_add(1, std::memory_order_relaxed);
  unlock_making();
}

// At load time, because a handle must notice a fork that came before anything else of ours was
// called.
[[maybe_unused]] const int registered = pthread_atfork(&lock_making, &stay_in_parent, &enter_child);

}  // namespace

std::uint64_t fork_generation() noexcept {
  return generation.load(std::memory_order_relaxed);
}

bool has_forked() noexcept {
  return forked.load(std::memory_order_relaxed);
}

MakingLock::MakingLock() noexcept {
  lock_making();
}
MakingLock::~MakingLock() {
  unlock_making();
}

}  // namespace sally::transport
