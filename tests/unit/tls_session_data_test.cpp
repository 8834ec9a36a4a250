// Application data between two sessions of ours: damage, endings, and a peer that does not read.
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>

namespace sally::test {
namespace {

constexpr std::size_t window = transport::FlowLimits{}.high_watermark;
// Header, tag and inner type of each record of 16 KiB, generously.
constexpr std::size_t overhead = 64 * (window / 16384 + 1);

class SessionData : public testing::TestWithParam<std::int32_t> {
 protected:
  SessionData() { pair.established(); }

  TlsPair pair{Parties{.version = GetParam()}};
  TlsEnd& client = pair.client();
  TlsEnd& server = pair.server();
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionData, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

// Writes all of it, reading at the other end in between.
std::string carry(TlsEnd& from, TlsEnd& to, const std::string& text) {
  std::string arrived;
  for (std::size_t taken = 0; taken < text.size();) {
    taken += from.write(std::string_view(text).substr(taken));
    arrived += to.read_all();
    if (from.last().state == tls::Progress::State::failed) break;
  }
  while (from.session().pending_output() > 0 && from.flush_status() != SALLY_END_OF_STREAM) {
    arrived += to.read_all();
  }
  return arrived + to.read_all();
}

TEST_P(SessionData, ArrivesInBothDirections) {
  EXPECT_EQ(client.write("ping"), 4u);
  EXPECT_EQ(server.read(), "ping");
  EXPECT_EQ(server.write("pong"), 4u);
  EXPECT_EQ(client.read(), "pong");
  EXPECT_EQ(name_of(client.read_status()), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(client.last().interest, transport::Interest::read);
}

TEST_P(SessionData, IsReadInPiecesAsSmallAsTheReaderWants) {
  client.write("abc");
  EXPECT_EQ(server.read(1), "a");
  EXPECT_EQ(server.read(1), "b");
  EXPECT_EQ(server.read(1), "c");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_WOULD_BLOCK");
}

TEST_P(SessionData, WritingNothingIsDoneAndSendsNothing) {
  const std::uint64_t before = client.transport().sent();
  EXPECT_EQ(name_of(client.write_status("")), "SALLY_OK");
  EXPECT_EQ(client.transport().sent(), before);
}

TEST_P(SessionData, LargerThanTheWindowArrivesWhole) {
  std::string text(3 * window + 12345, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 3);
  EXPECT_EQ(carry(client, server, text), text);
  EXPECT_EQ(client.session().pending_output(), 0u);
}

TEST_P(SessionData, ArrivesWholeInSmallPieces) {
  client.transport().set_faults({.receive_limit = 3, .send_limit = 5, .capacity = 100});
  const std::string text(20'000, 'x');
  EXPECT_EQ(carry(client, server, text), text);
}

TEST_P(SessionData, BehindAFullTransportWaitsAndStaysBounded) {
  constexpr std::size_t capacity = 1000;
  client.transport().set_faults({.capacity = capacity});
  const std::string text(10 * window, 'x');

  std::size_t taken = 0;
  while (client.write(std::string_view(text).substr(taken)) > 0) taken += client.last().size;

  EXPECT_EQ(name_of(client.last_status()), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(client.last().interest, transport::Interest::write);
  EXPECT_GE(client.session().pending_output() + capacity, window);
  EXPECT_LE(client.session().pending_output(), window + overhead);
  EXPECT_EQ(name_of(client.flush_status()), "SALLY_WOULD_BLOCK");

  std::string arrived;
  while (client.flush_status() == SALLY_WOULD_BLOCK) arrived += server.read_all();
  arrived += server.read_all();
  EXPECT_EQ(arrived.size(), taken) << "all that was taken arrives, and nothing else";
  EXPECT_EQ(client.session().pending_output(), 0u);
}

TEST_P(SessionData, AlmostAWindowPendingIsNotAnotherWindowTaken) {
  client.transport().set_faults({.capacity = 1000});
  const std::string text(2 * window, 'x');
  ASSERT_EQ(client.write(text), window);
  server.read_all();
  client.write(text);
  EXPECT_LE(client.session().pending_output(), window + overhead);
}

TEST_P(SessionData, FlippedIsABadRecordToTheReaderAndAnAlertToTheWriter) {
  for (std::uint64_t offset = 5; offset < 30; ++offset) {
    TlsPair fresh(Parties{.version = GetParam()});
    fresh.established();
    fresh.client().transport().set_faults({.flip_at = fresh.client().transport().sent() + offset});
    fresh.client().write("some data");

    EXPECT_EQ(name_of(fresh.server().read_status()), "SALLY_TLS_BAD_RECORD");
    EXPECT_EQ(fresh.server().last().error->detail().alert, 20);
    EXPECT_EQ(fresh.server().last().error->detail().alert_direction, SALLY_ALERT_SENT);
    EXPECT_EQ(name_of(fresh.client().read_status()), "SALLY_ALERT_BAD_RECORD_MAC");
    EXPECT_EQ(fresh.client().last().error->detail().alert_direction, SALLY_ALERT_RECEIVED);
    EXPECT_EQ(name_of(fresh.client().write_status()), "SALLY_ALERT_BAD_RECORD_MAC");
    EXPECT_EQ(name_of(fresh.server().write_status()), "SALLY_TLS_BAD_RECORD");
    EXPECT_EQ(name_of(fresh.server().read_status()), "SALLY_TLS_BAD_RECORD");
  }
}

TEST_P(SessionData, CutBetweenRecordsIsTruncated) {
  client.write("half a mess");
  client.transport().cut();
  EXPECT_EQ(server.read(), "half a mess");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_TRUNCATED");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_TRUNCATED");
  EXPECT_FALSE(server.session().close_notify_received());
}

TEST_P(SessionData, CutWithinARecordIsTruncatedAtEveryByte) {
  for (std::uint64_t offset = 1; offset < 40; offset += 3) {
    TlsPair fresh(Parties{.version = GetParam()});
    fresh.established();
    const std::uint64_t start = fresh.client().transport().sent();
    fresh.client().transport().set_faults({.cut_at = start + offset});
    fresh.client().write("a message of more than forty bytes in all");
    EXPECT_EQ(fresh.server().read(), "");
    EXPECT_EQ(name_of(fresh.server().last_status()), "SALLY_TRUNCATED");
  }
}

TEST_P(SessionData, ResetIsAReset) {
  client.transport().set_faults({.reset_at = client.transport().sent() + 3});
  EXPECT_EQ(name_of(client.write_status()), "SALLY_CONNECTION_RESET");
  EXPECT_EQ(name_of(client.write_status()), "SALLY_CONNECTION_RESET");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_CONNECTION_RESET");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_CONNECTION_RESET");
}

TEST_P(SessionData, CloseNotifyIsAProperEnd) {
  client.write("last words");
  client.session().end_sending();
  EXPECT_EQ(name_of(client.flush_status()), "SALLY_OK");

  EXPECT_EQ(server.read(), "last words");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_END_OF_STREAM");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_END_OF_STREAM");
}

TEST_P(SessionData, TheOtherDirectionGoesOnAfterACloseNotify) {
  client.session().end_sending();
  client.flush_status();
  std::array<std::byte, 16> buffer{};
  const tls::Progress ended = server.session().read(buffer);
  ASSERT_TRUE(ended.error);
  EXPECT_EQ(name_of(ended.error->status()), "SALLY_END_OF_STREAM");
  EXPECT_TRUE(server.session().close_notify_received());

  EXPECT_EQ(name_of(server.write_status("still here")), "SALLY_OK");
  EXPECT_EQ(client.read(), "still here");
  server.session().end_sending();
  server.flush_status();
  EXPECT_EQ(name_of(client.read_status()), "SALLY_END_OF_STREAM");
  EXPECT_TRUE(client.session().close_notify_received());
}

TEST_P(SessionData, CloseNotifyGoesOutOnce) {
  client.session().end_sending();
  const std::size_t size = client.session().pending_output();
  EXPECT_GT(size, 0u);
  client.session().end_sending();
  EXPECT_EQ(client.session().pending_output(), size);
}

TEST_P(SessionData, CloseNotifyBehindAFullTransportFollowsWhatWasWritten) {
  client.transport().set_faults({.capacity = 100});
  const std::string text(5000, 'x');
  ASSERT_EQ(client.write(text), text.size());
  client.session().end_sending();

  std::string arrived;
  while (client.flush_status() == SALLY_WOULD_BLOCK) arrived += server.read_all();
  arrived += server.read_all();
  EXPECT_EQ(arrived, text);
  EXPECT_EQ(name_of(server.last_status()), "SALLY_END_OF_STREAM");
}

TEST_P(SessionData, AnAlertOnlyAReaderCouldSeeIsNamedByTheWriteThatFails) {
  server.write("before the alert");
  client.transport().set_faults({.flip_at = client.transport().sent() + 7});
  client.write("this record breaks");
  EXPECT_EQ(name_of(server.read_status()), "SALLY_TLS_BAD_RECORD");
  server.transport().close();

  EXPECT_EQ(name_of(client.write_status()), "SALLY_ALERT_BAD_RECORD_MAC");
  const ErrorRef error = client.last().error;
  EXPECT_EQ(error->detail().phase, "write");
  ASSERT_TRUE(error->detail().cause) << "how the sending failed is told too";
  EXPECT_EQ(client.read(), "before the alert") << "what came before the alert is not lost";
  EXPECT_EQ(name_of(client.read_status()), "SALLY_ALERT_BAD_RECORD_MAC");
}

}  // namespace
}  // namespace sally::test
