// Closing as an attempt, and by the last release: nobody waits, and what was taken arrives all the same.
#include "lib/async.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/too_much.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <gtest/gtest.h>
#include <string>
#include <tuple>

using namespace sally::test;

namespace {

enum class Under { plain, tls_1_2, tls_1_3 };
constexpr std::array under_names{"Plain", "Tls12", "Tls13"};
enum class By { attempt, release, attempt_and_release };
constexpr std::array by_names{"Attempt", "Release", "AttemptAndRelease"};

class UnwaitedClose : public testing::TestWithParam<std::tuple<Under, By>> {
 protected:
  static Pair make(const sally_listener_options& listening = {}) {
    const Under under = std::get<0>(GetParam());
    if (under == Under::plain) return plain_pair(listening);
    const std::int32_t version = under == Under::tls_1_2 ? SALLY_TLS_1_2 : SALLY_TLS_1_3;
    Listener listener(server_config(), listening);
    const auto config = client_config(
        {.credential = "client-good", .min_version = version, .max_version = version});
    return connect_pair(listener, config.get());
  }
  static void close(Stream& stream) {
    const By by = std::get<1>(GetParam());
    const StopWatch watch;
    if (by != By::release) {
      EXPECT_EQ(stream.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
    }
    if (by != By::attempt) stream.release();
    EXPECT_LT(watch.milliseconds(), 4000);
  }
  // As much as it takes without waiting.
  std::string fill(Stream& stream, std::uint32_t flags = 0) {
    std::size_t taken = 0;
    EXPECT_EQ(sally_stream_write(stream.get(), bytes.data(), bytes.size(), flags, &taken,
                                 SALLY_TIMEOUT_ATTEMPT, nullptr),
              SALLY_WOULD_BLOCK);
    return bytes.substr(0, taken);
  }

  const std::string bytes = pattern(too_much);
  Pair pair = make();
};
INSTANTIATE_TEST_SUITE_P(
    Streams, UnwaitedClose,
    testing::Combine(testing::Values(Under::plain, Under::tls_1_2, Under::tls_1_3),
                     testing::Values(By::attempt, By::release, By::attempt_and_release)),
    [](const auto& each) {
      const auto under = static_cast<std::size_t>(std::get<0>(each.param));
      const auto by = static_cast<std::size_t>(std::get<1>(each.param));
      return std::string(under_names[under]) + by_names[by];
    });

}  // namespace

TEST_P(UnwaitedClose, SendsWhatWasTakenAndThenTheEnd) {
  const std::string sent = fill(pair.client);
  close(pair.client);
  EXPECT_TRUE(pair.server.read_text(sent.size()) == sent);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST_P(UnwaitedClose, SendsWhatWaitedForMore) {
  const std::string sent = fill(pair.server, SALLY_MORE);
  close(pair.server);
  EXPECT_TRUE(pair.client.read_text(sent.size()) == sent);
  EXPECT_EQ(pair.client.read_status(), SALLY_END_OF_STREAM);
}

// Closed with something unread, the connection would be reset, and the peer would lose what it has
// not taken in yet.
TEST_P(UnwaitedClose, LosesNothingWhereThePeerWritesMeanwhile) {
  const std::string sent = fill(pair.client);
  close(pair.client);
  std::string arrived;
  while (arrived.size() < sent.size()) {
    const std::size_t part = std::min<std::size_t>(64 << 10, sent.size() - arrived.size());
    const std::string read = pair.server.read_text(part);
    ASSERT_EQ(read.size(), part) << "the stream has ended too soon";
    arrived += read;
    ASSERT_EQ(pair.server.write("x", SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  }
  EXPECT_TRUE(arrived == sent);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

// The same with nothing left to send: the system has taken it all, and has not delivered it yet.
TEST_P(UnwaitedClose, LosesNothingThatIsOnItsWayWhereThePeerWritesMeanwhile) {
  const std::string sent = pattern(512 << 10);
  ASSERT_EQ(pair.client.write(sent), SALLY_OK);
  close(pair.client);
  ASSERT_EQ(pair.server.write("x", SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_TRUE(pair.server.read_text(sent.size()) == sent);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

// The same again, of bytes that the closing itself hands to the system.
TEST_P(UnwaitedClose, LosesNothingThatItSendsAtTheVeryEndWhereThePeerWritesMeanwhile) {
  const std::string sent = pattern(512 << 10);
  sally_listener_options listening{};
  listening.high_watermark = 2 << 20;
  Pair wide = make(listening);
  std::size_t taken = 0;
  ASSERT_EQ(sally_stream_write(wide.server.get(), sent.data(), sent.size(), SALLY_MORE, &taken,
                               generous_ms, nullptr),
            SALLY_OK);
  close(wide.server);
  ASSERT_EQ(wide.client.write("x", SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_TRUE(wide.client.read_text(sent.size()) == sent);
  EXPECT_EQ(wide.client.read_status(), SALLY_END_OF_STREAM);
}

// A close that somebody waits for ends with the release, and what it was to send is sent all the same.
TEST_P(UnwaitedClose, SendsWhatAPendingCloseWouldHaveSent) {
  const std::string sent = fill(pair.client);
  Queue queue;
  const sally_completion completion = queue.completion(1);
  ASSERT_EQ(sally_stream_close_async(pair.client.get(), generous_ms, &completion, nullptr, nullptr),
            SALLY_OK);
  pair.client.release();
  EXPECT_EQ(queue.next()->status, SALLY_CANCELED);
  EXPECT_TRUE(pair.server.read_text(sent.size()) == sent);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST_P(UnwaitedClose, DoesNotNeedThePeersEnd) {
  ASSERT_EQ(pair.client.write("last words", SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  close(pair.client);
  EXPECT_EQ(pair.server.read_text(10), "last words");
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST_P(UnwaitedClose, EndsWhereThePeerHasGone) {
  fill(pair.client);
  close(pair.client);
  pair.server.release();
}

TEST(UnwaitedCloseByAttempt, ClosesTheStreamForItsCallers) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  std::size_t taken = 0;
  ASSERT_EQ(pair.client.write(bytes, SALLY_TIMEOUT_ATTEMPT, &taken), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(pair.client.read_status(), SALLY_CLOSED);
  EXPECT_EQ(pair.client.write("x"), SALLY_CLOSED);
  EXPECT_EQ(pair.client.close(), SALLY_OK) << "there is nothing more to close";
  EXPECT_EQ(pair.client.cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE), SALLY_OK);
  EXPECT_TRUE(pair.client.info());
  EXPECT_TRUE(pair.server.read_text(taken) == bytes.substr(0, taken));
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST(UnwaitedCloseByAttempt, IsGivenUpWhereThePeerDoesNotRead) {
  sally_listener_options options{};
  options.max_connections = 1;
  Listener listener(server_config(), options);
  const auto config = client_config();
  Pair pair = connect_pair(listener, config.get());
  ASSERT_EQ(pair.server.write(pattern(too_much), SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.server.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_OK) << "its place is free at last";
}
