// What forking needs under sanitizers.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>

namespace sally::test {

#if defined(__SANITIZE_THREAD__)
// ThreadSanitizer takes a child's first thread for one of its parent's and gives up.
inline constexpr bool child_may_start_threads = false;
#else
inline constexpr bool child_may_start_threads = true;
#endif

// AddressSanitizer's allocator (GCC 12) does not hold its own locks across fork(): a child of a
// process whose other threads allocate may hang in malloc, whoever calls it.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool child_of_busy_threads_may_allocate = false;
#else
inline constexpr bool child_of_busy_threads_may_allocate = true;
#endif

// Whether every thread but the caller's waits in the kernel, and so is not in the allocator.
inline bool other_threads_rest() {
  const std::string own = std::to_string(::gettid());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == own) continue;
    std::string stat;
    std::getline(std::ifstream(task.path() / "stat"), stat);
    const std::size_t name_end = stat.rfind(')');
    if (name_end != std::string::npos && stat.compare(name_end, 3, ") S") != 0) return false;
  }
  return true;
}

// For tests whose threads come to rest by themselves.
inline void let_other_threads_rest() {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!other_threads_rest() && std::chrono::steady_clock::now() < patience)
    std::this_thread::yield();
}

// Before fork(), where the child is to do more than end.
inline void prepare_fork() {
  if (!child_of_busy_threads_may_allocate) let_other_threads_rest();
}

}  // namespace sally::test
