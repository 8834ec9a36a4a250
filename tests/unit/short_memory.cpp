// For the whole test program, all of which gets memory as ever but where a test says otherwise.
#include "short_memory.h"

#include <cstdlib>
#include <new>

namespace sally::test {

constinit thread_local bool memory_is_short = false;

}  // namespace sally::test

using sally::test::memory_is_short;

// Not inlined: the compiler would take our own pairs for mismatched ones.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = memory_is_short ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Or a sanitizer would see our delete take back what its own nothrow form gave.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return memory_is_short ? nullptr : std::malloc(size == 0 ? 1 : size);
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
