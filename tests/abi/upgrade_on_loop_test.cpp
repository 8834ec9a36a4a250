// An upgrade that a completion function begins, while its loop has not looked at what came meanwhile.
#include "abi/queue_support.h"

#include <array>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>

using namespace sally::test;

namespace {

// The stream's own, looked for by its address: a stream that is asked for it is watched otherwise.
int descriptor_of(const Stream& stream) {
  const std::string address = sally_stream_info_local_address(stream.info().get());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int number = std::stoi(entry.path().filename().string());
    sockaddr_in local{};
    socklen_t size = sizeof local;
    if (::getsockname(number, reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
    if (address == "127.0.0.1:" + std::to_string(ntohs(local.sin_port))) return number;
  }
  ADD_FAILURE() << "no socket has the address " << address;
  return -1;
}

struct Upgrading {
  Pair pair = plain_pair();
  const int descriptor = descriptor_of(pair.client);
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
  pollfd polled{self.descriptor, POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, static_cast<int>(generous_ms)), 1) << "it has come";
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
