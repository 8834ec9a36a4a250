// A peer over a real socket that says much which brings nothing to read: it is heard out in turns, and
// none of them is the last before what it has to say.
#include "lib/async_stream.h"
#include "lib/raw_peer.h"
#include "transport/tcp.h"
#include "transport/waker.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace sally::test {
namespace {

// Plain OpenSSL: many key updates, then a word.
void flood(int descriptor) {
  // Where the test fails, its stream goes first.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()),
                                                             &SSL_CTX_free);
  use_version(context.get(), TLS1_3_VERSION);
  use_certificate(context.get(), zoo("server-good"));
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(ssl.get(), descriptor);
  ASSERT_EQ(SSL_accept(ssl.get()), 1);
  constexpr int updates = 40'000;
  for (int i = 0; i < updates; ++i) {
    ASSERT_EQ(SSL_key_update(ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(ssl.get()), 1);
  }
  ASSERT_EQ(SSL_write(ssl.get(), "the word", 8), 8);
}

class SocketFlood : public testing::Test {
 protected:
  SocketFlood() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    far_ = ends[1];
    const int blocking = ::fcntl(far_, F_GETFL) & ~O_NONBLOCK;
    ::fcntl(far_, F_SETFL, blocking);
    peer_ = std::thread([descriptor = far_] { flood(descriptor); });

    auto transport = transport::make_tcp_transport(transport::EventLoop::shared(), ends[0], {});
    auto session = std::make_unique<tls::Session>(client_config({})->freeze(),
                                                  tls::PeerName{.text = "localhost"}, *transport);
    tls::Progress progress = session->handshake();
    while (progress.state == tls::Progress::State::waiting) {
      transport->wait(progress.interest, transport::deadline_after(10'000),
                      transport::Waker::of_this_thread());
      progress = session->handshake();
    }
    EXPECT_TRUE(session->established());
    stream_ = make_ref<socket::Stream>(std::move(transport), std::move(session));
  }
  ~SocketFlood() override {
    stream_->abandon();
    stream_ = {};
    peer_.join();
    ::close(far_);
  }

  int far_ = -1;
  std::thread peer_;
  Ref<socket::Stream> stream_;
};

TEST_F(SocketFlood, IsHeardOutByAReadOnTheLoop) {
  Started reading(*stream_, socket::Verb::read_some, 100);
  EXPECT_EQ(reading.status(), "SALLY_OK");
  EXPECT_EQ(reading.text(), "the word");
}

TEST_F(SocketFlood, IsHeardOutByAReadThatBlocks) {
  const ReadResult reading = read(*stream_, within(50'000));
  EXPECT_EQ(reading.status(), "SALLY_OK");
  EXPECT_EQ(reading.text, "the word");
}

TEST_F(SocketFlood, IsHeardOutByWhoWaitsForSomethingToRead) {
  Started waiting(*stream_, {.verb = socket::Verb::wait, .interest = transport::Interest::read});
  EXPECT_EQ(waiting.status(), "SALLY_OK");
  EXPECT_EQ(read(*stream_, socket::Patience::none()).text, "the word");
}

}  // namespace
}  // namespace sally::test
