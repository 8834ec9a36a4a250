// TLS 1.2 peers that want to renegotiate: they are told no, and what becomes of that has a name.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace sally::test {
namespace {

// The parameter: whether this side is the server.
class Renegotiation : public testing::TestWithParam<bool> {
 protected:
  Renegotiation() {
    const Parties parties{.version = SALLY_TLS_1_2};
    const auto context =
        GetParam() ? server_config(parties)->freeze() : client_config(parties)->freeze();
    pair_ = std::make_unique<MixedPair>(context, [](SSL_CTX* peer) {
      use_version(peer, TLS1_2_VERSION);
      use_certificate(peer, zoo(GetParam() ? "client-good" : "server-good"));
    });
    EXPECT_TRUE(pair_->shake_hands());
  }
  // The peer asks for it; this side reads that, and answers.
  void ask() {
    peer().call([](SSL* ssl) { return SSL_renegotiate(ssl) == 1 ? SSL_do_handshake(ssl) : -1; });
    EXPECT_EQ(name_of(ours().read_status()), "SALLY_WOULD_BLOCK");
  }
  void expect_named(sally_status cause) {
    EXPECT_EQ(name_of(ours().read_status()), "SALLY_RENEGOTIATION_REFUSED");
    const ErrorRef& error = ours().last().error;
    ASSERT_TRUE(error);
    EXPECT_EQ(error->detail().alert, SSL_AD_NO_RENEGOTIATION);
    EXPECT_EQ(error->detail().alert_direction, SALLY_ALERT_SENT);
    ASSERT_TRUE(error->detail().cause);
    EXPECT_EQ(name_of(error->detail().cause->status()), name_of(cause));
    EXPECT_EQ(name_of(ours().read_status()), "SALLY_RENEGOTIATION_REFUSED") << "and so on";
  }
  TlsEnd& ours() { return pair_->ours(); }
  RawPeer& peer() { return pair_->peer(); }

  std::unique_ptr<MixedPair> pair_;
};

INSTANTIATE_TEST_SUITE_P(Sides, Renegotiation, testing::Bool(),
                         [](const auto& row) { return row.param ? "Server" : "Client"; });

TEST_P(Renegotiation, IsRefusedByNameWhereThePeerBreaksOffWithAnAlert) {
  ask();
  // OpenSSL takes no for a failure.
  peer().read();
  EXPECT_EQ(peer().reason(), SSL_R_NO_RENEGOTIATION);
  expect_named(SALLY_ALERT_HANDSHAKE_FAILURE);
}

TEST_P(Renegotiation, IsRefusedByNameWhereThePeerJustGoes) {
  ask();
  peer().transport().shutdown_send();
  expect_named(SALLY_TRUNCATED);
}

TEST(RenegotiationOfAServer, IsForgottenOnceItHasGoneOn) {
  MixedPair pair(client_config({.version = SALLY_TLS_1_2})->freeze(), [](SSL_CTX* peer) {
    use_version(peer, TLS1_2_VERSION);
    use_certificate(peer, zoo("server-good"));
  });
  ASSERT_TRUE(pair.shake_hands());
  pair.peer().call([](SSL* ssl) { return SSL_renegotiate(ssl) == 1 ? SSL_do_handshake(ssl) : -1; });
  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  ASSERT_TRUE(pair.peer().write("never mind"));
  EXPECT_EQ(pair.ours().read(), "never mind");
  pair.peer().transport().shutdown_send();
  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_TRUNCATED");
}

TEST_P(Renegotiation, LeavesTheConnectionToThoseWhoGoOn) {
  ask();
  EXPECT_EQ(name_of(ours().write_status("still here")), "SALLY_OK");
  EXPECT_EQ(name_of(ours().read_status()), "SALLY_WOULD_BLOCK");
  EXPECT_TRUE(ours().session().established());
}

}  // namespace
}  // namespace sally::test
