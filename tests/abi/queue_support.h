// Operations for tests of queues, which care about how these end and not about what they do.
#pragma once

#include "lib/async.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace sally::test {

inline char ignored[4096];

// Completes at once.
inline Result flush(Stream& stream, const Queue& queue, std::uint64_t tag,
                    sally_operation** operation = nullptr) {
  const sally_completion completion = queue.completion(tag);
  return called([&](sally_error** error) {
    return sally_stream_flush_async(stream.get(), 0, &completion, operation, error);
  });
}

// Completes with what the peer sends, into a buffer where nobody looks.
inline Result read(Stream& stream, const Queue& queue, std::uint64_t tag,
                   sally_operation** operation = nullptr, std::int64_t timeout_ms = 0) {
  const sally_completion completion = queue.completion(tag);
  return called([&](sally_error** error) {
    return sally_stream_read_some_async(stream.get(), ignored, sizeof ignored, timeout_ms,
                                        &completion, operation, error);
  });
}

// Completes when there is something to read; any number may be pending.
inline Result wait_readable(Stream& stream, const Queue& queue, std::uint64_t tag,
                            sally_operation** operation = nullptr) {
  const sally_completion completion = queue.completion(tag);
  return called([&](sally_error** error) {
    return sally_stream_wait_async(stream.get(), SALLY_DIRECTION_READ, 0, &completion, operation,
                                   error);
  });
}

inline bool becomes_readable(const Queue& queue) {
  pollfd polled{queue.descriptor(), POLLIN, 0};
  return ::poll(&polled, 1, generous_ms) == 1;
}

// Until the operations of this stream that were submitted before, and could complete, have: one that
// was submitted behind them has.
inline void let_complete(Stream& stream) {
  Queue queue;
  ASSERT_EQ(flush(stream, queue, 0), SALLY_OK);
  ASSERT_EQ(queue.next()->kind, SALLY_EVENT_DONE);
}

// Fills the queue with `count` events, tagged from 0 on, and returns when all of them wait.
inline void fill(Stream& stream, const Queue& queue, std::uint64_t count) {
  for (std::uint64_t tag = 0; tag < count; ++tag) ASSERT_EQ(flush(stream, queue, tag), SALLY_OK);
  let_complete(stream);
}

}  // namespace sally::test
