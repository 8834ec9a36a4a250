// Streams whose program waits with a poller of its own, and only attempts: sally_stream_fd.
#include "abi/trust_change_support.h"
#include "lib/async.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/too_much.h"
#include "lib/zoo.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace sally::test;

namespace {

int descriptor(const Stream& stream) {
  std::intptr_t fd = -1;
  EXPECT_EQ(sally_stream_fd(stream.get(), &fd, nullptr), SALLY_OK);
  return static_cast<int>(fd);
}

// Whether it becomes ready in time for what the stream says that the direction waits for.
bool becomes_ready(const Stream& stream, std::uint32_t direction,
                   std::int64_t timeout_ms = generous_ms) {
  const bool reads = sally_stream_fd_interest(stream.get(), direction) == SALLY_DIRECTION_READ;
  pollfd polled{descriptor(stream), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
  return ::poll(&polled, 1, static_cast<int>(timeout_ms)) == 1;
}

// Writes until nothing more is taken; how much was.
std::size_t write_all_that_fits(Stream& stream, const std::string& bytes) {
  std::size_t all = 0;
  while (all < bytes.size()) {
    std::size_t taken = 0;
    const Result result =
        stream.write(std::string_view(bytes).substr(all), SALLY_TIMEOUT_ATTEMPT, &taken);
    all += taken;
    if (result.ok()) continue;
    EXPECT_EQ(result, SALLY_WOULD_BLOCK);
    return all;
  }
  ADD_FAILURE() << "everything was taken";
  return all;
}

// Until nothing of the handshake is on its way any more, as TLS 1.3's tickets are when it is over.
void settle(Pair& pair) {
  ASSERT_EQ(pair.client.write("?"), SALLY_OK);
  ASSERT_EQ(pair.server.read_text(1), "?");
  ASSERT_EQ(pair.server.write("!"), SALLY_OK);
  ASSERT_EQ(pair.client.read_text(1), "!");
}

// An edge-triggered poller, as a language's runtime has one.
class EdgePoller {
 public:
  explicit EdgePoller(int watched) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    EXPECT_EQ(::epoll_ctl(descriptor_, EPOLL_CTL_ADD, watched, &event), 0);
  }
  ~EdgePoller() { ::close(descriptor_); }
  EdgePoller(const EdgePoller&) = delete;
  EdgePoller& operator=(const EdgePoller&) = delete;
  // False where no edge comes.
  bool wait() const {
    epoll_event event{};
    return ::epoll_wait(descriptor_, &event, 1, static_cast<int>(generous_ms)) == 1;
  }

 private:
  const int descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
};

// Sends all of `bytes` and reads as many, both at once, on one thread.
std::string exchange(Stream& stream, const std::string& bytes) {
  const EdgePoller poller(descriptor(stream));
  std::string came;
  std::size_t sent = 0;
  std::array<char, 50'000> buffer{};
  while (came.size() < bytes.size() || sent < bytes.size()) {
    std::size_t moved = 0;
    const sally_status read = sally_stream_read_some(stream.get(), buffer.data(), buffer.size(),
                                                     &moved, SALLY_TIMEOUT_ATTEMPT, nullptr);
    came.append(buffer.data(), moved);
    std::size_t taken = 0;
    sally_status written = SALLY_WOULD_BLOCK;
    if (sent < bytes.size()) {
      written = sally_stream_write(stream.get(), bytes.data() + sent,
                                   std::min<std::size_t>(bytes.size() - sent, 70'000), 0, &taken,
                                   SALLY_TIMEOUT_ATTEMPT, nullptr);
      sent += taken;
    }
    if (read == SALLY_OK || written == SALLY_OK) continue;
    if (read != SALLY_WOULD_BLOCK || written != SALLY_WOULD_BLOCK) break;
    if (came.size() == bytes.size() && sent == bytes.size()) break;
    if (!poller.wait()) {
      ADD_FAILURE() << "no edge came; " << came.size() << " read, " << sent << " written";
      break;
    }
  }
  return came;
}

// How often the library's threads have waited.
std::int64_t waits_of_the_library() {
  std::int64_t all = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (name.rfind("sallyport", 0) != 0) continue;
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      const std::string key = "voluntary_ctxt_switches:";
      if (line.rfind(key, 0) == 0) all += std::stoll(line.substr(key.size()));
    }
  }
  return all;
}

enum class Under { plain, tls_1_2, tls_1_3 };
constexpr std::array under_names{"Plain", "Tls12", "Tls13"};

// The parameters: what protects the stream, and whether its end is the accepted one.
class OwnPoller : public testing::TestWithParam<std::tuple<Under, bool>> {
 protected:
  static Pair make() {
    const Under under = std::get<0>(GetParam());
    if (under == Under::plain) return plain_pair();
    return tls_pair(under == Under::tls_1_2 ? SALLY_TLS_1_2 : SALLY_TLS_1_3);
  }
  Pair pair = make();
  Stream& ours = std::get<1>(GetParam()) ? pair.server : pair.client;
  Stream& peer = std::get<1>(GetParam()) ? pair.client : pair.server;
};
INSTANTIATE_TEST_SUITE_P(
    Streams, OwnPoller,
    testing::Combine(testing::Values(Under::plain, Under::tls_1_2, Under::tls_1_3),
                     testing::Bool()),
    [](const auto& each) {
      return std::string(under_names[static_cast<std::size_t>(std::get<0>(each.param))]) +
             (std::get<1>(each.param) ? "Accepted" : "Connected");
    });

}  // namespace

TEST_P(OwnPoller, SeesWhenAReadIsWorthRepeating) {
  settle(pair);
  std::uint32_t ready = 0;
  ASSERT_EQ(ours.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_EQ(sally_stream_fd_interest(ours.get(), SALLY_DIRECTION_READ),
            unsigned{SALLY_DIRECTION_READ});
  EXPECT_FALSE(becomes_ready(ours, SALLY_DIRECTION_READ, short_ms));
  ASSERT_EQ(peer.write("one\ntwo\n"), SALLY_OK);
  ASSERT_TRUE(becomes_ready(ours, SALLY_DIRECTION_READ));
  std::array<char, 16> line{};
  std::size_t size = 0;
  ASSERT_EQ(sally_stream_read_until(ours.get(), line.data(), line.size(), "\n", 1, &size,
                                    SALLY_TIMEOUT_ATTEMPT, nullptr),
            SALLY_OK);
  EXPECT_FALSE(becomes_ready(ours, SALLY_DIRECTION_READ, 0)) << "the rest is inside: attempt first";
  EXPECT_EQ(
      sally_stream_wait(ours.get(), SALLY_DIRECTION_READ, &ready, SALLY_TIMEOUT_ATTEMPT, nullptr),
      SALLY_OK);
  EXPECT_EQ(ours.read_text(4, SALLY_TIMEOUT_ATTEMPT), "two\n");

  ASSERT_EQ(
      sally_stream_wait(ours.get(), SALLY_DIRECTION_READ, &ready, SALLY_TIMEOUT_ATTEMPT, nullptr),
      SALLY_WOULD_BLOCK);
  EXPECT_FALSE(becomes_ready(ours, SALLY_DIRECTION_READ, 0));
  ASSERT_EQ(peer.shutdown(), SALLY_OK);
  ASSERT_TRUE(becomes_ready(ours, SALLY_DIRECTION_READ)) << "an end counts";
  EXPECT_EQ(ours.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_END_OF_STREAM);
}

TEST_P(OwnPoller, SeesWhenAWriteIsWorthRepeating) {
  const std::string bytes = pattern(too_much);
  std::size_t sent = write_all_that_fits(ours, bytes);
  EXPECT_EQ(sally_stream_fd_interest(ours.get(), SALLY_DIRECTION_WRITE),
            unsigned{SALLY_DIRECTION_WRITE});
  // For as long as the system makes room: its buffers grow, and acknowledgements come later.
  for (const StopWatch watch; becomes_ready(ours, SALLY_DIRECTION_WRITE, short_ms);) {
    ASSERT_LT(watch.milliseconds(), generous_ms) << "nobody reads, and yet it is ready";
    sent += write_all_that_fits(ours, bytes.substr(sent));
  }
  auto reading = on_thread([&] { return peer.read_text(sent + 4); });
  ASSERT_TRUE(becomes_ready(ours, SALLY_DIRECTION_WRITE));
  // With an edge, or level, that came too early it is attempted again.
  while (ours.write("last", SALLY_TIMEOUT_ATTEMPT) == SALLY_WOULD_BLOCK) {
    ASSERT_TRUE(becomes_ready(ours, SALLY_DIRECTION_WRITE));
  }
  EXPECT_EQ(reading.get(), bytes.substr(0, sent) + "last");
}

TEST_P(OwnPoller, NeedsNoCallForWhatWasTakenToBeSent) {
  const std::string bytes = pattern(too_much);
  const std::size_t sent = write_all_that_fits(ours, bytes);
  descriptor(ours);
  EXPECT_EQ(peer.read_text(sent), bytes.substr(0, sent));
}

TEST_P(OwnPoller, MovesMuchBothWaysByEdgesAlone) {
  const std::string bytes = pattern(too_much, 1);
  const std::string answer = pattern(too_much, 2);
  auto other_end = on_thread([&] { return exchange(peer, answer); });
  EXPECT_TRUE(exchange(ours, bytes) == answer);
  EXPECT_TRUE(other_end.get() == bytes);
}

TEST_P(OwnPoller, WakesNoThreadOfTheLibrary) {
  const auto round = [&] {
    ASSERT_EQ(peer.write("ping", SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
    while (ours.read_status(SALLY_TIMEOUT_ATTEMPT) == SALLY_WOULD_BLOCK) {
      ASSERT_TRUE(becomes_ready(ours, SALLY_DIRECTION_READ));
    }
  };
  // The loop watches it from the first asynchronous wait on, and has to let go of it.
  Queue queue;
  const sally_completion done = queue.completion(1);
  ASSERT_EQ(sally_stream_wait_async(ours.get(), SALLY_DIRECTION_READ, 0, &done, nullptr, nullptr),
            SALLY_OK);
  let_review(ours);  // its loop has got to the wait
  ASSERT_EQ(peer.write("x"), SALLY_OK);
  ASSERT_EQ(queue.next()->status, SALLY_OK);
  ASSERT_EQ(ours.read_text(1), "x");
  descriptor(ours);
  for (int i = 0; i < 10; ++i) round();
  const std::int64_t before = waits_of_the_library();
  for (int i = 0; i < 200; ++i) round();
  EXPECT_LT(waits_of_the_library() - before, 20);
}

TEST_P(OwnPoller, GetsTheSameDescriptorUntilTheStreamIsClosed) {
  const int first = descriptor(ours);
  EXPECT_GE(first, 0);
  EXPECT_EQ(descriptor(ours), first);
  ASSERT_EQ(ours.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  std::intptr_t fd = -1;
  EXPECT_EQ(sally_stream_fd(ours.get(), &fd, nullptr), SALLY_CLOSED);
  EXPECT_EQ(fd, -1);
  EXPECT_EQ(sally_stream_fd_interest(ours.get(), SALLY_DIRECTION_READ), 0u);
}

TEST_P(OwnPoller, MayDuplicateTheDescriptorAndStillEndTheConnectionByClosing) {
  const int copy = ::dup(descriptor(ours));
  ASSERT_GE(copy, 0);
  ours.release();
  EXPECT_EQ(peer.read_status(), SALLY_END_OF_STREAM);
  // TCP's end, not only that of TLS.
  const int other = descriptor(peer);
  char byte = 0;
  pollfd polled{other, POLLIN | POLLRDHUP, 0};
  ASSERT_EQ(::poll(&polled, 1, static_cast<int>(generous_ms)), 1);
  EXPECT_LE(::recv(other, &byte, 1, MSG_PEEK), 0);
  ::close(copy);
}

TEST(OwnPollerOfAnUpgrade, KeepsItsDescriptor) {
  Pair pair = plain_pair();
  const int before = descriptor(pair.client);
  const auto server = server_config();
  auto upgrading = on_thread([&] {
    return called([&](sally_error** error) {
      return sally_stream_upgrade(pair.server.get(), server.get(), nullptr, generous_ms, error);
    });
  });
  const auto client = client_config();
  ASSERT_EQ(
      sally_stream_upgrade(pair.client.get(), client.get(), "localhost", generous_ms, nullptr),
      SALLY_OK);
  ASSERT_EQ(upgrading.get(), SALLY_OK);
  EXPECT_EQ(descriptor(pair.client), before);
  ASSERT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_TRUE(becomes_ready(pair.client, SALLY_DIRECTION_READ));
}

// The number must not become another socket's while the program watches it.
TEST(OwnPollerOfADroppedStream, KeepsItsDescriptorAndIsWoken) {
  const auto trust = Zoo::trust("ca-root");
  const auto other = Zoo::trust("ca-other");
  const auto client = trusting(client_config({.credential = "client-good", .trust = ""}),
                               trust.get(), SALLY_TRUST_CHANGE_DROP);
  Listener listener(server_config());
  Pair pair = connect_pair(listener, client.get());
  settle(pair);
  const int fd = descriptor(pair.client);
  struct stat before {};
  ASSERT_EQ(::fstat(fd, &before), 0);
  ASSERT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  pollfd polled{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&polled, 1, static_cast<int>(generous_ms)), 1);
  // Behind a lock of the library: ThreadSanitizer does not know that poll() came after its connect().
  expect_no_longer_trusted(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT),
                           SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  struct stat after {};
  ASSERT_EQ(::fstat(fd, &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(pair.server.read_status(), SALLY_CONNECTION_RESET);
  std::intptr_t late = -1;
  EXPECT_EQ(sally_stream_fd(pair.client.get(), &late, nullptr), SALLY_CERTIFICATE_UNKNOWN_CA);
  pair.client.release();
}
