// Connecting to names of several addresses, some of which do not answer.
#include "lib/raw_tcp.h"
#include "lib/stream_pair.h"
#include "socket/dialer.h"
#include "unit/transport_support.h"

#include <arpa/inet.h>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <future>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <sallyport/stream.h>

namespace {

constexpr const char* two_addresses = "two-addresses.test";

// Names that nobody has, whatever the machine's name servers say, or do not.
bool is_unknown(std::string_view host) {
  return host.ends_with(".invalid") || host == "notlocalhost";
}

}  // namespace

// One name has two addresses, whatever the machine's hosts are: 127.0.0.2, then 127.0.0.1.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** list) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host != nullptr && is_unknown(host)) return EAI_NONAME;
  if (host == nullptr || std::strcmp(host, two_addresses) != 0)
    return real(host, service, hints, list);
  if (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  addrinfo* second = nullptr;
  if (const int code = real("127.0.0.1", service, hints, &second); code != 0) return code;
  const int code = real("127.0.0.2", service, hints, list);
  if (code == 0) (*list)->ai_next = second;
  return code;
}

namespace sally::test {
namespace {

using transport::EventLoop;
using transport::test::Awaited;
using transport::test::run_on;

sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

int connect_without_waiting(const sockaddr_in& address) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return descriptor;
}

bool is_ready(int descriptor, short events, int timeout_ms) {
  pollfd polled{descriptor, events, 0};
  return ::poll(&polled, 1, timeout_ms) == 1;
}

// A port that takes connections, or, once it is full, lets them wait without an answer.
class Port {
 public:
  explicit Port(const char* host, std::uint16_t port = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_ = address_of(host, port);
    socklen_t size = sizeof address_;
    // What an earlier test has left of a connection there is no obstacle.
    const int yes = 1;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(descriptor_, 0), 0);
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address_), &size);
  }
  ~Port() {
    for (const int filler : fillers_) ::close(filler);
    ::close(descriptor_);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::uint16_t number() const { return ntohs(address_.sin_port); }
  std::string service() const { return std::to_string(number()); }

  void fill() {
    do {
      fillers_.push_back(connect_without_waiting(address_));
      ASSERT_LT(fillers_.size(), 20u) << "the backlog is never full";
    } while (is_ready(fillers_.back(), POLLOUT, 100));
    ::close(fillers_.back());  // that one would come again
    fillers_.pop_back();
  }
  // Takes in what waits, one more than was there, which is the dialer's.
  bool take_one_more() {
    for (std::size_t i = 0; i <= fillers_.size(); ++i) {
      if (!is_ready(descriptor_, POLLIN, 20'000)) return false;
      accepted_.push_back(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC));
    }
    return true;
  }
  void drop_all() {
    for (const int descriptor : accepted_) ::close(descriptor);
    accepted_.clear();
  }

 private:
  int descriptor_;
  sockaddr_in address_{};
  std::vector<int> fillers_, accepted_;
};

struct Dialed {
  bool connected = false;
  std::string peer;
  ErrorRef error;
};

// On a loop of its own, so that a test may hold that up.
class Dialing {
 public:
  Dialing(const std::string& host, const std::string& service) {
    run_on(loop_, [&] {
      dialer_ = std::make_unique<socket::Dialer>(
          loop_, host, service,
          [this](std::unique_ptr<transport::Transport> transport, ErrorRef error,
                 socket::DialReport report) {
            report_ = std::move(report);
            ++times_;
            if (times_ > 1) return;
            Dialed dialed{.connected = transport != nullptr, .peer = {}, .error = std::move(error)};
            if (transport) dialed.peer = transport->peer_address();
            dialed_.set(std::move(dialed));
          });
    });
  }
  ~Dialing() {
    run_on(loop_, [this] { dialer_.reset(); });
  }
  Dialing(const Dialing&) = delete;
  Dialing& operator=(const Dialing&) = delete;

  EventLoop& loop() { return loop_; }
  Dialed result() { return dialed_.get(); }
  int times() {
    int times = 0;
    run_on(loop_, [&] { times = times_; });
    return times;
  }

 private:
  EventLoop loop_;
  std::unique_ptr<socket::Dialer> dialer_;
  socket::DialReport report_;
  Awaited<Dialed> dialed_;
  int times_ = 0;
};

TEST(Dialer, ConnectsToTheFirstAddressThatAnswers) {
  Port second("127.0.0.1");
  Dialing dialing(two_addresses, second.service());  // nothing listens on the first
  const Dialed dialed = dialing.result();
  ASSERT_TRUE(dialed.connected);
  EXPECT_EQ(dialed.peer, "127.0.0.1:" + second.service());
}

TEST(Dialer, DoesNotWaitForAnAddressThatIsSilent) {
  Port second("127.0.0.1");
  Port first("127.0.0.2", second.number());
  first.fill();
  const auto before = transport::Clock::now();
  Dialing dialing(two_addresses, second.service());
  const Dialed dialed = dialing.result();
  const auto passed = transport::Clock::now() - before;

  ASSERT_TRUE(dialed.connected);
  EXPECT_EQ(dialed.peer, "127.0.0.1:" + second.service());
  EXPECT_GE(passed, std::chrono::milliseconds(200))
      << "RFC 8305 section 5: the first one is given a chance";
  EXPECT_LT(passed, std::chrono::seconds(20));
}

TEST(Dialer, GivesOneConnectionWhereTwoSucceedAtOnce) {
  Port second("127.0.0.1");
  Port first("127.0.0.2", second.number());
  first.fill();
  second.fill();
  Dialing dialing(two_addresses, second.service());

  // Both attempts are under way; the loop is held up until both have succeeded.
  std::promise<void> held, both;
  std::optional<transport::Timer> timer;
  run_on(dialing.loop(), [&] {
    timer.emplace(dialing.loop());
    timer->start(transport::deadline_after(400), [&] {
      held.set_value();
      both.get_future().wait();
    });
  });
  held.get_future().wait();
  EXPECT_TRUE(first.take_one_more());
  EXPECT_TRUE(second.take_one_more());
  both.set_value();

  EXPECT_TRUE(dialing.result().connected);
  transport::test::settle(dialing.loop());
  EXPECT_EQ(dialing.times(), 1);
  run_on(dialing.loop(), [&] { timer.reset(); });
}

TEST(Dialer, ThatFailsEverywhereNamesEveryAddress) {
  const UnusedPort unused;
  const std::string service = unused.service();
  Dialing dialing(two_addresses, service);
  const Dialed dialed = dialing.result();
  ASSERT_FALSE(dialed.connected);
  EXPECT_EQ(name_of(dialed.error->status()), "SALLY_CONNECTION_REFUSED");
  const std::string& message = dialed.error->message();
  EXPECT_NE(message.find("127.0.0.1:" + service + " ECONNREFUSED"), std::string::npos) << message;
  EXPECT_NE(message.find("127.0.0.2:" + service + " ECONNREFUSED"), std::string::npos) << message;
  EXPECT_NE(message.find(two_addresses), std::string::npos) << message;
  EXPECT_TRUE(dialed.error->detail().cause);
}

TEST(Dialer, ThatFindsNoHostSaysSo) {
  Dialing dialing("no-such-host.invalid", "1");
  const Dialed dialed = dialing.result();
  ASSERT_FALSE(dialed.connected);
  EXPECT_EQ(dialed.error->detail().phase, "resolve") << dialed.error->json();
}

// --- Through a stream.
// -----------------------------------------------------------------------------

Ref<socket::Stream> stream_to(const std::string& host, const std::string& service,
                              const Parties& parties = {}) {
  return make_ref<socket::Stream>(socket::Target{.host = host,
                                                 .service = service,
                                                 .peer_name = {.text = "localhost"},
                                                 .config = client_config(parties)});
}

std::string connect_status(const Ref<socket::Stream>& stream, const socket::Patience& patience) {
  return name_of(stream->connect(patience, 0).status);
}

TEST(StreamConnect, EndsAtItsDeadlineWhereNobodyAnswers) {
  Port silent("127.0.0.1");
  silent.fill();
  const auto stream = stream_to("127.0.0.1", silent.service());
  const socket::Outcome outcome = stream->connect(within(30), 0);
  EXPECT_EQ(name_of(outcome.status), "SALLY_TIMED_OUT");
  EXPECT_EQ(outcome.error->detail().phase, "connect");
  EXPECT_EQ(connect_status(stream, {}), "SALLY_CLOSED") << "a new stream is needed";
}

TEST(StreamConnect, EndsAtItsDeadlineWithinTheHandshake) {
  Port silent("127.0.0.1");
  const auto stream = stream_to("127.0.0.1", silent.service());
  const socket::Outcome outcome = stream->connect(within(2'000), 30);
  EXPECT_EQ(name_of(outcome.status), "SALLY_TIMED_OUT");
  EXPECT_EQ(outcome.error->detail().phase, "handshake");
  EXPECT_EQ(outcome.error->detail().address, "127.0.0.1:" + silent.service());
  EXPECT_EQ(outcome.error->detail().correlation_id.size(), 16u);
}

TEST(StreamConnect, IsEndedByCancelAndCloseInBothOfItsPhases) {
  for (const bool full : {true, false}) {
    for (const bool cancel : {true, false}) {
      Port silent("127.0.0.1");
      if (full) silent.fill();
      const auto stream = stream_to("127.0.0.1", silent.service());
      auto connecting = start([&] { return connect_status(stream, {}); });
      if (!full) {
        EXPECT_TRUE(silent.take_one_more());
      }
      while (!is_over(connecting, std::chrono::milliseconds(1))) {
        if (cancel)
          stream->cancel(SALLY_DIRECTION_READ);
        else if (connecting.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
          close(*stream, {});
      }
      EXPECT_EQ(awaited(connecting), cancel ? "SALLY_CANCELED" : "SALLY_CLOSED");
    }
  }
}

TEST(StreamConnect, IsInterruptedByAServerThatCloses) {
  Port silent("127.0.0.1");
  const auto stream = stream_to("127.0.0.1", silent.service());
  auto connecting = start([&] { return connect_status(stream, {}); });
  EXPECT_TRUE(silent.take_one_more());
  silent.drop_all();
  const std::string status = awaited(connecting);
  EXPECT_TRUE(status == "SALLY_HANDSHAKE_INTERRUPTED" || status == "SALLY_CONNECTION_RESET")
      << status;
}

}  // namespace
}  // namespace sally::test
