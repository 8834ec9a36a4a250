// What the events of each kind of operation carry, and operations that are cancelled.
#include "abi/queue_support.h"

#include <gtest/gtest.h>

using namespace sally::test;

TEST(Event, OfAnAcceptCarriesTheStream) {
  Listener listener(server_config());
  const auto config = client_config();
  Queue queue;
  const sally_completion completion = queue.completion(8);
  ASSERT_EQ(sally_listener_accept_async(listener.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  Stream client = listener.stream(config.get());
  ASSERT_EQ(client.connect(), SALLY_OK);
  Event event = queue.next();
  EXPECT_EQ(event->kind, SALLY_EVENT_ACCEPTED);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->tag, 8u);
  EXPECT_EQ(event->error, nullptr);
  Stream server = event.take_stream();
  ASSERT_EQ(server.write("x"), SALLY_OK);
  EXPECT_EQ(client.read_text(1), "x");
}

TEST(Event, OfAnAcceptThatFailedCarriesTheErrorOnly) {
  Listener listener(server_config());
  Queue queue;
  const sally_completion completion = queue.completion(8);
  for (const std::int64_t timeout_ms : {short_ms, SALLY_TIMEOUT_NEVER}) {
    ASSERT_EQ(
        sally_listener_accept_async(listener.get(), timeout_ms, &completion, nullptr, nullptr),
        SALLY_OK);
    if (timeout_ms == SALLY_TIMEOUT_NEVER) listener.close();
    const Event event = queue.next();
    const sally_status expected = timeout_ms == short_ms ? SALLY_TIMED_OUT : SALLY_CLOSED;
    EXPECT_EQ(event->kind, SALLY_EVENT_ACCEPTED);
    EXPECT_EQ(event->status, expected);
    EXPECT_EQ(sally_error_status(event->error), expected);
    EXPECT_EQ(event->object, nullptr);
  }
}

TEST(Event, OfARefusalCarriesThePeerAndWhy) {
  Listener listener(server_config());
  const auto stranger = client_config({});  // shows no certificate
  Queue queue;
  const sally_completion completion = queue.completion(9);
  ASSERT_EQ(sally_listener_next_refusal_async(listener.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  Stream client = listener.stream(stranger.get());
  ASSERT_EQ(client.connect(), SALLY_OK);
  const Event event = queue.next();
  EXPECT_EQ(event->kind, SALLY_EVENT_REFUSED);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->tag, 9u);
  EXPECT_EQ(sally_error_status(event->error), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  const auto* peer = static_cast<const sally_bytes*>(event->object);
  EXPECT_EQ(std::string(static_cast<const char*>(sally_bytes_data(peer))).substr(0, 10),
            "127.0.0.1:");
}

TEST(Operation, CanceledCompletesOnceAndLeavesTheStreamUsable) {
  Pair pair = tls_pair();
  Queue queue;
  Owned<sally_operation> operation;
  ASSERT_EQ(read(pair.client, queue, 3, Out(operation)), SALLY_OK);
  sally_operation_cancel(operation.get());
  sally_operation_cancel(operation.get());
  const Event event = queue.next();
  EXPECT_EQ(event->status, SALLY_CANCELED);
  EXPECT_EQ(event->tag, 3u);
  EXPECT_EQ(event->size, 0u);
  sally_operation_cancel(operation.get());  // complete: does nothing
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "x");
  EXPECT_EQ(queue.take_status(), SALLY_WOULD_BLOCK);
}

TEST(Operation, CanceledAfterItsResultKeepsTheResult) {
  Pair pair = tls_pair();
  Queue queue;
  Owned<sally_operation> operation;
  ASSERT_EQ(flush(pair.client, queue, 1, Out(operation)), SALLY_OK);
  ASSERT_TRUE(becomes_readable(queue));
  sally_operation_cancel(operation.get());
  EXPECT_EQ(queue.next()->status, SALLY_OK);
}

TEST(Operation, CanceledEndsNoOther) {
  Pair pair = tls_pair();
  Queue queue;
  Owned<sally_operation> first;
  Owned<sally_operation> second;
  ASSERT_EQ(wait_readable(pair.client, queue, 1, Out(first)), SALLY_OK);
  ASSERT_EQ(wait_readable(pair.client, queue, 2, Out(second)), SALLY_OK);
  sally_operation_cancel(first.get());
  EXPECT_EQ(queue.next()->tag, 1u);
  let_complete(pair.client);
  EXPECT_EQ(queue.take_status(), SALLY_WOULD_BLOCK);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  const Event event = queue.next();
  EXPECT_EQ(event->tag, 2u);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->size, static_cast<std::uint64_t>(SALLY_DIRECTION_READ));
}

TEST(Operation, ReleasedGoesOn) {
  Pair pair = tls_pair();
  Queue queue;
  Owned<sally_operation> operation;
  ASSERT_EQ(read(pair.client, queue, 4, Out(operation)), SALLY_OK);
  operation.reset();
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(queue.next()->size, 1u);
}

TEST(Operation, OutlivesItsStreamAndItsQueue) {
  Pair pair = tls_pair();
  Queue queue;
  Owned<sally_operation> operation;
  ASSERT_EQ(read(pair.client, queue, 4, Out(operation)), SALLY_OK);
  pair.client.release();
  const Event event = queue.next();
  EXPECT_TRUE(event->status == SALLY_CANCELED || event->status == SALLY_CLOSED) << event->status;
  queue.release();
  sally_operation_cancel(operation.get());
}

TEST(Operation, OnAListenerIsCanceledToo) {
  Listener listener(server_config());
  Queue queue;
  const sally_completion completion = queue.completion(6);
  for (const auto submit : {sally_listener_accept_async, sally_listener_next_refusal_async}) {
    Owned<sally_operation> operation;
    ASSERT_EQ(submit(listener.get(), 0, &completion, Out(operation), nullptr), SALLY_OK);
    sally_operation_cancel(operation.get());
    sally_operation_cancel(operation.get());
    EXPECT_EQ(queue.next()->status, SALLY_CANCELED);
  }
  const auto config = client_config();
  const Pair pair = connect_pair(listener, config.get());
  EXPECT_EQ(queue.take_status(), SALLY_WOULD_BLOCK);
}
