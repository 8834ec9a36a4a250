// The operations of a stream, each in its two forms: blocking, and asynchronous.
#include "abi/boundary.h"
#include "abi/completion.h"
#include "abi/handles.h"
#include "abi/patience.h"
#include "abi/peer_name.h"
#include "abi/stream_options.h"

#include <span>
#include <utility>

#include <sallyport/stream.h>

using sally::make_ref;
using sally::abi::default_close_ms;
using sally::abi::default_connect_ms;
using sally::abi::default_handshake_ms;
using sally::abi::guarded;
using sally::abi::Outcome;
using sally::abi::require;
using sally::abi::to_completion;
using sally::abi::to_patience;
using sally::abi::usable;
using sally::socket::Piece;
using sally::socket::Request;
using sally::socket::StreamOperation;
using sally::socket::Verb;
using sally::transport::Interest;

namespace {

constexpr std::uint32_t both_directions = SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE;
constexpr std::size_t longest_delimiter = 256;
constexpr std::size_t most_buffers = 1 << 20;

// What is asked for, from the arguments of either form. Each throws Failure(SALLY_INVALID_ARGUMENT).

Request connect_request(int64_t timeout_ms) {
  require(timeout_ms != SALLY_TIMEOUT_ATTEMPT,
          "connecting cannot be attempted: it always takes time");
  // A time-out that the caller chose is for the whole; the default one has its handshake bounded
  // too.
  const bool chosen = timeout_ms != SALLY_TIMEOUT_DEFAULT;
  return {.verb = Verb::connect, .handshake_ms = chosen ? 0 : default_handshake_ms};
}

Request upgrade_request(const sally_stream& stream, sally_tls_config* tls, const char* verify_name,
                        int64_t timeout_ms) {
  require(timeout_ms != SALLY_TIMEOUT_ATTEMPT, "a handshake cannot be attempted");
  require(tls != nullptr, "tls is NULL");
  auto& config = usable(tls);
  Request request{.verb = Verb::upgrade};
  const bool has_name = verify_name != nullptr && *verify_name != '\0';
  if (config.object->role() == SALLY_ROLE_SERVER) {
    require(!has_name, "a server's peer has no name to verify");
  } else {
    request.peer_name =
        has_name ? sally::abi::to_peer_name(verify_name) : stream.object->peer_name();
    require(!request.peer_name.text.empty(), "verify_name is needed: no host was connected to");
  }
  sally::abi::require_decider(*config.object->freeze(), stream.object->has_decider());
  request.config = config.object;
  return request;
}

Request read_request(Verb verb, void* buffer, size_t capacity) {
  require(buffer != nullptr && capacity > 0, "buffer is NULL or capacity is 0");
  return {.verb = verb, .into = {static_cast<std::byte*>(buffer), capacity}};
}

Request read_until_request(void* buffer, size_t capacity, const void* delimiter,
                           size_t delimiter_size) {
  Request request = read_request(Verb::read_until, buffer, capacity);
  require(delimiter != nullptr && delimiter_size > 0, "delimiter is NULL or empty");
  require(delimiter_size <= longest_delimiter, "delimiter is too long");
  const auto* bytes = static_cast<const std::byte*>(delimiter);
  request.delimiter.assign(bytes, bytes + delimiter_size);
  return request;
}

Request wait_request(uint32_t interest) {
  require(interest != 0 && (interest & ~both_directions) == 0,
          "interest is not of SALLY_DIRECTION_*");
  return {.verb = Verb::wait, .interest = static_cast<Interest>(interest)};
}

bool has_more(uint32_t flags) {
  require((flags & ~std::uint32_t{SALLY_MORE}) == 0, "a flag is not known");
  return (flags & SALLY_MORE) != 0;
}

Request write_request(const void* data, size_t size, uint32_t flags) {
  require(data != nullptr || size == 0, "data is NULL");
  return {.verb = Verb::write,
          .data = {static_cast<const std::byte*>(data), size},
          .more = has_more(flags)};
}

Request writev_request(const sally_buffer* buffers, size_t count, uint32_t flags) {
  require(buffers != nullptr || count == 0, "buffers is NULL");
  require(count <= most_buffers, "there are too many buffers");
  Request request{.verb = Verb::write, .more = has_more(flags)};
  request.pieces.reserve(count);
  for (const sally_buffer& buffer : std::span(buffers, count)) {
    require(buffer.data != nullptr || buffer.size == 0, "the data of a buffer is NULL");
    if (buffer.size == 0) continue;
    request.pieces.emplace_back(static_cast<const std::byte*>(buffer.data), buffer.size);
  }
  return request;
}

// Both forms, once the request is known. `build` makes it from the handle, and may throw.

template <class Build>
sally_status run(sally_stream* stream, int64_t timeout_ms, int64_t default_ms, size_t* moved,
                 sally_error** error, Build&& build) {
  return guarded(error, [&]() -> Outcome {
    auto& handle = usable(stream);
    Request request = build(handle);
    const auto patience = to_patience(timeout_ms, default_ms);
    std::size_t count = 0;
    Outcome outcome = handle.object->run(std::move(request), patience, count);
    if (moved != nullptr) *moved = count;
    return outcome;
  });
}

template <class Build>
sally_status start(sally_stream* stream, int64_t timeout_ms, int64_t default_ms,
                   const sally_completion* completion, sally_operation** operation,
                   sally_error** error, Build&& build) {
  return guarded(error, [&] {
    auto target = to_completion(completion);
    auto& handle = usable(stream);
    Request request = build(handle);
    const auto patience = to_patience(timeout_ms, default_ms);
    require(!patience.attempt, "an asynchronous operation cannot be an attempt");
    sally::abi::start(*handle.object,
                      make_ref<StreamOperation>(handle.object, std::move(request),
                                                patience.deadline, std::move(target)),
                      operation);
    return SALLY_OK;
  });
}

constexpr int64_t never = SALLY_TIMEOUT_NEVER;

}  // namespace

sally_status sally_stream_connect(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return run(stream, timeout_ms, default_connect_ms, nullptr, error,
             [&](auto&) { return connect_request(timeout_ms); });
}

sally_status sally_stream_connect_async(sally_stream* stream, int64_t timeout_ms,
                                        const sally_completion* completion,
                                        sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, default_connect_ms, completion, operation, error,
               [&](auto&) { return connect_request(timeout_ms); });
}

sally_status sally_stream_upgrade(sally_stream* stream, sally_tls_config* tls,
                                  const char* verify_name, int64_t timeout_ms,
                                  sally_error** error) {
  return run(stream, timeout_ms, default_handshake_ms, nullptr, error,
             [&](auto& handle) { return upgrade_request(handle, tls, verify_name, timeout_ms); });
}

sally_status sally_stream_upgrade_async(sally_stream* stream, sally_tls_config* tls,
                                        const char* verify_name, int64_t timeout_ms,
                                        const sally_completion* completion,
                                        sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, default_handshake_ms, completion, operation, error,
               [&](auto& handle) { return upgrade_request(handle, tls, verify_name, timeout_ms); });
}

sally_status sally_stream_authenticate(sally_stream* stream, int64_t timeout_ms,
                                       sally_error** error) {
  return run(stream, timeout_ms, default_handshake_ms, nullptr, error,
             [](auto&) { return Request{.verb = Verb::authenticate}; });
}

sally_status sally_stream_authenticate_async(sally_stream* stream, int64_t timeout_ms,
                                             const sally_completion* completion,
                                             sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, default_handshake_ms, completion, operation, error,
               [](auto&) { return Request{.verb = Verb::authenticate}; });
}

sally_status sally_stream_read_some(sally_stream* stream, void* buffer, size_t capacity,
                                    size_t* size, int64_t timeout_ms, sally_error** error) {
  if (size != nullptr) *size = 0;
  return run(stream, timeout_ms, never, size, error, [&](auto&) {
    require(size != nullptr, "size is NULL");
    return read_request(Verb::read_some, buffer, capacity);
  });
}

sally_status sally_stream_read_some_async(sally_stream* stream, void* buffer, size_t capacity,
                                          int64_t timeout_ms, const sally_completion* completion,
                                          sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return read_request(Verb::read_some, buffer, capacity); });
}

sally_status sally_stream_read_exactly(sally_stream* stream, void* buffer, size_t capacity,
                                       size_t* size, int64_t timeout_ms, sally_error** error) {
  if (size != nullptr) *size = 0;
  return run(stream, timeout_ms, never, size, error, [&](auto&) {
    require(size != nullptr, "size is NULL");
    return read_request(Verb::read_exactly, buffer, capacity);
  });
}

sally_status sally_stream_read_exactly_async(sally_stream* stream, void* buffer, size_t capacity,
                                             int64_t timeout_ms, const sally_completion* completion,
                                             sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return read_request(Verb::read_exactly, buffer, capacity); });
}

sally_status sally_stream_read_until(sally_stream* stream, void* buffer, size_t capacity,
                                     const void* delimiter, size_t delimiter_size, size_t* size,
                                     int64_t timeout_ms, sally_error** error) {
  if (size != nullptr) *size = 0;
  return run(stream, timeout_ms, never, size, error, [&](auto&) {
    require(size != nullptr, "size is NULL");
    return read_until_request(buffer, capacity, delimiter, delimiter_size);
  });
}

sally_status sally_stream_read_until_async(sally_stream* stream, void* buffer, size_t capacity,
                                           const void* delimiter, size_t delimiter_size,
                                           int64_t timeout_ms, const sally_completion* completion,
                                           sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error, [&](auto&) {
    return read_until_request(buffer, capacity, delimiter, delimiter_size);
  });
}

sally_status sally_stream_wait(sally_stream* stream, uint32_t interest, uint32_t* ready,
                               int64_t timeout_ms, sally_error** error) {
  std::size_t found = 0;
  const sally_status status = run(stream, timeout_ms, never, &found, error, [&](auto&) {
    require(ready != nullptr, "ready is NULL");
    return wait_request(interest);
  });
  if (status == SALLY_OK) *ready = static_cast<std::uint32_t>(found);
  return status;
}

sally_status sally_stream_wait_async(sally_stream* stream, uint32_t interest, int64_t timeout_ms,
                                     const sally_completion* completion,
                                     sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return wait_request(interest); });
}

sally_status sally_stream_write(sally_stream* stream, const void* data, size_t size, uint32_t flags,
                                size_t* taken, int64_t timeout_ms, sally_error** error) {
  // The usual fate of a small message of which more follow; whatever is unusual is told below.
  const bool may_pack = flags == SALLY_MORE && data != nullptr && taken != nullptr &&
                        timeout_ms >= SALLY_TIMEOUT_ATTEMPT && stream != nullptr;
  if (may_pack && !stream->inherited() &&
      stream->object->pack({static_cast<const std::byte*>(data), size})) {
    *taken = size;
    return SALLY_OK;
  }
  if (taken != nullptr) *taken = 0;
  return run(stream, timeout_ms, never, taken, error, [&](auto&) {
    require(taken != nullptr, "taken is NULL");
    return write_request(data, size, flags);
  });
}

sally_status sally_stream_write_async(sally_stream* stream, const void* data, size_t size,
                                      uint32_t flags, int64_t timeout_ms,
                                      const sally_completion* completion,
                                      sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return write_request(data, size, flags); });
}

sally_status sally_stream_writev(sally_stream* stream, const sally_buffer* buffers, size_t count,
                                 uint32_t flags, size_t* taken, int64_t timeout_ms,
                                 sally_error** error) {
  if (taken != nullptr) *taken = 0;
  return run(stream, timeout_ms, never, taken, error, [&](auto&) {
    require(taken != nullptr, "taken is NULL");
    return writev_request(buffers, count, flags);
  });
}

sally_status sally_stream_writev_async(sally_stream* stream, const sally_buffer* buffers,
                                       size_t count, uint32_t flags, int64_t timeout_ms,
                                       const sally_completion* completion,
                                       sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return writev_request(buffers, count, flags); });
}

sally_status sally_stream_flush(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return run(stream, timeout_ms, never, nullptr, error,
             [&](auto&) { return Request{.verb = Verb::flush}; });
}

sally_status sally_stream_flush_async(sally_stream* stream, int64_t timeout_ms,
                                      const sally_completion* completion,
                                      sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, never, completion, operation, error,
               [&](auto&) { return Request{.verb = Verb::flush}; });
}

sally_status sally_stream_shutdown(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return run(stream, timeout_ms, default_close_ms, nullptr, error,
             [&](auto&) { return Request{.verb = Verb::shutdown}; });
}

sally_status sally_stream_shutdown_async(sally_stream* stream, int64_t timeout_ms,
                                         const sally_completion* completion,
                                         sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, default_close_ms, completion, operation, error,
               [&](auto&) { return Request{.verb = Verb::shutdown}; });
}

sally_status sally_stream_close(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return run(stream, timeout_ms, default_close_ms, nullptr, error,
             [&](auto&) { return Request{.verb = Verb::close}; });
}

sally_status sally_stream_close_async(sally_stream* stream, int64_t timeout_ms,
                                      const sally_completion* completion,
                                      sally_operation** operation, sally_error** error) {
  return start(stream, timeout_ms, default_close_ms, completion, operation, error,
               [&](auto&) { return Request{.verb = Verb::close}; });
}
