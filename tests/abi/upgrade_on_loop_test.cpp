// An upgrade that a completion function begins, while its loop has not looked at what came meanwhile.
#include "abi/queue_support.h"

#include <array>
#include <future>
#include <gtest/gtest.h>

using namespace sally::test;

namespace {

struct Upgrading {
  Pair pair = plain_pair();
  Owned<sally_tls_config> config = client_config();
  std::array<char, 64> buffer{};
  std::promise<sally_status> ended;

  sally_completion completion(sally_completion_function function) {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.function = function;
    completion.user = this;
    return completion;
  }
};

void upgraded(void* user, sally_event* event) {
  static_cast<Upgrading*>(user)->ended.set_value(event->status);
}

void agreed(void* user, sally_event* event) {
  auto& self = *static_cast<Upgrading*>(user);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(self.pair.server.write("injected"), SALLY_OK);
  const sally_completion completion = self.completion(&upgraded);
  EXPECT_EQ(sally_stream_upgrade_async(self.pair.client.get(), self.config.get(), "localhost",
                                       generous_ms, &completion, nullptr, nullptr),
            SALLY_OK);
}

}  // namespace

TEST(UpgradeOnALoop, RefusesPlaintextThatCameBeforeTheLoopHasLooked) {
  Upgrading self;
  const sally_completion completion = self.completion(&agreed);
  ASSERT_EQ(sally_stream_read_some_async(self.pair.client.get(), self.buffer.data(),
                                         self.buffer.size(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  let_complete(self.pair.client);  // by now the read waits
  ASSERT_EQ(self.pair.server.write("go ahead"), SALLY_OK);
  EXPECT_EQ(self.ended.get_future().get(), SALLY_PLAINTEXT_BEFORE_TLS);
}
