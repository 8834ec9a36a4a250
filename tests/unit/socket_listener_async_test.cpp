// Listeners: asynchronous forms, limits for connections, draining, several loops, plain streams.
#include "lib/async_stream.h"
#include "lib/no_descriptors.h"
#include "lib/raw_tcp.h"
#include "socket/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sally::test {
namespace {

using socket::Listener;
using socket::ListenerLimits;
using socket::ListenerOperation;
using socket::ListenerSetup;
using socket::ListenerVerb;
using socket::Patience;
using socket::Verb;

ListenerSetup on_loops(std::size_t loops, const ListenerLimits& extra = {}) {
  ListenerLimits limits = extra;
  limits.handshake_timeout_ms = 20'000;
  limits.pending_handshakes = 1000;
  limits.unaccepted = 1000;
  limits.refusals = 100;
  return {.host = "127.0.0.1",
          .service = "0",
          .config = server_config({}),
          .limits = limits,
          .runtime = transport::Runtime::with_threads(loops)};
}

// A started operation on a listener.
class Asked {
 public:
  Asked(Listener& listener, ListenerVerb verb, transport::Deadline deadline = transport::never) {
    operation_ = make_ref<ListenerOperation>(Ref<Listener>::share(&listener), verb, deadline,
                                             socket::told([this](auto&) {
                                               EXPECT_FALSE(told_.exchange(true));
                                               done_.set_value();
                                             }));
    try {
      listener.submit(operation_);
    } catch (const Failure& failure) {
      operation_->outcome = failure.error();
      done_.set_value();
    }
  }
  ~Asked() {
    operation_->cancel();
    wait();
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  std::string status() {
    wait();
    return name_of(operation_->outcome.status);
  }
  Ref<socket::Stream> stream() {
    wait();
    return std::exchange(operation_->accepted, {});
  }
  const ErrorRef& refusal() {
    wait();
    return operation_->refusal;
  }
  bool is_over() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  void cancel() { operation_->cancel(); }

 private:
  void wait() {
    if (future_.wait_for(too_long) != std::future_status::ready) std::abort();
  }

  std::promise<void> done_;
  std::shared_future<void> future_ = done_.get_future().share();
  std::atomic<bool> told_{false};
  Ref<ListenerOperation> operation_;
};

// Of the loopback network; other tests that run at the same time take none of its ports.
std::string address_of_this_process() {
  const auto number = static_cast<unsigned>(::getpid());
  return "127." + std::to_string(1 + (number >> 16) % 254) + '.' +
         std::to_string((number >> 8) % 256) + '.' + std::to_string(1 + number % 254);
}

Ref<socket::Stream> client_of(const Listener& listener, bool secured = true,
                              const std::string& host = "127.0.0.1") {
  static const auto config = client_config({});
  return make_ref<socket::Stream>(socket::Target{.host = host,
                                                 .service = std::to_string(listener.port()),
                                                 .peer_name = {.text = "localhost"},
                                                 .config = secured ? config : Ref<tls::Config>()});
}

class AsyncListener : public testing::Test {
 protected:
  Listener& listen(ListenerSetup setup) {
    listener = Listener::bind(std::move(setup));
    return *listener;
  }
  Ref<socket::Stream> connected(bool secured = true) {
    auto stream = client_of(*listener, secured);
    EXPECT_EQ(name_of(stream->connect(within(20'000), 0).status), "SALLY_OK");
    clients.push_back(stream);
    return stream;
  }
  Ref<socket::Stream> accepted() {
    Ref<socket::Stream> stream;
    EXPECT_EQ(name_of(listener->accept(within(20'000), stream).status), "SALLY_OK");
    servers.push_back(stream);
    return stream;
  }
  ~AsyncListener() override {
    for (const auto& stream : clients) stream->abandon();
    for (const auto& stream : servers) stream->abandon();
    if (listener) listener->close();
  }

  Ref<Listener> listener;
  std::vector<Ref<socket::Stream>> clients, servers;
};

TEST_F(AsyncListener, AcceptsTheNextClientAndThoseThatCameBefore) {
  listen(on_loops(1));
  {
    Asked accept(*listener, ListenerVerb::accept);
    connected();
    ASSERT_EQ(accept.status(), "SALLY_OK");
    servers.push_back(accept.stream());
  }
  connected();
  Asked later(*listener, ListenerVerb::accept);
  ASSERT_EQ(later.status(), "SALLY_OK");
  servers.push_back(later.stream());
  write(*clients.back(), "hello");
  EXPECT_EQ(start_read(*servers.back()).text(), "hello");
}

TEST_F(AsyncListener, TellsARefusalToWhoAsks) {
  listen(on_loops(1));
  Asked asked(*listener, ListenerVerb::refusal);
  RawSocket nobody = RawSocket::connect(listener->port());
  nobody.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_EQ(asked.status(), "SALLY_OK");
  EXPECT_EQ(name_of(asked.refusal()->status()), "SALLY_PEER_SPEAKS_HTTP");
}

TEST_F(AsyncListener, EndsWhatWaitsByCancelDeadlineAndClose) {
  listen(on_loops(2));
  for (const ListenerVerb verb : {ListenerVerb::accept, ListenerVerb::refusal}) {
    Asked cancelled(*listener, verb), late(*listener, verb, after(10));
    EXPECT_FALSE(cancelled.is_over());
    cancelled.cancel();
    EXPECT_EQ(cancelled.status(), "SALLY_CANCELED");
    EXPECT_EQ(late.status(), "SALLY_TIMED_OUT");
  }
  Asked accept(*listener, ListenerVerb::accept), refusal(*listener, ListenerVerb::refusal);
  listener->close();
  EXPECT_EQ(accept.status(), "SALLY_CLOSED");
  EXPECT_EQ(refusal.status(), "SALLY_CLOSED");
  EXPECT_EQ(Asked(*listener, ListenerVerb::accept).status(), "SALLY_CLOSED");
}

TEST_F(AsyncListener, LosesNoStreamToARaceOfCancelAndAccept) {
  listen(on_loops(2));
  for (int round = 0; round < 50; ++round) {
    Asked accept(*listener, ListenerVerb::accept);
    auto connecting = start([&] { return connected(); });
    accept.cancel();
    const std::string status = accept.status();
    awaited(connecting);
    if (status == "SALLY_OK")
      servers.push_back(accept.stream());
    else
      accepted();
    write(*clients.back(), "x");
    EXPECT_EQ(read(*servers.back(), within(20'000)).text, "x");
  }
}

TEST_F(AsyncListener, OnSeveralLoopsServesClientsOnAllOfThem) {
  listen(on_loops(4));
  for (int i = 0; i < 64; ++i) {
    connected();
    write(*clients.back(), "hello");
    EXPECT_EQ(read(*accepted(), within(20'000)).text, "hello");
  }
  // Told by the threads that completions run on.
  std::set<std::thread::id> threads;
  std::mutex mutex;
  std::vector<Started> reads;
  for (const auto& stream : servers) {
    std::promise<void> noted;
    auto operation = make_ref<socket::StreamOperation>(
        stream, socket::Request{.verb = Verb::flush}, transport::never, socket::told([&](auto&) {
          {
            const std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
          }
          noted.set_value();
        }));
    stream->submit(operation);
    noted.get_future().get();
  }
  EXPECT_GE(threads.size(), 3u) << "64 clients on 4 loops";
}

TEST_F(AsyncListener, OnSeveralLoopsRefusesATakenPort) {
  listen(on_loops(2));
  ListenerSetup second = on_loops(2);
  second.service = std::to_string(listener->port());
  try {
    Listener::bind(std::move(second))->close();
    FAIL() << "bound twice";
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_ADDRESS_IN_USE");
  }
}

TEST_F(AsyncListener, ClosedLeavesItsAddressToOthersAtOnce) {
  const std::string host = address_of_this_process();
  for (int round = 0; round < 100; ++round) {
    ListenerSetup setup = on_loops(2);
    setup.host = host;
    if (listener) setup.service = std::to_string(listener->port());
    listen(std::move(setup));
    listener->close();
    EXPECT_FALSE(client_of(*listener, true, host)->connect(within(20'000), 0).ok());
  }
}

TEST_F(AsyncListener, LetsFurtherClientsWaitWhereTheLimitIsReached) {
  listen(on_loops(1, {.live = 2}));
  connected();
  connected();
  accepted();
  accepted();
  auto third = client_of(*listener);
  auto connecting = start([&] { return name_of(third->connect(within(20'000), 0).status); });
  EXPECT_FALSE(is_over(connecting, std::chrono::milliseconds(50)));
  servers[0]->abandon();
  EXPECT_EQ(awaited(connecting), "SALLY_OK");
  third->abandon();
}

TEST_F(AsyncListener, NeverAdmitsMoreThanItMayHoweverManyLoopsAccept) {
  constexpr std::size_t limit = 2;
  for (int round = 0; round < 10; ++round) {
    listen(on_loops(4, {.live = limit}));
    std::vector<std::future<std::string>> connecting;
    for (int i = 0; i < 12; ++i) {
      connecting.push_back(start([client = client_of(*listener)] {
        const auto outcome = client->connect(within(20'000), 0);
        read(*client, within(20'000));  // until it is let go of
        client->abandon();
        return name_of(outcome.status);
      }));
    }
    for (std::size_t i = 0; i < connecting.size(); ++i) {
      accepted();
      if (servers.size() < limit) continue;
      Ref<socket::Stream> beyond;
      EXPECT_EQ(name_of(listener->accept(within(2), beyond).status), "SALLY_TIMED_OUT");
      for (const auto& server : std::exchange(servers, {})) server->abandon();
    }
    for (auto& each : connecting) EXPECT_EQ(awaited(each), "SALLY_OK");
    listener->close();
  }
}

TEST_F(AsyncListener, RefusesASourceThatHasItsShare) {
  listen(on_loops(1, {.per_source = 2}));
  connected();
  connected();
  accepted();
  accepted();
  auto third = client_of(*listener);
  EXPECT_FALSE(third->connect(within(20'000), 0).ok());
  socket::Refusal refusal;
  ASSERT_TRUE(listener->next_refusal(within(20'000), refusal).ok());
  EXPECT_EQ(name_of(refusal.error->status()), "SALLY_LIMIT_EXCEEDED");
  clients[0]->abandon();
  servers[0]->abandon();
  connected();
  accepted();
}

std::chrono::microseconds processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

TEST_F(AsyncListener, RestsWhileDescriptorsAreShortAndGoesOnAfterwards) {
  if (checks_need_descriptors) GTEST_SKIP() << "UndefinedBehaviorSanitizer opens pipes";
  listen(on_loops(1));
  RawSocket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(listener->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  {
    const NoDescriptors none;
    const auto before = processor_time();
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_FALSE(client.readable(300)) << "nobody can accept it";
    EXPECT_LT(processor_time() - before, std::chrono::milliseconds(150)) << "of 300";
  }
  client.send("GET / HTTP/1.1\r\n\r\n");
  socket::Refusal refusal;
  ASSERT_TRUE(listener->next_refusal(within(20'000), refusal).ok());
  EXPECT_EQ(name_of(refusal.error->status()), "SALLY_PEER_SPEAKS_HTTP");
}

TEST_F(AsyncListener, DrainsWhenTheLastConnectionHasEnded) {
  listen(on_loops(2));
  connected();
  connected();
  accepted();
  Asked draining(*listener, ListenerVerb::drain);
  EXPECT_FALSE(draining.is_over());
  auto late = client_of(*listener);
  EXPECT_FALSE(late->connect(within(20'000), 0).ok()) << "nobody listens any more";
  accepted();  // connected before
  // Two loops may hand them out in either order.
  for (const auto& client : clients) write(*client, "still here");
  for (const auto& server : servers) EXPECT_EQ(read(*server, within(20'000)).text, "still here");
  EXPECT_FALSE(draining.is_over());
  servers[0]->abandon();
  EXPECT_FALSE(draining.is_over());
  servers[1]->abandon();
  EXPECT_EQ(draining.status(), "SALLY_OK");
  Ref<socket::Stream> none;
  EXPECT_EQ(name_of(listener->accept(within(20'000), none).status), "SALLY_CLOSED");
}

TEST_F(AsyncListener, DrainingClosesWhatIsLeftAtTheDeadline) {
  for (const bool blocking : {true, false}) {
    listen(on_loops(1));
    connected();
    const auto server = accepted();
    auto reading = start_read(*server);
    if (blocking) {
      EXPECT_EQ(name_of(listener->drain(within(20)).status), "SALLY_TIMED_OUT");
    } else {
      EXPECT_EQ(Asked(*listener, ListenerVerb::drain, after(20)).status(), "SALLY_TIMED_OUT");
    }
    EXPECT_EQ(reading.status(), "SALLY_CANCELED");
    EXPECT_EQ(read(*clients.back(), within(20'000)).status(), "SALLY_END_OF_STREAM");
  }
}

TEST_F(AsyncListener, DrainsAtOnceWhereThereIsNobody) {
  listen(on_loops(2));
  EXPECT_EQ(name_of(listener->drain(within(20'000)).status), "SALLY_OK");
}

TEST_F(AsyncListener, HandsOutPlainStreamsToBeSecuredLater) {
  ListenerSetup setup = on_loops(2);
  const auto config = setup.config;
  setup.config = {};
  listen(std::move(setup));
  connected(/*secured=*/false);
  accepted();
  write(*clients[0], "STARTTLS\n");
  EXPECT_EQ(Started(*servers[0], Verb::read_until, 100, "\n").text(), "STARTTLS\n");
  Started server(*servers[0], {.verb = Verb::upgrade, .config = config});
  Started client(
      *clients[0],
      {.verb = Verb::upgrade, .config = client_config({}), .peer_name = {.text = "localhost"}});
  EXPECT_EQ(client.status(), "SALLY_OK");
  EXPECT_EQ(server.status(), "SALLY_OK");
  write(*clients[0], "secret");
  EXPECT_EQ(read(*servers[0], within(20'000)).text, "secret");
}

TEST_F(AsyncListener, CountsAClientRefusedInItsUpgradeUntilItsConnectionHasEnded) {
  ListenerSetup setup = on_loops(1, {.live = 1});
  setup.config = {};
  listen(std::move(setup));
  connected(/*secured=*/false);
  accepted();
  const auto lingers = std::chrono::seconds(2);  // over a client that does not go
  const auto before = transport::Clock::now();
  Started server(*servers[0], {.verb = Verb::upgrade, .config = server_config({})});
  Started client(*clients[0], {.verb = Verb::upgrade,
                               .config = client_config({.client = ""}),
                               .peer_name = {.text = "localhost"}});
  EXPECT_EQ(client.status(), "SALLY_OK") << "it does not know yet";
  EXPECT_EQ(server.status(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  connected(/*secured=*/false);  // and waits in the backlog
  Ref<socket::Stream> early;
  const std::string status = name_of(listener->accept(within(100), early).status);
  if (transport::Clock::now() - before < lingers) {
    EXPECT_EQ(status, "SALLY_TIMED_OUT");
  }
  clients[0]->abandon();
  if (early)
    servers.push_back(early);
  else
    accepted();
}

TEST_F(AsyncListener, IsWaitedForWhileWhoRunsItsLoopIsAtOtherThings) {
  ListenerSetup setup = on_loops(1);
  setup.config = {};
  setup.runtime = transport::Runtime::run_by_caller();
  transport::EventLoop& loop = setup.runtime->loop(0);
  listen(std::move(setup));
  const auto serve_until = [&loop](const auto& is_done) {
    while (!is_done()) loop.serve(after(10));
  };
  auto first = client_of(*listener, /*secured=*/false);
  auto connecting = start([&] { return name_of(first->connect(within(20'000), 0).status); });
  Ref<socket::Stream> server;
  serve_until([&] { return listener->accept(Patience::none(), server).ok(); });
  EXPECT_EQ(awaited(connecting), "SALLY_OK");
  Ref<socket::Stream> next;
  auto accepting = start([&] {
    // It may come to it just when the loop is not served.
    std::string status;
    do {
      while (!loop.is_served()) std::this_thread::yield();
      status = name_of(listener->accept(within(20'000), next).status);
    } while (status == "SALLY_INVALID_STATE");
    return status;
  });
  const auto begun = after(100);
  while (transport::Clock::now() < begun) loop.serve(begun);
  server->abandon();  // which whoever waits, as it does by now, is told of
  EXPECT_FALSE(is_over(accepting, std::chrono::milliseconds(20)));
  auto second = client_of(*listener, /*secured=*/false);
  connecting = start([&] { return name_of(second->connect(within(20'000), 0).status); });
  serve_until([&] { return is_over(accepting); });
  EXPECT_EQ(awaited(accepting), "SALLY_OK");
  EXPECT_EQ(awaited(connecting), "SALLY_OK");
  next->abandon();
  first->abandon();
  second->abandon();
  listener->close();
  for (int i = 0; i < 10; ++i) loop.serve(after(0));
}

TEST_F(AsyncListener, ReportsHowAConnectionCameAbout) {
  listen(on_loops(1));
  connected();
  accepted();
  socket::StreamFacts client, server;
  ASSERT_TRUE(clients[0]->facts(client).ok());
  ASSERT_TRUE(servers[0]->facts(server).ok());
  ASSERT_EQ(client.establishment.dial.attempts.size(), 1u);
  EXPECT_EQ(client.establishment.dial.attempts[0].status, SALLY_OK);
  EXPECT_EQ(client.establishment.dial.attempts[0].address, server.local_address);
  EXPECT_GT(client.establishment.handshake_us, 0);
  EXPECT_EQ(client.establishment.round_trips, 1) << "TLS 1.3";
  EXPECT_GT(server.establishment.handshake_us, 0);
  EXPECT_GT(client.traffic.wire_sent, 0u);
  EXPECT_GE(server.traffic.wire_received, client.traffic.wire_sent);
}

// --- Connecting, ended from outside.
// --------------------------------------------------------------

TEST_F(AsyncListener, ConnectsAsynchronously) {
  listen(on_loops(1));
  auto stream = client_of(*listener);
  clients.push_back(stream);
  EXPECT_EQ(start_verb(*stream, Verb::connect, after(20'000)).status(), "SALLY_OK");
  EXPECT_EQ(start_verb(*stream, Verb::connect).status(), "SALLY_INVALID_STATE");
}

TEST(AsyncConnect, ToAServerThatNeverSpeaksEndsByCancelCloseDeadlineAndRelease) {
  RawListener silent;
  for (const char* const how : {"cancel", "stream", "close", "deadline", "abandon"}) {
    const std::string by = how;
    const auto stream =
        make_ref<socket::Stream>(socket::Target{.host = "127.0.0.1",
                                                .service = std::to_string(silent.port()),
                                                .peer_name = {.text = "localhost"},
                                                .config = client_config({})});
    Started connecting =
        start_verb(*stream, Verb::connect, after(by == "deadline" ? 2'000 : 20'000));
    RawSocket peer = silent.accept();
    ASSERT_EQ(peer.receive(1).size(), 1u) << "the handshake has begun";
    if (by == "cancel") connecting.cancel();
    if (by == "stream") stream->cancel(3);
    if (by == "close") static_cast<void>(stream->close(Patience::none()));
    if (by == "abandon") stream->abandon();
    const std::string expected = by == "close"      ? "SALLY_CLOSED"
                                 : by == "deadline" ? "SALLY_TIMED_OUT"
                                                    : "SALLY_CANCELED";
    EXPECT_EQ(connecting.status(), expected) << by;
    EXPECT_EQ(connecting.error()->detail().phase, "handshake");
  }
}

TEST(AsyncConnect, EndedWhileItDialsLeavesNothingBehind) {
  for (int round = 0; round < 50; ++round) {
    const auto stream = make_ref<socket::Stream>(
        socket::Target{.host = "127.0.0.1", .service = "1", .peer_name = {.text = "localhost"}});
    Started connecting = start_verb(*stream, Verb::connect, after(20'000));
    connecting.cancel();
    const std::string status = connecting.status();
    EXPECT_TRUE(status == "SALLY_CANCELED" || status == "SALLY_CONNECTION_REFUSED") << status;
  }
}

// --- On a loop that the caller runs, and on a loop's own thread.
// ----------------------------------

TEST(CallerRunStream, RefusesToBlockWhereNobodyRunsItsLoop) {
  const auto runtime = transport::Runtime::run_by_caller();
  const auto stream = make_ref<socket::Stream>(
      socket::Target{.host = "127.0.0.1", .service = "1", .runtime = runtime});
  EXPECT_EQ(name_of(stream->connect(within(20'000), 0).status), "SALLY_INVALID_STATE");
}

TEST(CallerRunStream, DoesEverythingOnTheThreadThatRunsIt) {
  const auto runtime = transport::Runtime::run_by_caller();
  ListenerSetup setup = on_loops(1);
  setup.runtime = runtime;
  const auto listener = Listener::bind(std::move(setup));
  const auto client =
      make_ref<socket::Stream>(socket::Target{.host = "127.0.0.1",
                                              .service = std::to_string(listener->port()),
                                              .peer_name = {.text = "localhost"},
                                              .config = client_config({}),
                                              .runtime = runtime});
  Ref<socket::Stream> none;
  EXPECT_EQ(name_of(listener->accept({}, none).status), "SALLY_INVALID_STATE");
  Asked accept(*listener, ListenerVerb::accept);
  Started connect = start_verb(*client, Verb::connect, after(20'000));
  const auto serve_until = [&](auto& operation) {
    while (!operation.is_over()) runtime->loop(0).serve(after(20'000));
  };
  serve_until(connect);
  serve_until(accept);
  EXPECT_EQ(connect.status(), "SALLY_OK");
  const auto server = accept.stream();
  Started reading = start_read(*server);
  Started writing = start_write(*client, "hello");
  serve_until(writing);
  serve_until(reading);
  EXPECT_EQ(reading.text(), "hello");
  client->abandon();
  server->abandon();
  listener->close();
}

TEST(LoopThread, RefusesCallsThatWouldWaitForItself) {
  StreamPair pair;
  std::promise<std::string> status;
  transport::EventLoop::shared().post([&] {
    EXPECT_EQ(read(*pair.client, Patience::none()).status(), "SALLY_WOULD_BLOCK");
    status.set_value(read(*pair.client).status());
  });
  EXPECT_EQ(status.get_future().get(), "SALLY_INVALID_STATE");
  write(*pair.server, "x");
  EXPECT_EQ(read(*pair.client).text, "x") << "the stream is as usable as before";
}

}  // namespace
}  // namespace sally::test
