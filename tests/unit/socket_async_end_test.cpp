// Asynchronous operations that are ended from outside, at every point where they can be suspended.
#include "lib/async_stream.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <tuple>

#include <sallyport/stream.h>

namespace sally::test {
namespace {

using socket::Patience;
using socket::Verb;
using transport::Interest;

// What the operation waits for when it is ended.
enum class Waiting {
  to_read,
  to_read_exactly,  // half of it came
  to_read_until,
  to_be_readable,
  to_be_writable,
  to_write,         // a part was taken
  to_write_behind,  // another writes
  to_be_sent,       // all of it was taken
  to_flush,
  to_shut_down,
  to_close
};
constexpr Waiting every_wait[] = {
    Waiting::to_read,         Waiting::to_read_exactly, Waiting::to_read_until,
    Waiting::to_be_readable,  Waiting::to_be_writable,  Waiting::to_write,
    Waiting::to_write_behind, Waiting::to_be_sent,      Waiting::to_flush,
    Waiting::to_shut_down,    Waiting::to_close};

enum class By { operation, stream, deadline, close, abandon, cut, reset };
constexpr By every_end[] = {By::operation, By::stream, By::deadline, By::close,
                            By::abandon,   By::cut,    By::reset};

std::string label(const testing::TestParamInfo<std::tuple<Waiting, By>>& row) {
  constexpr std::array waits = {"ToRead",       "ToReadExactly", "ToReadUntil",   "ToBeReadable",
                                "ToBeWritable", "ToWrite",       "ToWriteBehind", "ToBeSent",
                                "ToFlush",      "ToShutDown",    "ToClose"};
  constexpr std::array ends = {"Operation", "Stream", "Deadline", "Close",
                               "Abandon",   "Cut",    "Reset"};
  return std::string(waits[static_cast<std::size_t>(std::get<0>(row.param))]) + "EndedBy" +
         ends[static_cast<std::size_t>(std::get<1>(row.param))];
}

const std::string much(200'000, 'x');
const std::string little(1000, 'y');

bool waits_to_send(Waiting waiting) {
  return waiting != Waiting::to_read && waiting != Waiting::to_read_exactly &&
         waiting != Waiting::to_read_until && waiting != Waiting::to_be_readable &&
         waiting != Waiting::to_close;
}

class AsyncEnd : public testing::TestWithParam<std::tuple<Waiting, By>> {
 protected:
  Waiting waiting() const { return std::get<0>(GetParam()); }
  By by() const { return std::get<1>(GetParam()); }
  socket::Stream& ours() const { return *pair->client; }

  Started begin(transport::Deadline deadline) {
    if (waits_to_send(waiting())) pair->client.wire->set_faults({.capacity = 10});
    switch (waiting()) {
      case Waiting::to_read:
        return Started(ours(), Verb::read_some, 100, {}, deadline);
      case Waiting::to_read_exactly:
        write(*pair->server, "half");
        return Started(ours(), Verb::read_exactly, 8, {}, deadline);
      case Waiting::to_read_until:
        write(*pair->server, "half");
        return Started(ours(), Verb::read_until, 100, "\n", deadline);
      case Waiting::to_be_readable:
        return Started(ours(), {.verb = Verb::wait, .interest = Interest::read}, deadline);
      case Waiting::to_be_writable:
        write(ours(), much, Patience::none());
        return Started(ours(), {.verb = Verb::wait, .interest = Interest::write}, deadline);
      case Waiting::to_write:
        return start_write(ours(), much, false, deadline);
      case Waiting::to_write_behind:
        others.push_back(start_write(ours(), much));
        return start_write(ours(), much, false, deadline);
      case Waiting::to_be_sent:
        return start_write(ours(), little, false, deadline);
      case Waiting::to_flush:
        write(ours(), little, Patience::none());
        return start_verb(ours(), Verb::flush, deadline);
      case Waiting::to_shut_down:
        write(ours(), little, Patience::none());
        return start_verb(ours(), Verb::shutdown, deadline);
      case Waiting::to_close:
        break;
    }
    return start_verb(ours(), Verb::close, deadline);
  }

  void end(const Started& operation) {
    switch (by()) {
      case By::operation:
        return operation.cancel();
      case By::stream:
        return ours().cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
      case By::deadline:
        return;
      case By::close:
        static_cast<void>(ours().close(Patience::none()));
        return;
      case By::abandon:
        ours().abandon();
        pair->client.stream = {};
        return;
      case By::cut:
        pair->server.wire->cut();
        return pair->client.wire->set_faults({.reset_at = 0});
      case By::reset:
        pair->server.wire->set_faults({.reset_at = 0});
        return pair->client.wire->set_faults({.reset_at = 0});
    }
  }

  std::set<std::string> expected() const {
    const bool closes = waiting() == Waiting::to_close;
    switch (by()) {
      case By::operation:
      case By::stream:
        return {"SALLY_CANCELED"};
      case By::deadline:
        return {"SALLY_TIMED_OUT"};
      case By::close:
        // A second close finds nothing to do, and the first goes on.
        return {closes ? "SALLY_TIMED_OUT" : "SALLY_CLOSED"};
      case By::abandon:
        return {"SALLY_CANCELED"};
      case By::cut:
      case By::reset:
        break;
    }
    if (waiting() == Waiting::to_be_readable || waiting() == Waiting::to_be_writable) {
      return {"SALLY_OK"};  // the read or write will tell
    }
    return {"SALLY_CONNECTION_RESET", "SALLY_TRUNCATED"};
  }

  std::optional<StreamPair> pair{std::in_place};
  std::vector<Started> others;
};

INSTANTIATE_TEST_SUITE_P(Everywhere, AsyncEnd,
                         testing::Combine(testing::ValuesIn(every_wait),
                                          testing::ValuesIn(every_end)),
                         label);

TEST_P(AsyncEnd, CompletesOnceWithItsReason) {
  const bool closing_twice = by() == By::close && waiting() == Waiting::to_close;
  const bool has_deadline = by() == By::deadline || closing_twice;
  Started operation = begin(has_deadline ? after(30) : transport::never);
  settle(ours());  // it waits now
  if (!has_deadline) {
    EXPECT_FALSE(operation.is_over()) << operation.status();
  }
  end(operation);
  EXPECT_TRUE(expected().count(operation.status()) == 1) << operation.status();
  if (waiting() == Waiting::to_read_exactly || waiting() == Waiting::to_read_until) {
    EXPECT_EQ(operation.text(), "half") << "what came is the caller's";
  }
  if (waiting() == Waiting::to_be_sent) {
    EXPECT_EQ(operation.size(), little.size());
  }
  for (Started& other : others) other.cancel();
  for (Started& other : others) other.status();
}

TEST_P(AsyncEnd, LeavesTheStreamUsableWhereItWasOnlyTheOperation) {
  const bool spares_the_stream =
      by() == By::operation || by() == By::stream || by() == By::deadline;
  if (!spares_the_stream || waiting() == Waiting::to_close) return;
  Started operation = begin(by() == By::deadline ? after(30) : transport::never);
  settle(ours());
  end(operation);
  operation.status();
  for (Started& other : others) other.cancel();
  std::size_t promised = operation.size();
  for (Started& other : others) promised += other.size();

  write(*pair->server, "ping");
  EXPECT_EQ(start_read(ours()).text(), "ping");
  pair->client.wire->set_faults({});
  if (waiting() == Waiting::to_shut_down) {
    EXPECT_EQ(read_exactly(*pair->server, little.size()).text, little);
    EXPECT_EQ(read(*pair->server).status(), "SALLY_END_OF_STREAM");
    return;
  }
  auto writing = start_write(ours(), "pong");
  std::string arrived;
  while (arrived.find("pong") == std::string::npos) {
    const ReadResult got = read(*pair->server, within(20'000));
    ASSERT_EQ(got.status(), "SALLY_OK");
    arrived += got.text;
  }
  EXPECT_EQ(writing.status(), "SALLY_OK");
  const bool only_writes = waiting() == Waiting::to_write ||
                           waiting() == Waiting::to_write_behind ||
                           waiting() == Waiting::to_be_sent;
  if (only_writes) {
    EXPECT_EQ(arrived.size(), promised + 4) << "what was taken is sent, nothing else";
  }
}

TEST(AsyncEnd, OfAnOperationThatIsOverDoesNothing) {
  StreamPair pair;
  write(*pair.client, "hello");
  auto reading = start_read(*pair.server);
  EXPECT_EQ(reading.text(), "hello");
  reading.cancel();
  write(*pair.client, "more");
  EXPECT_EQ(start_read(*pair.server).text(), "more");
}

TEST(AsyncEnd, OfADeadlineThatHasPassedIsATimeOutAndNotInsideTheCall) {
  StreamPair pair;
  EXPECT_EQ(Started(*pair.server, Verb::read_some, 10, {}, transport::Clock::now()).status(),
            "SALLY_TIMED_OUT");
}

TEST(AsyncEnd, RacingWithTheResultIsEitherAndOnce) {
  StreamPair pair;
  for (int round = 0; round < 300; ++round) {
    auto reading = start_read(*pair.server);
    auto writing = start([&] { write(*pair.client, "x"); });
    reading.cancel();
    const std::string status = reading.status();
    writing.get();
    if (status == "SALLY_OK") continue;
    ASSERT_EQ(status, "SALLY_CANCELED");
    ASSERT_EQ(read(*pair.server).text, "x");
  }
}

TEST(AsyncEnd, FromManyThreadsAtOnceIsOnce) {
  for (int round = 0; round < 30; ++round) {
    StreamPair pair;
    pair.client.wire->set_faults({.capacity = 10});
    auto reading = start_read(*pair.client);
    auto writing = start_write(*pair.client, much);
    auto waiting = start_wait(*pair.client, Interest::read);
    auto cancels = start([&] { reading.cancel(); });
    auto closes = start([&] { static_cast<void>(pair.client->close(within(5))); });
    auto all = start([&] { pair.client->cancel(SALLY_DIRECTION_WRITE); });
    cancels.get();
    closes.get();
    all.get();
    for (Started* each : {&reading, &writing, &waiting}) {
      const std::string status = each->status();
      EXPECT_TRUE(status == "SALLY_CANCELED" || status == "SALLY_CLOSED") << status;
    }
  }
}

TEST(AsyncEnd, OfAllWithTheLastReferenceWaitsForNobody) {
  std::vector<Started> all;
  {
    StreamPair pair;
    pair.client.wire->set_faults({.capacity = 10});
    all.push_back(start_read(*pair.client));
    all.push_back(start_write(*pair.client, much));
    all.push_back(start_wait(*pair.client, Interest::read));
    all.push_back(start_verb(*pair.client, Verb::flush));
  }
  for (Started& each : all) EXPECT_EQ(each.status(), "SALLY_CANCELED");
}

}  // namespace
}  // namespace sally::test
