// A forked child, and what its parent has pending: queues, operations and runtimes.
#include "abi/fork_support.h"
#include "abi/queue_support.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

Result call(const Queue& queue, std::uint64_t tag,
            const std::function<sally_status(const sally_completion*, sally_error**)>& submit) {
  const sally_completion completion = queue.completion(tag);
  return called([&](sally_error** error) { return submit(&completion, error); });
}

sally_status create_on(sally_runtime* runtime, sally_tls_config* config,
                       Owned<sally_stream>& stream) {
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "localhost";
  options.service = "443";
  options.tls = config;
  options.runtime = runtime;
  return sally_stream_create(&options, Out(stream), nullptr);
}

bool delivers(Stream& reader, Stream& writer, Queue& queue) {
  if (!read(reader, queue, 77).ok() || !writer.write("ping").ok()) return false;
  const Event event = queue.next();
  return event->tag == 77 && event->status == SALLY_OK && event->size == 4;
}

}  // namespace

TEST(Fork, MakesInheritedQueuesAndRuntimesAnswerForked) {
  Listener listener(server_config());
  Pair pair = tls_pair();
  Queue queue;
  const auto runtime = make_runtime(0, 1);
  const auto caller_run = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  EXPECT_TRUE(in_child([&] {
    REQUIRE(queue.take_status() == SALLY_FORKED);
    REQUIRE(queue.take_status(SALLY_TIMEOUT_NEVER) == SALLY_FORKED);
    REQUIRE(queue.close() == SALLY_FORKED);
    REQUIRE(sally_queue_fd(queue.get()) == -1);
    REQUIRE(sally_runtime_run(caller_run.get(), 0, nullptr) == SALLY_FORKED);
    REQUIRE(sally_runtime_wake(caller_run.get(), nullptr) == SALLY_FORKED);
    const auto own = client_config({});
    Owned<sally_stream> stream;
    REQUIRE(create_on(runtime.get(), own.get(), stream) == SALLY_FORKED);
    REQUIRE(sally_listener_drain(listener.get(), 0, nullptr) == SALLY_FORKED);
    char buffer[4];
    std::size_t size = 1;
    std::uint32_t ready = 0;
    REQUIRE(sally_stream_read_exactly(pair.client.get(), buffer, 4, &size, 0, nullptr) ==
            SALLY_FORKED);
    REQUIRE(sally_stream_wait(pair.client.get(), 1, &ready, 0, nullptr) == SALLY_FORKED);
    REQUIRE(sally_stream_flush(pair.client.get(), 0, nullptr) == SALLY_FORKED);
    REQUIRE(sally_stream_upgrade(pair.client.get(), own.get(), "x", 0, nullptr) == SALLY_FORKED);
    return true;
  }));
  EXPECT_TRUE(delivers(pair.client, pair.server, queue));
}

TEST(Fork, MakesSubmittingAnswerForked) {
  Listener listener(server_config());
  Pair pair = tls_pair();
  Queue queue;
  const auto config = client_config();
  EXPECT_TRUE(in_child([&] {
    REQUIRE(read(pair.client, queue, 1) == SALLY_FORKED);
    REQUIRE(flush(pair.client, queue, 1) == SALLY_FORKED);
    REQUIRE(call(queue, 1, [&](auto completion, auto error) {
              return sally_listener_accept_async(listener.get(), 0, completion, nullptr, error);
            }) == SALLY_FORKED);
    // To a function, which is then done with what it was given.
    Spy spy;
    const sally_completion completion = spy.completion();
    REQUIRE(sally_stream_flush_async(pair.client.get(), 0, &completion, nullptr, nullptr) ==
            SALLY_FORKED);
    REQUIRE(sally_listener_drain_async(listener.get(), 0, &completion, nullptr, nullptr) ==
            SALLY_FORKED);
    REQUIRE(spy.frees == 2 && spy.calls == 0);
    // A child's own stream does not take its parent's queue.
    const auto own = client_config({});
    Stream idle(own.get(), "127.0.0.1", "1");
    REQUIRE(call(queue, 1, [&](auto to_queue, auto error) {
              return sally_stream_connect_async(idle.get(), 0, to_queue, nullptr, error);
            }) == SALLY_FORKED);
    return true;
  }));
  EXPECT_TRUE(delivers(pair.client, pair.server, queue));
  const Pair accepted = connect_pair(listener, config.get());
  EXPECT_NE(accepted.server.get(), nullptr) << "the child has not drained it";
}

TEST(Fork, LeavesTheParentsOperationsPending) {
  Pair pair = tls_pair();
  Queue queue;
  Spy spy;
  sally_completion completion = spy.completion();
  completion.tag = 5;
  completion.function = nullptr;
  completion.queue = queue.get();
  char buffer[16];
  Owned<sally_operation> operation;
  ASSERT_EQ(sally_stream_read_some_async(pair.client.get(), buffer, sizeof buffer, 0, &completion,
                                         Out(operation), nullptr),
            SALLY_OK);
  let_complete(pair.client);
  EXPECT_TRUE(in_child([&] {
    sally_operation_cancel(operation.get());
    sally_operation_release(sally_operation_retain(operation.get()));
    operation.reset();
    queue.release();
    pair.client.release();
    pair.server.release();
    REQUIRE(spy.frees == 0);
    return true;
  }));
  EXPECT_EQ(queue.take_status(), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  ASSERT_TRUE(becomes_readable(queue));
  const Event event = queue.next();
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->tag, 5u);
  EXPECT_EQ(event->size, 1u);
  EXPECT_FALSE(queue.is_readable()) << "the child shares the descriptor no more";
  EXPECT_TRUE(delivers(pair.client, pair.server, queue));
}

TEST(Fork, LeavesWaitingEventsToTheParent) {
  Pair pair = tls_pair();
  Queue queue;
  fill(pair.client, queue, 3);
  EXPECT_TRUE(in_child([&] {
    REQUIRE(queue.take_status() == SALLY_FORKED);
    queue.release();
    return true;
  }));
  EXPECT_TRUE(queue.is_readable());
  EXPECT_EQ(queue.take(10).size(), 3u);
}

TEST(Fork, LetsTheChildReleaseRuntimes) {
  auto runtime = make_runtime(0, 2);
  auto caller_run = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  sally_listener_options options{};
  options.runtime = runtime.get();
  Listener listener(server_config(), options);
  EXPECT_TRUE(in_child([&] {
    listener.release();
    runtime.reset();
    caller_run.reset();
    return true;
  }));
  const auto config = client_config();
  Pair pair = connect_pair(listener, config.get());
  Queue queue;
  EXPECT_TRUE(delivers(pair.server, pair.client, queue)) << "its threads go on";
  EXPECT_EQ(sally_runtime_wake(caller_run.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_runtime_run(caller_run.get(), generous_ms, nullptr), SALLY_OK);
}

TEST(Fork, GivesTheChildQueuesAndRuntimesOfItsOwn) {
  if (!child_may_start_threads) GTEST_SKIP() << "ThreadSanitizer knows no threads after fork";
  Pair pair = tls_pair();
  Queue queue;
  const auto inherited = make_runtime(0, 1);
  ASSERT_TRUE(delivers(pair.client, pair.server, queue));
  EXPECT_TRUE(in_child([&] {
    const auto runtime = make_runtime(0, 2);
    sally_listener_options options{};
    options.runtime = runtime.get();
    Listener listener(server_config(), options);
    const auto config = client_config();
    Pair own = connect_pair(listener, config.get());
    Queue of_child;
    REQUIRE(delivers(own.server, own.client, of_child));
    REQUIRE(delivers(own.client, own.server, of_child));
    REQUIRE(of_child.close().ok());
    const auto caller_run = make_runtime(SALLY_RUNTIME_CALLER_RUN);
    REQUIRE(sally_runtime_wake(caller_run.get(), nullptr) == SALLY_OK);
    REQUIRE(sally_runtime_run(caller_run.get(), generous_ms, nullptr) == SALLY_OK);
    return true;
  }));
  EXPECT_TRUE(delivers(pair.client, pair.server, queue));
}
