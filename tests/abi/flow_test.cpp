// Bytes over time: attempts, deadlines, writes that do not fit, several threads on one stream.
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/too_much.h"

#include <array>
#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

constexpr std::size_t block_size = 1 << 20;

// Writes the block so many times.
Result send_blocks(Stream& stream, const std::string& block, int count) {
  for (int i = 0; i < count; ++i) {
    Result result = stream.write(block);
    if (!result.ok()) return result;
  }
  return {};
}

// Reads until the block has come so many times; false where a byte differs or a read fails.
bool receive_blocks(Stream& stream, const std::string& block, int count) {
  std::string part;
  std::size_t place = 0;
  for (const std::size_t all = block.size() * static_cast<std::size_t>(count); place < all;) {
    const std::size_t offset = place % block.size();
    if (!stream.read_some(part, block.size() - offset).ok()) return false;
    if (block.compare(offset, part.size(), part) != 0) return false;
    place += part.size();
  }
  return true;
}

}  // namespace

TEST(Read, AttemptedOnAnEmptyStreamWouldBlock) {
  Pair pair = tls_pair();
  EXPECT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "x") << "it passes";
}

TEST(Read, TimesOutAtItsDeadlineAndGoesOnAfterwards) {
  Pair pair = tls_pair();
  const StopWatch watch;
  const Result late = pair.client.read_status(short_ms);
  EXPECT_EQ(late, SALLY_TIMED_OUT);
  EXPECT_GE(watch.milliseconds(), short_ms);
  EXPECT_LT(watch.milliseconds(), 30'000);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "x") << "it passes";
}

TEST(Read, WaitsForEverByDefaultAndWhenToldSo) {
  Pair pair = tls_pair();
  for (const std::int64_t timeout_ms : {SALLY_TIMEOUT_NEVER, SALLY_TIMEOUT_DEFAULT}) {
    auto reading = on_thread([&] { return pair.client.read_text(1, timeout_ms); });
    EXPECT_TRUE(goes_on(reading));
    ASSERT_EQ(pair.server.write("x"), SALLY_OK);
    EXPECT_EQ(reading.get(), "x");
  }
}

TEST(Read, GivesNoMoreThanTheCapacityAndKeepsTheRest) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.server.write("abcdef"), SALLY_OK);
  std::string bytes;
  ASSERT_EQ(pair.client.read_some(bytes, 2), SALLY_OK);
  EXPECT_EQ(bytes, "ab");
  ASSERT_EQ(pair.client.read_some(bytes, 100), SALLY_OK);
  EXPECT_EQ(bytes, "cdef");
}

TEST(Read, IsBusyWhileAnotherThreadReads) {
  Pair pair = tls_pair();
  auto reading = on_thread([&] { return pair.client.read_text(1); });
  wait_for_reader(pair.client);
  EXPECT_EQ(pair.client.read_status(), SALLY_BUSY);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(reading.get(), "x");
  EXPECT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK) << "it passes";
}

TEST(Write, OfNothingTakesNothing) {
  Pair pair = tls_pair();
  std::size_t taken = 1;
  EXPECT_EQ(pair.client.write({}, generous_ms, &taken), SALLY_OK);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(pair.server.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
}

TEST(Write, SendsWhatItTookBeforeItTimedOutAndNothingElse) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  std::size_t taken = 0;
  const StopWatch watch;
  EXPECT_EQ(pair.client.write(bytes, short_ms, &taken), SALLY_TIMED_OUT);
  EXPECT_LT(watch.milliseconds(), 30'000);
  ASSERT_LT(taken, bytes.size());
  ASSERT_GT(taken, 0u);

  // No call on the client's side: the library sends by itself.
  EXPECT_EQ(pair.server.read_text(taken), bytes.substr(0, taken));
  EXPECT_EQ(pair.server.read_status(short_ms), SALLY_TIMED_OUT);
  auto writing =
      on_thread([&] { return pair.client.write(std::string_view(bytes).substr(taken)); });
  EXPECT_EQ(pair.server.read_text(bytes.size() - taken), bytes.substr(taken));
  EXPECT_EQ(writing.get(), SALLY_OK) << "it passes";
}

TEST(Write, AttemptedTakesWhatFitsAndSendsIt) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  std::size_t all_taken = 0;
  Result result;
  while (result.ok() && all_taken < bytes.size()) {
    std::size_t taken = 0;
    result =
        pair.client.write(std::string_view(bytes).substr(all_taken), SALLY_TIMEOUT_ATTEMPT, &taken);
    all_taken += taken;
  }
  EXPECT_EQ(result, SALLY_WOULD_BLOCK);
  ASSERT_LT(all_taken, bytes.size());
  EXPECT_EQ(pair.server.read_text(all_taken), bytes.substr(0, all_taken));
}

TEST(Write, EndsProperlyBehindWhatATimedOutWriteTook) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  std::size_t taken = 0;
  EXPECT_EQ(pair.client.write(bytes, short_ms, &taken), SALLY_TIMED_OUT);
  auto closing = on_thread([&] { return pair.client.close(); });
  EXPECT_EQ(pair.server.read_text(taken), bytes.substr(0, taken));
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(pair.server.close(), SALLY_OK);
  EXPECT_EQ(closing.get(), SALLY_OK);
}

TEST(Write, OfSeveralThreadsQueuesWithoutMixing) {
  constexpr int threads = 4;
  constexpr int writes = 16;
  constexpr std::size_t size = 150'000;  // several records, and not a multiple of one
  Pair pair = tls_pair();
  std::vector<std::future<Result>> writers;
  for (int i = 0; i < threads; ++i) {
    writers.push_back(on_thread([&pair, letter = static_cast<char>('a' + i)] {
      return send_blocks(pair.client, std::string(size, letter), writes);
    }));
  }

  std::array<int, threads> counts{};
  for (int i = 0; i < threads * writes; ++i) {
    const std::string block = pair.server.read_text(size);
    ASSERT_EQ(block.size(), size);
    ASSERT_EQ(block, std::string(size, block[0])) << "bytes of two writes are mixed";
    ++counts.at(static_cast<std::size_t>(block[0] - 'a'));
  }
  for (int i = 0; i < threads; ++i) {
    EXPECT_EQ(writers[static_cast<std::size_t>(i)].get(), SALLY_OK);
    EXPECT_EQ(counts[static_cast<std::size_t>(i)], writes);
  }
}

TEST(Write, GivesUpItsPlaceInTheQueueWhenItTimesOut) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  auto first = on_thread([&] { return pair.client.write(bytes); });
  EXPECT_TRUE(goes_on(first));
  std::size_t taken = 1;
  EXPECT_EQ(pair.client.write("second", short_ms, &taken), SALLY_TIMED_OUT);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(pair.server.read_text(bytes.size()), bytes);
  EXPECT_EQ(first.get(), SALLY_OK);
  ASSERT_EQ(pair.client.write("third"), SALLY_OK);
  EXPECT_EQ(pair.server.read_text(5), "third");
}

TEST(Stream, CarriesManyMegabytesBothWaysAtOnce) {
  constexpr int count = 64;
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    Pair pair = tls_pair(version);
    const std::string up = pattern(block_size, 1);
    const std::string down = pattern(block_size, 2);
    auto client_writes = on_thread([&] { return send_blocks(pair.client, up, count); });
    auto server_writes = on_thread([&] { return send_blocks(pair.server, down, count); });
    auto server_reads = on_thread([&] { return receive_blocks(pair.server, up, count); });
    EXPECT_TRUE(receive_blocks(pair.client, down, count));
    EXPECT_TRUE(server_reads.get());
    EXPECT_EQ(client_writes.get(), SALLY_OK);
    EXPECT_EQ(server_writes.get(), SALLY_OK);
  }
}

TEST(Stream, ReadsWhileItsOwnWriterIsBlocked) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  auto writing = on_thread([&] { return pair.client.write(bytes); });
  EXPECT_TRUE(goes_on(writing));
  ASSERT_EQ(pair.server.write("hello"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(5), "hello");
  EXPECT_EQ(pair.server.read_text(bytes.size()), bytes);
  EXPECT_EQ(writing.get(), SALLY_OK);
}
