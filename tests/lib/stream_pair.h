// Two streams joined in memory, their handshake done, and what blocking tests need.
#pragma once

#include "lib/tls_pair.h"
#include "socket/stream.h"

#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sally::test {

// Longer than anything can take; only a failing test waits for it.
inline constexpr std::chrono::seconds too_long{60};

inline socket::Patience within(std::int64_t milliseconds) {
  return socket::Patience::until(transport::deadline_after(milliseconds));
}

// Runs `action` on a thread of its own.
template <class Action>
auto start(Action action) {
  return std::async(std::launch::async, std::move(action));
}

template <class T>
T awaited(std::future<T>& future) {
  if (future.wait_for(too_long) != std::future_status::ready) {
    ADD_FAILURE() << "nothing came";
    std::abort();  // the thread cannot be ended, and would be waited for
  }
  return future.get();
}

template <class T>
bool is_over(const std::future<T>& future,
             std::chrono::milliseconds patience = std::chrono::milliseconds(0)) {
  return future.wait_for(patience) == std::future_status::ready;
}

struct ReadResult {
  socket::Outcome outcome;
  std::string text;
  std::string status() const { return name_of(outcome.status); }
};

inline ReadResult read(socket::Stream& stream, const socket::Patience& patience = {},
                       std::size_t capacity = 65536) {
  std::vector<std::byte> buffer(capacity);
  std::size_t size = 0;
  ReadResult result{.outcome = stream.read_some(buffer, size, patience), .text = {}};
  result.text.assign(reinterpret_cast<const char*>(buffer.data()), size);
  return result;
}

// Until `size` bytes came, or reading failed.
inline ReadResult read_exactly(socket::Stream& stream, std::size_t size) {
  ReadResult all;
  while (all.text.size() < size && all.outcome.ok()) {
    ReadResult part = read(stream, {}, size - all.text.size());
    all.outcome = part.outcome;
    all.text += part.text;
  }
  return all;
}

struct WriteResult {
  socket::Outcome outcome;
  std::size_t taken = 0;
  std::string status() const { return name_of(outcome.status); }
};

inline WriteResult write(socket::Stream& stream, std::string_view text,
                         const socket::Patience& patience = {}) {
  WriteResult result;
  result.outcome = stream.write(bytes_of(text), result.taken, patience);
  return result;
}

inline std::string close(socket::Stream& stream, const socket::Patience& patience) {
  return name_of(stream.close(patience).status);
}

// One end and the wire that it sends on; faults of the wire may be set while the stream lives.
struct StreamEnd {
  Ref<socket::Stream> stream;
  transport::MemoryTransport* wire = nullptr;

  socket::Stream& operator*() const { return *stream; }
  socket::Stream* operator->() const { return stream.get(); }
};

inline StreamEnd make_stream(TlsEnd& end) {
  auto transport = end.take_transport();
  auto session = end.take_session();
  transport::MemoryTransport* wire = transport.get();
  return {make_ref<socket::Stream>(std::move(transport), std::move(session)), wire};
}

class StreamPair {
 public:
  explicit StreamPair(const Parties& parties = {}) : StreamPair(TlsPair(parties)) {}
  explicit StreamPair(TlsPair pair)
      : client(make_stream(pair.established().client())), server(make_stream(pair.server())) {}
  ~StreamPair() {
    for (StreamEnd* end : {&client, &server}) {
      if (end->stream) end->stream->abandon();
    }
  }
  StreamPair(const StreamPair&) = delete;
  StreamPair& operator=(const StreamPair&) = delete;

  StreamEnd client, server;
};

}  // namespace sally::test
