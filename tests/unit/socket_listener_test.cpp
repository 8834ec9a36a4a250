// Listeners against clients that stop half way, say nothing, or are refused.
#include "lib/raw_peer.h"
#include "lib/raw_tcp.h"
#include "lib/stream_pair.h"
#include "socket/listener.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <vector>

namespace sally::test {
namespace {

using socket::Listener;
using socket::ListenerLimits;
using socket::Patience;

constexpr ListenerLimits usual = {.handshake_timeout_ms = 20'000,
                                  .pending_handshakes = 4096,
                                  .unaccepted = 128,
                                  .refusals = 64,
                                  .backlog = 0};

// On one loop, which accepts in the order in which they came.
socket::ListenerSetup setup(const std::string& host, const std::string& service,
                            const Parties& parties, const ListenerLimits& limits) {
  static const auto one_loop = transport::Runtime::with_threads(1);
  return {.host = host,
          .service = service,
          .config = server_config(parties),
          .limits = limits,
          .runtime = one_loop};
}

class ListenerTest : public testing::Test {
 protected:
  ~ListenerTest() override {
    if (listener_) listener_->close();
  }

  Listener& listen(const ListenerLimits& limits = usual, const Parties& parties = {}) {
    if (listener_) listener_->close();
    listener_ = Listener::bind(setup("127.0.0.1", "0", parties, limits));
    return *listener_;
  }
  RawSocket raw() { return RawSocket::connect(listener_->port()); }

  Ref<socket::Stream> client(const std::string& credential_name = "client-good") {
    return make_ref<socket::Stream>(
        socket::Target{.host = "127.0.0.1",
                       .service = std::to_string(listener_->port()),
                       .peer_name = {.text = "localhost"},
                       .config = client_config({.client = credential_name})});
  }
  // A good client, from connect to the end.
  void expect_service() {
    const auto stream = client();
    auto accepting = start([this] {
      Ref<socket::Stream> accepted;
      EXPECT_TRUE(listener_->accept(within(20'000), accepted).ok());
      if (!accepted) return std::string("none");
      const ReadResult got = read(*accepted, within(20'000));
      accepted->abandon();
      return got.text;
    });
    EXPECT_EQ(name_of(stream->connect(within(20'000), 0).status), "SALLY_OK");
    EXPECT_EQ(write(*stream, "hello").taken, 5u);
    EXPECT_EQ(awaited(accepting), "hello");
    stream->abandon();
  }
  std::string next_refusal(const Patience& patience = within(20'000)) {
    socket::Refusal refusal;
    const socket::Outcome outcome = listener_->next_refusal(patience, refusal);
    if (!outcome.ok()) return name_of(outcome.status);
    EXPECT_EQ(refusal.error->detail().address, refusal.peer);
    EXPECT_TRUE(refusal.peer.starts_with("127.0.0.1:")) << refusal.peer;
    return name_of(refusal.error->status());
  }

  Ref<Listener> listener_;
};

// A plain OpenSSL client over TCP that sends no more than so many bytes in all.
class TcpClient {
 public:
  TcpClient(RawSocket socket, std::size_t budget, const RawPeer::Configure& configure = {})
      : socket_(std::move(socket)),
        budget_(budget),
        context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        ssl_(nullptr, &SSL_free) {
    if (configure) configure(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  RawSocket& socket() { return socket_; }
  SSL* ssl() { return ssl_.get(); }
  std::size_t sent() const { return sent_; }
  // False when the budget is used up.
  bool send_pending() {
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data));
    const std::size_t part = std::min(size, budget_ - sent_);
    if (part > 0) socket_.send({data, part});
    sent_ += part;
    static_cast<void>(BIO_reset(SSL_get_wbio(ssl_.get())));
    return part == size;
  }
  bool take_more() {
    const std::string bytes = socket_.receive(1);
    if (bytes.empty()) return false;
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    return true;
  }
  // True when its handshake is over and all of it was sent.
  bool shake() {
    for (;;) {
      const int result = SSL_do_handshake(ssl_.get());
      const int error = SSL_get_error(ssl_.get(), result);
      ERR_clear_error();
      if (!send_pending()) return false;
      if (result == 1) return true;
      if (error != SSL_ERROR_WANT_READ || !take_more()) return false;
    }
  }

 private:
  RawSocket socket_;
  const std::size_t budget_;
  std::size_t sent_ = 0;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

void use_good_certificate(SSL_CTX* context) {
  use_certificate(context, zoo("client-good"));
}

TEST_F(ListenerTest, HandsOutEstablishedStreams) {
  listen();
  EXPECT_EQ(listener_->address(), "127.0.0.1:" + std::to_string(listener_->port()));
  expect_service();
}

TEST_F(ListenerTest, AttemptedOrTimedOutAcceptsComeBackEmpty) {
  listen();
  Ref<socket::Stream> none;
  EXPECT_EQ(name_of(listener_->accept(Patience::none(), none).status), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(name_of(listener_->accept(within(20), none).status), "SALLY_TIMED_OUT");
  EXPECT_EQ(next_refusal(Patience::none()), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(next_refusal(within(20)), "SALLY_TIMED_OUT");
}

TEST_F(ListenerTest, OutlivesHandshakesThatAreCutAnywhere) {
  ListenerLimits limits = usual;
  limits.refusals = 1000;
  listen(limits);
  std::size_t cut = 0;
  bool whole = false;
  for (std::size_t budget = 0; !whole; budget += 10 * static_cast<std::size_t>(byte_step)) {
    TcpClient tcp(raw(), budget, use_good_certificate);
    whole = tcp.shake();
    if (!whole) ++cut;
    if (whole) break;
    tcp.socket().end_sending();
    EXPECT_TRUE(tcp.socket().ended()) << "the server ends it too";
  }
  ASSERT_GT(cut, 10u);
  for (std::size_t i = 0; i < cut; ++i) {
    EXPECT_EQ(next_refusal(), "SALLY_HANDSHAKE_INTERRUPTED");
  }
  Ref<socket::Stream> good;
  ASSERT_TRUE(listener_->accept(within(20'000), good).ok()) << "the last client was whole";
  good->abandon();
  expect_service();
}

TEST_F(ListenerTest, OutlivesHandshakesThatAreReset) {
  listen();
  for (const std::size_t budget :
       {std::size_t{0}, std::size_t{5}, std::size_t{150}, std::size_t{700}}) {
    TcpClient tcp(raw(), budget, use_good_certificate);
    EXPECT_FALSE(tcp.shake());
    tcp.socket().reset();
    const std::string status = next_refusal();
    EXPECT_TRUE(status == "SALLY_CONNECTION_RESET" || status == "SALLY_HANDSHAKE_INTERRUPTED")
        << status;
  }
  expect_service();
}

TEST_F(ListenerTest, ServesAGoodClientWhileManyAreSilent) {
  listen();
  std::vector<RawSocket> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(raw());
  for (int i = 0; i < 50; ++i) silent[static_cast<std::size_t>(i)].send("\x16\x03\x01");
  expect_service();
}

TEST_F(ListenerTest, RefusesASilentClientAtTheDeadline) {
  ListenerLimits limits = usual;
  limits.handshake_timeout_ms = 50;
  listen(limits);
  RawSocket silent = raw();
  EXPECT_EQ(next_refusal(), "SALLY_TIMED_OUT");
  EXPECT_TRUE(silent.ended());
}

TEST_F(ListenerTest, RefusesADrippingClientAtTheSameDeadline) {
  ListenerLimits limits = usual;
  limits.handshake_timeout_ms = 100;
  listen(limits);
  RawSocket dripping = raw();
  dripping.send(std::string("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc", 9));
  const auto before = transport::Clock::now();
  while (!dripping.readable(5)) dripping.send("x");
  EXPECT_LT(transport::Clock::now() - before, std::chrono::seconds(30));
  EXPECT_EQ(next_refusal(), "SALLY_TIMED_OUT");
}

TEST_F(ListenerTest, LetsClientsBeyondTheLimitOfHandshakesWait) {
  ListenerLimits limits = usual;
  limits.pending_handshakes = 2;
  listen(limits);
  RawSocket first = raw();
  RawSocket second = raw();
  const auto waiting = client();
  auto connecting = start([&] { return name_of(waiting->connect(within(20'000), 0).status); });
  EXPECT_FALSE(is_over(connecting, std::chrono::milliseconds(50)));

  first.close();
  EXPECT_EQ(next_refusal(), "SALLY_HANDSHAKE_INTERRUPTED");
  EXPECT_EQ(awaited(connecting), "SALLY_OK");
  waiting->abandon();
}

TEST_F(ListenerTest, LetsClientsWaitWhileNobodyAccepts) {
  ListenerLimits limits = usual;
  limits.unaccepted = 1;
  listen(limits);
  const auto first = client();
  ASSERT_EQ(name_of(first->connect(within(20'000), 0).status), "SALLY_OK");
  // The client is done before the server is: let it have had its last word.
  ASSERT_EQ(write(*first, "first").taken, 5u);
  Ref<socket::Stream> accepted;
  while (accepted.get() == nullptr) ASSERT_TRUE(listener_->accept(within(20'000), accepted).ok());
  EXPECT_EQ(read(*accepted, within(20'000)).text, "first");

  std::vector<std::future<std::string>> connecting;
  std::vector<Ref<socket::Stream>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(client());
    connecting.push_back(start(
        [stream = clients.back()] { return name_of(stream->connect(within(20'000), 0).status); }));
  }
  for (int i = 0; i < 4; ++i) {
    Ref<socket::Stream> next;
    EXPECT_TRUE(listener_->accept(within(20'000), next).ok());
    if (next) next->abandon();
  }
  for (auto& connection : connecting) EXPECT_EQ(awaited(connection), "SALLY_OK");
  for (const auto& stream : clients) stream->abandon();
  accepted->abandon();
  first->abandon();
}

TEST_F(ListenerTest, KeepsTheNewestRefusalsAndCountsTheDropped) {
  ListenerLimits limits = usual;
  limits.refusals = 2;
  listen(limits);
  for (int i = 0; i < 5; ++i) {
    RawSocket bad = raw();
    bad.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(bad.ended());
  }
  while (listener_->dropped_refusals() < 3) std::this_thread::yield();
  EXPECT_EQ(listener_->dropped_refusals(), 3u);
  EXPECT_EQ(next_refusal(), "SALLY_PEER_SPEAKS_HTTP");
  EXPECT_EQ(next_refusal(), "SALLY_PEER_SPEAKS_HTTP");
  EXPECT_EQ(next_refusal(Patience::none()), "SALLY_WOULD_BLOCK");
}

TEST_F(ListenerTest, ClosedEndsHandshakesAndCallsThatArePending) {
  listen();
  std::vector<RawSocket> pending;
  for (int i = 0; i < 10; ++i) pending.push_back(raw());
  for (RawSocket& socket : pending) socket.send("\x16");
  expect_service();  // by then the others were accepted
  auto accepting = start([this] {
    Ref<socket::Stream> none;
    return name_of(listener_->accept({}, none).status);
  });
  auto refusing = start([this] { return next_refusal({}); });

  listener_->close();
  EXPECT_EQ(awaited(accepting), "SALLY_CLOSED");
  EXPECT_EQ(awaited(refusing), "SALLY_CLOSED");
  for (RawSocket& socket : pending) EXPECT_TRUE(socket.ended());
  listener_->close();
}

TEST_F(ListenerTest, ClosedWithStreamsThatNobodyAcceptedEndsThem) {
  listen();
  const auto stream = client();
  ASSERT_EQ(name_of(stream->connect(within(20'000), 0).status), "SALLY_OK");
  listener_->close();
  const std::string status = read(*stream, within(20'000)).status();
  EXPECT_TRUE(status == "SALLY_END_OF_STREAM" || status == "SALLY_TRUNCATED" ||
              status == "SALLY_CONNECTION_RESET")
      << status;
  stream->abandon();
}

TEST_F(ListenerTest, ClosedAtAnyMomentOfAHandshakeLeavesNothingBehind) {
  for (int round = 0; round < 20; ++round) {
    listen();
    const auto stream = client();
    auto connecting = start([&] { return stream->connect(within(20'000), 0).status; });
    if (round % 3 == 1) std::this_thread::yield();
    if (round % 3 == 2) {
      static_cast<void>(connecting.wait_for(std::chrono::milliseconds(round / 4)));
    }
    listener_->close();
    static_cast<void>(awaited(connecting));
    stream->abandon();
  }
}

TEST_F(ListenerTest, OnATakenPortSaysSo) {
  listen();
  try {
    Listener::bind(setup("127.0.0.1", std::to_string(listener_->port()), {}, usual));
    FAIL() << "bound twice";
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_ADDRESS_IN_USE");
  }
}

TEST_F(ListenerTest, OnAHostThatDoesNotExistSaysSo) {
  EXPECT_THROW(Listener::bind(setup("no-such-host.invalid", "0", {}, usual)), Failure);
}

// --- Refusals arrive.
// ------------------------------------------------------------------------------

TEST_F(ListenerTest, TellsAClientWithoutCertificateWhyThoughItSentMore) {
  listen();
  for (int round = 0; round < 20; ++round) {
    TcpClient tcp(raw(), 1'000'000);
    ASSERT_TRUE(tcp.shake()) << "in TLS 1.3 the client is done first";
    const std::string text(16'000, 'x');
    for (int i = 0; i < 3; ++i) SSL_write(tcp.ssl(), text.data(), static_cast<int>(text.size()));
    tcp.send_pending();

    char byte = 0;
    while (SSL_read(tcp.ssl(), &byte, 1) <= 0 && ERR_peek_error() == 0) {
      if (!tcp.take_more()) break;
    }
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
        << "round " << round;
    ERR_clear_error();
    EXPECT_EQ(next_refusal(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  }
}

TEST_F(ListenerTest, TellsOurClientWhyBySayingSoInWhicheverCallComesFirst) {
  listen();
  for (int round = 0; round < 20; ++round) {
    const auto stream = client("client-expired-intermediate");
    ASSERT_EQ(name_of(stream->connect(within(20'000), 0).status), "SALLY_OK");
    std::string status;
    if (round % 2 == 0) {
      status = read(*stream, within(20'000)).status();
    } else {
      while ((status = write(*stream, std::string(10'000, 'x'), within(20'000)).status()) ==
             "SALLY_OK")
        continue;
    }
    EXPECT_EQ(status, "SALLY_ALERT_CERTIFICATE_EXPIRED");
    EXPECT_EQ(next_refusal(), "SALLY_CERTIFICATE_EXPIRED");
    stream->abandon();
  }
}

TEST_F(ListenerTest, TellsAClientThatSpeaksAnOldVersion) {
  listen();
  TcpClient tcp(raw(), 1'000'000, [](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    use_version(context, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  });
  EXPECT_FALSE(tcp.shake());
  EXPECT_EQ(next_refusal(), "SALLY_TLS_VERSION_MISMATCH");
}

TEST_F(ListenerTest, DoesNotLetALingeringPeerKeepItsPlaceForEver) {
  ListenerLimits limits = usual;
  limits.pending_handshakes = 1;
  listen(limits);
  RawSocket bad = raw();
  bad.send("GET / HTTP/1.1\r\n\r\n");  // and stays
  EXPECT_EQ(next_refusal(), "SALLY_PEER_SPEAKS_HTTP");
  expect_service();  // when the two seconds of grace are over
}

}  // namespace
}  // namespace sally::test
