// New keys in time: asked for, and by themselves.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>

namespace sally::test {
namespace {

// The key updates that a raw peer has received: all, and those that ask for one in return.
struct Updates {
  int received = 0;
  int asking = 0;
};

void note_update(int sent, int, int type, const void* data, std::size_t size, SSL*, void* user) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || size < 5 || bytes[0] != SSL3_MT_KEY_UPDATE) return;
  auto& updates = *static_cast<Updates*>(user);
  ++updates.received;
  updates.asking += bytes[4];
}

RawPeer::Configure raw_server(Updates& updates, int version = TLS1_3_VERSION) {
  return [&updates, version](SSL_CTX* context) {
    use_version(context, version);
    use_certificate(context, zoo("server-good"));
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_msg_callback(context, &note_update);
    SSL_CTX_set_msg_callback_arg(context, &updates);
  };
}

template <class Action>
std::string failure_of(Action&& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return name_of(failure.error()->status());
  }
  return "no failure";
}

constexpr std::size_t full = 16 * 1024;

TEST(KeyUpdate, GoesBetweenWhatIsWritten) {
  Updates updates;
  MixedPair pair(client_config({})->freeze(), raw_server(updates));
  ASSERT_TRUE(pair.shake_hands());
  tls::Session& session = pair.ours().session();
  pair.ours().write("before ");
  session.update_keys(/*request_peer=*/false);
  EXPECT_GT(session.pending_output(), 0u) << "it is queued";
  EXPECT_EQ(name_of(pair.ours().flush_status()), "SALLY_OK");
  pair.ours().write("after");
  EXPECT_EQ(pair.peer().read_all(), "before after");
  EXPECT_EQ(updates.received, 1);
  EXPECT_EQ(updates.asking, 0);
}

TEST(KeyUpdate, CanAskThePeerForOne) {
  TlsPair pair;
  pair.established();
  for (int round = 0; round < 3; ++round) {
    for (TlsEnd* end : {&pair.client(), &pair.server()}) {
      TlsEnd& other = end == &pair.client() ? pair.server() : pair.client();
      end->session().update_keys(/*request_peer=*/true);
      end->write("ping");
      EXPECT_EQ(other.read(), "ping");
      const std::uint64_t before = other.transport().sent();
      other.write("pong");
      constexpr std::uint64_t record = 5 + 4 + 1 + 16;  // header, text, inner type, tag
      EXPECT_GT(other.transport().sent() - before, record) << "the answer goes before it";
      EXPECT_EQ(end->read(), "pong");
    }
  }
}

TEST(KeyUpdate, ComesByItselfBeforeTheKeyIsWornOut) {
  Updates updates;
  MixedPair pair(client_config({})->freeze(), raw_server(updates));
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().session().set_key_limit(4);
  std::string sent, arrived;
  for (int record = 0; record < 13; ++record) {
    const std::string text(full, static_cast<char>('a' + record));
    EXPECT_EQ(pair.ours().write(text), text.size());
    sent += text;
    arrived += pair.peer().read_all();
  }
  EXPECT_EQ(arrived, sent);
  EXPECT_EQ(updates.received, 3) << "before the 5th, the 9th and the 13th record";
  EXPECT_EQ(updates.asking, 0);
}

TEST(KeyUpdate, CountsRecordsAndNotWrites) {
  Updates updates;
  MixedPair pair(client_config({})->freeze(), raw_server(updates));
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().session().set_key_limit(4);
  const std::string text(12 * full, 'x');
  std::string arrived;
  for (std::size_t taken = 0; taken < text.size();) {
    taken += pair.ours().write(std::string_view(text).substr(taken));
    arrived += pair.peer().read_all();
  }
  EXPECT_EQ(arrived, text);
  EXPECT_EQ(updates.received, 2);
}

TEST(KeyUpdate, CountsSmallRecordsThatThePeerAskedFor) {
  Updates updates;
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  MixedPair pair(config->freeze(), [&](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512);
    SSL_CTX_set_msg_callback(context, &note_update);
    SSL_CTX_set_msg_callback_arg(context, &updates);
  });
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().session().set_key_limit(16);
  for (int write = 0; write < 3; ++write) pair.ours().write(std::string(16 * 512, 'x'));
  EXPECT_EQ(pair.peer().read_all().size(), 3u * 16 * 512);
  EXPECT_EQ(updates.received, 2);
}

TEST(KeyUpdate, IsForTls13AndForSidesThatStillSend) {
  TlsPair old(Parties{.version = SALLY_TLS_1_2});
  old.established();
  EXPECT_EQ(failure_of([&] { old.client().session().update_keys(false); }), "SALLY_NOT_SUPPORTED");

  TlsPair pair;
  EXPECT_EQ(failure_of([&] { pair.client().session().update_keys(false); }), "SALLY_INVALID_STATE");
  pair.established();
  pair.client().session().end_sending();
  EXPECT_EQ(failure_of([&] { pair.client().session().update_keys(false); }), "SALLY_INVALID_STATE");
}

TEST(KeysOfTls12, EndTheSendingWhenTheyAreWornOut) {
  TlsPair pair(Parties{.version = SALLY_TLS_1_2});
  pair.established();
  pair.client().session().set_key_limit(3);
  const std::string text(5 * full, 'x');
  // The first write takes what fits, the next one is refused, and so are all that follow.
  EXPECT_EQ(pair.client().write(text), 3 * full);
  EXPECT_EQ(pair.server().read_all(), std::string(3 * full, 'x'));
  EXPECT_EQ(name_of(pair.client().flush_status()), "SALLY_OK");
  EXPECT_EQ(name_of(pair.client().write_status("y")), "SALLY_LIMIT_EXCEEDED");
  EXPECT_EQ(name_of(pair.client().write_status("y")), "SALLY_LIMIT_EXCEEDED");

  pair.server().write("the other direction goes on");
  EXPECT_EQ(pair.client().read(), "the other direction goes on");
  pair.client().session().end_sending();
  EXPECT_EQ(name_of(pair.client().flush_status()), "SALLY_OK");
  EXPECT_EQ(name_of(pair.server().read_status()), "SALLY_END_OF_STREAM") << "a proper end";
}

// A message of the peer's that has come only in part stands in the way of a key update.
TEST(KeyUpdate, WaitsForTheRestOfAMessageOfThePeers) {
  Updates updates;
  MixedPair pair(
      client_config({.client = "client-good-rsa-issuer"})->freeze(), [&](SSL_CTX* context) {
        raw_server(updates)(context);
        SSL_CTX_set_max_send_fragment(context, 512);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
        SSL_CTX_set_session_id_context(context, nullptr, 0);
      });
  ASSERT_TRUE(pair.shake_hands());
  pair.peer().transport().set_faults({.stall_at = pair.peer().transport().sent() + 600});
  pair.peer().call([](SSL* ssl) {
    SSL_new_session_ticket(ssl);
    return SSL_do_handshake(ssl);
  });
  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  ASSERT_TRUE(pair.ours().session().within_message());
  pair.ours().session().update_keys(false);
  EXPECT_EQ(pair.ours().session().pending_output(), 0u);

  pair.peer().transport().resume();
  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK") << "the rest, and no data";
  pair.ours().write("under a new key");
  EXPECT_EQ(pair.peer().read_all(), "under a new key");
  EXPECT_EQ(updates.received, 1);
}

}  // namespace
}  // namespace sally::test
