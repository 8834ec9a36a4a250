// Streams of which OpenSSL has half a message: readers and writers wait for the same rest.
#include "lib/raw_peer.h"
#include "lib/stream_pair.h"
#include "unit/forwarding_transport.h"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>

#include <sallyport/stream.h>

namespace sally::test {
namespace {

using socket::Patience;

thread_local bool always_too_late = false;

// Of two threads that wait for one thing the system may run one so late that the other has taken
// all of it: this thread then sees nothing to be ready.
class Late final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  transport::WaitResult wait(transport::Interest interest, transport::Deadline deadline,
                             transport::Waker& waker) noexcept override {
    if (!always_too_late) return Forwarding::wait(interest, deadline, waker);
    ++waiting;
    return waker.wait(deadline) ? transport::WaitResult::woken : transport::WaitResult::timed_out;
  }
  static inline std::atomic<int> waiting{0};
};

// Established; then the first 600 bytes of a session ticket have come, which is larger than a
// record.
struct HalfATicketPair {
  explicit HalfATicketPair(bool late = false) {
    EXPECT_TRUE(pair.shake_hands());
    pair.peer().transport().set_faults({.stall_at = pair.peer().transport().sent() + 600});
    pair.peer().call([](SSL* ssl) {
      SSL_new_session_ticket(ssl);
      return SSL_do_handshake(ssl);
    });
    EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");  // OpenSSL has the half
    if (!late) {
      ours = make_stream(pair.ours());
      return;
    }
    auto session = pair.ours().take_session();
    auto transport = std::make_unique<Late>(pair.ours().take_transport());
    ours.stream = make_ref<socket::Stream>(std::move(transport), std::move(session));
  }
  ~HalfATicketPair() { ours->abandon(); }

  MixedPair pair{
      client_config({.client = "client-good-rsa-issuer"})->freeze(), [](SSL_CTX* context) {
        use_version(context, TLS1_3_VERSION);
        use_certificate(context, zoo("server-good"));
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_max_send_fragment(context, 512);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
      }};
  StreamEnd ours;
};

TEST(StreamHalfMessage, HoldsAWriterUpOnlyUntilTheReaderHasTakenInTheRest) {
  for (int round = 0; round < 50; ++round) {
    HalfATicketPair half;
    auto reading = start([&] { return read(*half.ours, within(20'000)); });
    auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
    if (round % 2 == 0) static_cast<void>(writing.wait_for(std::chrono::milliseconds(2)));
    half.pair.peer().transport().resume();
    EXPECT_EQ(awaited(writing), "SALLY_OK") << "round " << round;
    EXPECT_EQ(half.pair.peer().read_all(), "hello");
    EXPECT_TRUE(half.pair.peer().write("answer"));
    EXPECT_EQ(awaited(reading).text, "answer");
  }
}

TEST(StreamHalfMessage, LeavesAReaderTheDataThatAWriterTookIn) {
  for (int round = 0; round < 50; ++round) {
    HalfATicketPair half;
    half.pair.peer().write("behind the ticket");
    auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
    auto reading = start([&] { return read(*half.ours, within(20'000)); });
    if (round % 2 == 0) static_cast<void>(reading.wait_for(std::chrono::milliseconds(2)));
    half.pair.peer().transport().resume();
    EXPECT_EQ(awaited(reading).text, "behind the ticket") << "round " << round;
    EXPECT_EQ(awaited(writing), "SALLY_OK");
  }
}

TEST(StreamHalfMessage, WakesAWriterThatIsTooLateForTheRest) {
  HalfATicketPair half(/*late=*/true);
  Late::waiting = 0;
  auto writing = start([&] {
    always_too_late = true;
    return write(*half.ours, "hello", within(20'000)).status();
  });
  while (Late::waiting == 0) std::this_thread::yield();
  auto reading = start([&] { return read(*half.ours, within(20'000)); });
  half.pair.peer().transport().resume();
  EXPECT_EQ(awaited(writing), "SALLY_OK");
  EXPECT_TRUE(half.pair.peer().write("answer"));
  EXPECT_EQ(awaited(reading).text, "answer");
}

TEST(StreamHalfMessage, WakesAReaderThatIsTooLateForWhatAWriterTookIn) {
  HalfATicketPair half(/*late=*/true);
  half.pair.peer().write("behind the ticket");
  Late::waiting = 0;
  auto reading = start([&] {
    always_too_late = true;
    return read(*half.ours, within(20'000));
  });
  while (Late::waiting == 0) std::this_thread::yield();
  auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
  half.pair.peer().transport().resume();
  EXPECT_EQ(awaited(writing), "SALLY_OK");
  const ReadResult got = awaited(reading);
  EXPECT_EQ(got.text, "behind the ticket") << got.status();
}

TEST(StreamHalfMessage, IsWhatAnAttemptToWriteWaitsFor) {
  HalfATicketPair half;
  EXPECT_EQ(write(*half.ours, "hello", Patience::none()).status(), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(half.ours->lent_interest(SALLY_DIRECTION_WRITE), unsigned{SALLY_DIRECTION_READ});
  EXPECT_EQ(half.ours->lent_interest(SALLY_DIRECTION_READ), unsigned{SALLY_DIRECTION_READ});
  half.pair.peer().transport().resume();
  EXPECT_EQ(write(*half.ours, "hello", Patience::none()).status(), "SALLY_OK");
  EXPECT_EQ(half.pair.peer().read_all(), "hello");
}

}  // namespace
}  // namespace sally::test
