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

}  // namespace
}  // namespace sally::test
