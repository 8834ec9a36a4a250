// Streams whose loop gets no memory.
#include "lib/async_stream.h"

#include <cstdlib>
#include <future>
#include <gtest/gtest.h>
#include <new>
#include <optional>

namespace {

thread_local bool gets_none = false;

}  // namespace

// For the whole test program, all of which gets memory as ever but for the tests below. Inlined, who
// frees would seem to the compiler to free what came from elsewhere.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = gets_none ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sally::test {
namespace {

// What is begun while this lives meets a loop without memory, as soon as it goes.
class WithoutMemory {
 public:
  WithoutMemory() {
    loop_.post([gate = gate_.get_future().share()] {
      gate.wait();
      gets_none = true;
    });
  }
  ~WithoutMemory() {
    loop_.post([] { gets_none = false; });
    gate_.set_value();
  }
  WithoutMemory(const WithoutMemory&) = delete;
  WithoutMemory& operator=(const WithoutMemory&) = delete;

 private:
  transport::EventLoop& loop_ = transport::EventLoop::shared();
  std::promise<void> gate_;
};

TEST(Memory, ThatIsMissingForATimeOutFailsWhatIsToBeTimedAndNothingElse) {
  StreamPair pair;
  std::optional<Started> timed;
  std::optional<Started> untimed;
  {
    const WithoutMemory scope;
    timed.emplace(*pair.client, socket::Verb::read_some, 10, "", after(60'000));
    untimed.emplace(start_wait(*pair.client, transport::Interest::read));
  }
  EXPECT_EQ(timed->status(), "SALLY_OUT_OF_MEMORY");
  ASSERT_EQ(write(*pair.server, "x").status(), "SALLY_OK");
  EXPECT_EQ(untimed->status(), "SALLY_OK");
  EXPECT_EQ(start_read(*pair.client).text(), "x");
}

}  // namespace
}  // namespace sally::test
