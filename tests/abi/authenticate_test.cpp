// Asking a client for its certificate when the handshake is over, through the C ABI.
#include "lib/async.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

Owned<sally_tls_config> asked_client(const std::string& credential = "client-good") {
  auto config = client_config({.credential = credential});
  EXPECT_EQ(sally_tls_config_allow_post_handshake_auth(config.get(), nullptr), SALLY_OK);
  return config;
}

Owned<sally_tls_config> open_server(std::int32_t max_version = 0) {
  return server_config({.credential = "server-good", .max_version = max_version});
}

Result authenticate(Stream& stream, std::int64_t timeout_ms = generous_ms) {
  return called([&](sally_error** error) {
    return sally_stream_authenticate(stream.get(), timeout_ms, error);
  });
}

}  // namespace

TEST(Authenticate, ShowsTheClientsCertificate) {
  Listener listener(open_server());
  const auto config = asked_client();
  Pair pair = connect_pair(listener, config.get());
  EXPECT_EQ(sally_stream_info_peer_certificate_count(pair.server.info().get()), 0u);
  auto reading = on_thread([&] { return pair.client.read_text(7); });
  EXPECT_EQ(authenticate(pair.server), SALLY_OK);
  const auto info = pair.server.info();
  EXPECT_EQ(sally_stream_info_peer_verified(info.get()), 1);
  EXPECT_EQ(sally_stream_info_client_certificate_requested(info.get()), 1);
  ASSERT_EQ(pair.server.write("welcome"), SALLY_OK);
  EXPECT_EQ(reading.get(), "welcome");
}

TEST(Authenticate, IsAnOperationLikeOthers) {
  Listener listener(open_server());
  const auto config = asked_client();
  Pair pair = connect_pair(listener, config.get());
  Queue queue;
  const sally_completion completion = queue.completion(5);
  ASSERT_EQ(sally_stream_authenticate_async(pair.server.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(pair.server.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_BUSY);
  EXPECT_EQ(pair.server.cancel(SALLY_DIRECTION_READ), SALLY_OK);
  EXPECT_EQ(queue.next()->status, SALLY_CANCELED);
  EXPECT_EQ(authenticate(pair.server, short_ms), SALLY_TIMED_OUT) << "the client does not read";
  EXPECT_EQ(authenticate(pair.server, SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  ASSERT_EQ(sally_stream_authenticate_async(pair.server.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  // The request may not have arrived at once.
  while (queue.take(1, short_ms).empty()) {
    EXPECT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  }
  EXPECT_EQ(sally_stream_info_peer_verified(pair.server.info().get()), 1);
}

TEST(Authenticate, IsAnsweredByAClientThatReadsNoFurtherThanTheNextBytes) {
  for (const bool waits : {false, true}) {
    Listener listener(open_server());
    const auto config = asked_client();
    Pair pair = connect_pair(listener, config.get());
    ASSERT_EQ(authenticate(pair.server, SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
    ASSERT_EQ(pair.server.write("welcome"), SALLY_OK);  // right behind the request
    std::uint32_t ready = 0;
    if (waits) {
      ASSERT_EQ(
          sally_stream_wait(pair.client.get(), SALLY_DIRECTION_READ, &ready, generous_ms, nullptr),
          SALLY_OK);
    } else {
      EXPECT_EQ(pair.client.read_text(7), "welcome");
    }
    EXPECT_EQ(authenticate(pair.server), SALLY_OK);
  }
}

TEST(Authenticate, RefusesAClientThatShowsNone) {
  Listener listener(open_server());
  const auto config = asked_client("");
  Pair pair = connect_pair(listener, config.get());
  auto reading = on_thread([&] { return pair.client.read_status(); });
  EXPECT_EQ(authenticate(pair.server), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(reading.get(), SALLY_ALERT_CERTIFICATE_REQUIRED);
}

TEST(Authenticate, IsNotSupportedInTls12OrWhereTheClientDidNotOfferIt) {
  Listener older(open_server(SALLY_TLS_1_2));
  const auto offers = asked_client();
  Pair first = connect_pair(older, offers.get());
  EXPECT_EQ(authenticate(first.server), SALLY_NOT_SUPPORTED);
  Listener listener(open_server());
  const auto does_not = client_config();
  Pair second = connect_pair(listener, does_not.get());
  EXPECT_EQ(authenticate(second.server), SALLY_NOT_SUPPORTED);
  ASSERT_EQ(second.server.write("x"), SALLY_OK);
  EXPECT_EQ(second.client.read_text(1), "x");
}

TEST(Authenticate, WorksInCppToo) {
  const auto files = [](const char* name) {
    return sally::Credential::from_files(Zoo::chain_path(name), Zoo::key_path(name));
  };
  const auto trust = sally::TrustStore::from_file(Zoo::ca_path("ca-root"));
  Listener listener(open_server());
  const auto client = sally::TlsConfig::client()
                          .trust(trust)
                          .credential(files("client-good"))
                          .allow_post_handshake_auth();
  Stream near(client.get(), "127.0.0.1", listener.service());
  ASSERT_EQ(near.connect(), SALLY_OK);
  Stream accepted = listener.accept();
  auto far = sally::StreamSocket::adopt(sally_stream_retain(accepted.get()));
  auto reading = on_thread([&] { return near.read_text(1); });
  far.authenticate();
  EXPECT_TRUE(far.info().peer_verified());
  ASSERT_EQ(accepted.write("x"), SALLY_OK);
  EXPECT_EQ(reading.get(), "x");
}
