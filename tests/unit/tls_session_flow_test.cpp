// How a session fills records, and how much it keeps: low latency, watermarks, answers nobody reads.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>

namespace sally::test {
namespace {

constexpr std::uint64_t overhead = 22;  // of a record of TLS 1.3 under AES-GCM

// How many records the session makes of `text`, all of which it must take.
std::uint64_t records_for(TlsEnd& end, TlsEnd& other, const std::string& text) {
  const auto before = end.session().traffic();
  for (std::size_t taken = 0; taken < text.size();) {
    taken += end.write(std::string_view(text).substr(taken));
    other.read_all();
  }
  const auto after = end.session().traffic();
  return (after.wire_queued - before.wire_queued - text.size()) / overhead;
}

TEST(SessionRecords, AreFullForMuch) {
  TlsPair pair;
  pair.established();
  EXPECT_EQ(records_for(pair.client(), pair.server(), std::string(64 * 1024, 'x')), 4u);
}

TEST(SessionRecords, AreSmallWhereABurstBeginsForLowLatencyAndFullLater) {
  TlsPair pair;
  pair.established();
  pair.client().session().set_limits({.low_latency = true});
  EXPECT_EQ(records_for(pair.client(), pair.server(), std::string(13'600, 'x')), 10u)
      << "one for each segment of 1360 bytes";
  records_for(pair.client(), pair.server(), std::string(60 * 1024, 'x'));
  EXPECT_EQ(records_for(pair.client(), pair.server(), std::string(32 * 1024, 'x')), 2u)
      << "64 KiB went out without a pause";
}

TEST(SessionRecords, OfAWriteThatOthersFollowAreSmallForLowLatencyToo) {
  TlsPair pair;
  pair.established();
  pair.client().session().set_limits({.low_latency = true});
  const std::string piece(100, 'x');
  for (int i = 0; i < 136; ++i) pair.client().session().write(bytes_of(piece), /*more=*/true);
  EXPECT_EQ(pair.client().session().traffic().sealed, 13'600u);
  pair.client().session().flush();
  EXPECT_EQ(pair.server().read_all().size(), 13'600u);
}

// RFC 6066 section 4.
TEST(SessionRecords, ThatThePeerAskedToBeSmallHoldAllThatWasPacked) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  for (const bool low_latency : {false, true}) {
    MixedPair pair(config->freeze(), [](SSL_CTX* context) {
      SSL_CTX_set_tlsext_max_fragment_length(context, TLSEXT_max_fragment_length_512);
    });
    ASSERT_TRUE(pair.shake_hands());
    tls::Session& session = pair.ours().session();
    session.set_limits({.low_latency = low_latency});
    std::string text;
    for (int i = 0; i < 20; ++i) {
      const std::string piece(100, static_cast<char>('a' + i));
      ASSERT_EQ(session.write(bytes_of(piece), /*more=*/true).size, piece.size());
      text += piece;
    }
    EXPECT_EQ(name_of(pair.ours().flush_status()), "SALLY_OK");
    EXPECT_EQ(pair.peer().read_all(), text);
    EXPECT_EQ(session.traffic().taken, text.size());
  }
}

TEST(SessionWatermarks, BoundWhatWaitsAndSayWhenToGoOn) {
  TlsPair pair;
  pair.established();
  tls::Session& session = pair.client().session();
  session.set_limits({.high_watermark = 4000, .low_watermark = 1000});
  pair.client().transport().set_faults({.capacity = 500});
  const std::string text(10'000, 'x');
  EXPECT_EQ(pair.client().write(text), 4000u);
  EXPECT_GT(session.pending_output(), 1000u);
  EXPECT_FALSE(session.is_writable());
  // A little room is not enough to go on: records would be tiny.
  pair.server().read();
  EXPECT_EQ(pair.client().write(text), 0u);
  while (!session.is_writable()) {
    pair.server().read();
    session.flush();
  }
  EXPECT_GT(pair.client().write(text), 2000u);
}

// Each key update asks for an answer. A peer that does not read them must not make us keep them all.
TEST(SessionAnswers, ThatThePeerDoesNotReadAreBounded) {
  MixedPair pair(client_config({})->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    use_certificate(context, zoo("server-good"));
  });
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().transport().set_faults({.capacity = 1});
  tls::Session& session = pair.ours().session();
  constexpr std::size_t bound = 100'000;
  std::size_t read = 0;
  std::size_t written = 0;
  for (int update = 0; update < 6000; ++update) {
    pair.peer().call([](SSL* ssl) {
      SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
      return SSL_do_handshake(ssl);
    });
    if (pair.peer().write("x")) ++written;
    read += pair.ours().read().size();
    ASSERT_LE(session.pending_output(), bound) << "after " << update;
    if (pair.ours().last().interest == transport::Interest::write) break;
  }
  EXPECT_EQ(pair.ours().last().interest, transport::Interest::write) << "reading has paused";
  EXPECT_GT(session.pending_output(), 90'000u);

  // The peer reads after all, and everything goes on.
  pair.ours().transport().set_faults({});
  session.flush();
  pair.peer().read_all();
  read += pair.ours().read_all().size();
  EXPECT_EQ(read, written);
}

// Where sending fails, what the peer has said before is taken in to find its alert.
TEST(SessionAnswers, ThatCannotBeSentLeaveInOrderWhatCame) {
  MixedPair pair(client_config({})->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    use_certificate(context, zoo("server-good"));
  });
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().transport().set_faults({.capacity = 1});
  pair.peer().transport().set_faults({.capacity = 1'000'000});
  for (int update = 0; update < 6000; ++update) {
    SSL_key_update(pair.peer().ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(pair.peer().ssl());
    pair.peer().send();
    pair.ours().read();
    if (pair.ours().last().interest == transport::Interest::write) break;
  }
  ASSERT_EQ(pair.ours().last().interest, transport::Interest::write);

  std::string sent;
  for (int i = 0; i < 40; ++i) {
    const std::string part(10'000, static_cast<char>('a' + i % 26));
    SSL_write(pair.peer().ssl(), part.data(), static_cast<int>(part.size()));
    pair.peer().send();
    sent += part;
  }
  pair.ours().transport().set_faults({.reset_at = pair.ours().transport().sent()});
  std::string arrived;
  for (int i = 0; i < 200 && arrived.size() < sent.size(); ++i) arrived += pair.ours().read();
  EXPECT_TRUE(arrived == sent) << arrived.size() << " of " << sent.size();
}

// One read takes in what brings nothing to read until something else comes: key updates that all came at
// once, for example.
class SessionFlood : public testing::Test {
 protected:
  // A peer of this many key updates, behind which comes a word.
  explicit SessionFlood(int kind = SSL_KEY_UPDATE_REQUESTED)
      : pair_(client_config({})->freeze(), [](SSL_CTX* context) {
          use_version(context, TLS1_3_VERSION);
          use_certificate(context, zoo("server-good"));
        }) {
    EXPECT_TRUE(pair_.shake_hands());
    EXPECT_EQ(pair_.ours().read(), "") << "tickets";
    pair_.peer().transport().set_faults({.capacity = 4 * most_at_once});
    constexpr int updates = 40'000;
    for (int i = 0; i < updates; ++i) {
      SSL_key_update(pair_.peer().ssl(), kind);
      SSL_do_handshake(pair_.peer().ssl());
    }
    EXPECT_TRUE(pair_.peer().write("the word"));
  }
  tls::Session& session() { return pair_.ours().session(); }
  std::uint64_t received() { return session().traffic().wire_received; }

  static constexpr std::size_t most_at_once = 400'000;
  MixedPair pair_;
};

class SessionFloodWithoutAnswers : public SessionFlood {
 protected:
  SessionFloodWithoutAnswers() : SessionFlood(SSL_KEY_UPDATE_NOT_REQUESTED) {}
};

TEST_F(SessionFloodWithoutAnswers, IsTakenInByTurns) {
  int turns = 0;
  for (std::string text; text.empty(); ++turns) {
    const std::uint64_t before = received();
    text = pair_.ours().read();
    ASSERT_LT(received() - before, most_at_once);
    if (!text.empty()) {
      EXPECT_EQ(text, "the word");
      continue;
    }
    ASSERT_EQ(name_of(pair_.ours().last_status()), "SALLY_WOULD_BLOCK");
    ASSERT_EQ(pair_.ours().last().interest, transport::Interest::read);
    ASSERT_LT(turns, 100);
  }
  EXPECT_GT(turns, 2);
}

TEST_F(SessionFlood, IsAnsweredByNoMoreThanThePeerReadsWhetherReadOrPeekedAt) {
  for (const bool peeks : {false, true}) {
    pair_.ours().transport().set_faults({.capacity = 1});
    transport::Interest interest{};
    for (int i = 0; i < 100 && interest != transport::Interest::write; ++i) {
      interest =
          peeks ? session().peek().interest : (pair_.ours().read(), pair_.ours().last().interest);
    }
    EXPECT_EQ(interest, transport::Interest::write) << "it has paused";
    EXPECT_LT(session().pending_output(), 2 * most_at_once);
    pair_.ours().transport().set_faults({.capacity = 100 * most_at_once});
    session().flush();
    EXPECT_EQ(session().pending_output(), 0u);
  }
  std::string text;
  for (int i = 0; i < 100 && text.empty(); ++i) text = pair_.ours().read();
  EXPECT_EQ(text, "the word") << "it goes on where the peer reads";
}

}  // namespace
}  // namespace sally::test
