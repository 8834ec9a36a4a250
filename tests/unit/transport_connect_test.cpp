#include "lib/raw_tcp.h"
#include "transport/descriptor.h"
#include "transport_support.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace sally::transport::test {
namespace {

Endpoint ipv4(std::uint16_t port) {
  return resolve("127.0.0.1", std::to_string(port), false).endpoints.at(0);
}

TEST(ConnectAttempt, HandsOverAConnection) {
  EventLoop loop;
  Acceptor acceptor(loop, loopback(), 0);
  const Connected connected = connect(loop, acceptor.endpoint());
  ASSERT_TRUE(connected.transport);
  EXPECT_EQ(connected.transport->peer_address(), to_string(acceptor.endpoint()));
  EXPECT_EQ(&connected.transport->loop(), &loop);
}

TEST(ConnectAttempt, SaysWhichAddressRefusedIt) {
  EventLoop loop;
  const sally::test::UnusedPort unused;
  const Endpoint nobody = ipv4(unused.port());
  const auto before = open_descriptors();
  const ErrorRef error = connect(loop, nobody).error;
  ASSERT_TRUE(error);
  EXPECT_EQ(error->status(), SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(error->detail().native_code, ECONNREFUSED);
  EXPECT_EQ(error->detail().address, to_string(nobody));
  EXPECT_EQ(error->detail().phase, "connect");
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ConnectAttempt, ReportsWhatFailsAtOnceLaterToo) {
  EventLoop loop;
  Endpoint nonsense = ipv4(1);
  nonsense.size = 1;
  EXPECT_EQ(connect(loop, nonsense).error->detail().native_code, EINVAL);
}

TEST(ConnectAttempt, CallsNobodyOnceItIsDestroyed) {
  EventLoop loop;
  Acceptor acceptor(loop, loopback(), 0);
  const auto before = open_descriptors();
  int calls = 0;
  run_on(loop, [&] {
    const auto count = [&](auto, auto) { ++calls; };
    ConnectAttempt succeeding(loop, acceptor.endpoint(), count);
    Endpoint nonsense = ipv4(1);
    nonsense.size = 1;
    ConnectAttempt failing(loop, nonsense, count);
  });
  settle(loop);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ConnectAttempt, MayBeDestroyedByItsOwnAnswer) {
  EventLoop loop;
  Acceptor acceptor(loop, loopback(), 0);
  Awaited<bool> done;
  std::unique_ptr<ConnectAttempt> attempt;
  run_on(loop, [&] {
    attempt =
        std::make_unique<ConnectAttempt>(loop, acceptor.endpoint(), [&](auto transport, auto) {
          attempt.reset();
          done.set(transport != nullptr);
        });
  });
  EXPECT_TRUE(done.get());
}

void turn_loopback_on() {
  const Descriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ::ioctl(control.get(), SIOCSIFFLAGS, &request);
}

bool plain_socket_meets_itself(std::uint16_t port) {
  const Descriptor plain(::socket(AF_INET, SOCK_STREAM, 0));
  const linger at_once{1, 0};  // or else the port is taken for a while
  ::setsockopt(plain.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const Endpoint endpoint = ipv4(port);
  return ::connect(plain.get(), endpoint.address(), endpoint.size) == 0;
}

// In a network of its own, where the system has only two ports to choose from.
int count_refused_meetings() {
  constexpr int impossible = 77;
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return impossible;
  turn_loopback_on();
  std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "40000 40001" << std::flush;
  int met = 0;
  EventLoop loop;
  for (int turn = 0; turn < 8; ++turn) {
    for (const std::uint16_t port : {std::uint16_t{40000}, std::uint16_t{40001}}) {
      if (plain_socket_meets_itself(port)) ++met;
      const Connected connected = connect(loop, ipv4(port));
      if (connected.transport) return 1;
      if (connected.error->status() != SALLY_CONNECTION_REFUSED) return 2;
    }
  }
  return met > 0 ? 0 : impossible;
}

TEST(ConnectAttempt, IsRefusedWhenTcpWouldConnectItWithItself) {
  if (!child_may_start_threads) GTEST_SKIP() << "needs a thread in a forked child";
  const int answer = in_child(count_refused_meetings);
  if (answer == 77) GTEST_SKIP() << "needs a network namespace in which a socket can meet itself";
  EXPECT_EQ(answer, 0);
}

class AcceptorTest : public ::testing::Test {
 protected:
  EventLoop loop;
};

TEST_F(AcceptorTest, KnowsTheRealPort) {
  const Acceptor acceptor(loop, loopback(), 0);
  EXPECT_NE(acceptor.endpoint().port(), 0);
  EXPECT_EQ(to_string(acceptor.endpoint()),
            "127.0.0.1:" + std::to_string(acceptor.endpoint().port()));
}

TEST_F(AcceptorTest, AnswersWouldBlockWhenNobodyCame) {
  Acceptor acceptor(loop, loopback(), 0);
  run_on(loop, [&] {
    const Acceptor::Accepted accepted = acceptor.try_accept();
    EXPECT_EQ(accepted.state, TransferState::would_block);
    EXPECT_EQ(accepted.transport, nullptr);
  });
}

TEST_F(AcceptorTest, SaysWhichAddressIsInUse) {
  const Acceptor acceptor(loop, loopback(), 0);
  try {
    const Acceptor second(loop, acceptor.endpoint(), 0);
    FAIL() << "the address is in use";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.error()->status(), SALLY_ADDRESS_IN_USE);
    EXPECT_EQ(failure.error()->detail().native_code, EADDRINUSE);
    EXPECT_EQ(failure.error()->detail().address, to_string(acceptor.endpoint()));
  }
}

TEST_F(AcceptorTest, TakesIpv4AsWellOnTheIpv6Wildcard) {
  const Endpoint wildcard = resolve("::", "0", true).endpoints.at(0);
  std::optional<Acceptor> acceptor;
  try {
    acceptor.emplace(loop, wildcard, 0);
  } catch (const Failure&) {
    GTEST_SKIP() << "no IPv6 here";
  }
  const Connected connected = connect(loop, ipv4(acceptor->endpoint().port()));
  ASSERT_TRUE(connected.transport);
  EXPECT_EQ(accept(loop, *acceptor)->peer_address(),
            "[::ffff:127.0.0.1]:" + std::to_string([&] {
              const std::string address = connected.transport->local_address();
              return std::stoi(address.substr(address.rfind(':') + 1));
            }()));
}

TEST_F(AcceptorTest, ReportsThatNoDescriptorIsLeft) {
  Acceptor acceptor(loop, loopback(), 0);
  const Connected waiting = connect(loop, acceptor.endpoint());
  Told ready(loop);
  run_on(loop, [&] { acceptor.wait_async(ready); });
  ready.get();
  EXPECT_EQ(in_child([&] {
              const int next = ::dup(0);
              ::close(next);
              const rlimit none{static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
              ::setrlimit(RLIMIT_NOFILE, &none);
              const Acceptor::Accepted accepted = acceptor.try_accept();
              return accepted.state == TransferState::failed && accepted.error_number == EMFILE ? 0
                                                                                                : 1;
            }),
            0);
  EXPECT_TRUE(accept(loop, acceptor)) << "it is still there for who has a descriptor";
}

TEST_F(AcceptorTest, WakesItsWaiterWhenClosedButNotInsideTheCall) {
  Acceptor acceptor(loop, loopback(), 0);
  Told told(loop);
  run_on(loop, [&] {
    acceptor.wait_async(told);
    acceptor.close();
    EXPECT_EQ(told.times(), 0U);
    EXPECT_EQ(acceptor.try_accept().error_number, ENOTCONN);
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
  EXPECT_TRUE(connect(loop, acceptor.endpoint()).error);
}

TEST_F(AcceptorTest, WakesItsWaiterWhenDestroyed) {
  auto acceptor = std::make_unique<Acceptor>(loop, loopback(), 0);
  const auto before = open_descriptors();
  Told told(loop);
  run_on(loop, [&] {
    acceptor->wait_async(told);
    acceptor.reset();
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
  EXPECT_EQ(open_descriptors().size(), before.size() - 1);
}

TEST_F(AcceptorTest, CanBeClosedInAChildWithoutHarmToItsParent) {
  Acceptor acceptor(loop, loopback(), 0);
  Told told(loop);
  run_on(loop, [&] { acceptor.wait_async(told); });
  EXPECT_EQ(in_child([&] {
              const auto before = open_descriptors();
              acceptor.close_in_child();
              return open_descriptors().size() == before.size() - 1 ? 0 : 1;
            }),
            0);
  const Connected connected = connect(loop, acceptor.endpoint());
  EXPECT_EQ(told.get(), WaitResult::ready);
}

}  // namespace
}  // namespace sally::transport::test
