// Streams whose loop gets no memory.
#include "lib/async_stream.h"
#include "short_memory.h"

#include <future>
#include <gtest/gtest.h>
#include <optional>

namespace sally::test {
namespace {

// What is begun while this lives meets a loop without memory, as soon as it goes.
class WithoutMemory {
 public:
  WithoutMemory() {
    loop_.post([gate = gate_.get_future().share()] {
      gate.wait();
      memory_is_short = true;
    });
  }
  ~WithoutMemory() {
    loop_.post([] { memory_is_short = false; });
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
