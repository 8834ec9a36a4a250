#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/patience.h"
#include "abi/peer_name.h"
#include "abi/stream_info.h"

#include <sallyport/stream.h>

using sally::make_ref;
using sally::abi::copy_options;
using sally::abi::default_close_ms;
using sally::abi::default_connect_ms;
using sally::abi::default_handshake_ms;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::to_host;
using sally::abi::to_patience;
using sally::abi::to_peer_name;
using sally::abi::usable;
using sally::socket::Stream;

namespace {

bool given(const char* text) {
  return text != nullptr && *text != '\0';
}

static_assert(sizeof(sally_stream_options) == 2 * sizeof(std::uint32_t) + 4 * sizeof(void*),
              "no padding");

}  // namespace

sally_status sally_stream_create(const sally_stream_options* options, sally_stream** stream,
                                 sally_error** error) {
  return guarded(error, [&] {
    const sally_stream_options given_options = copy_options(options);
    require(given_options.flags == 0, "a flag is not known");
    require(given(given_options.host), "host is NULL or empty");
    require(given(given_options.service), "service is NULL or empty");
    require(stream != nullptr, "stream is NULL");
    require(given_options.tls != nullptr, "tls is NULL");
    auto& config = usable(given_options.tls);
    require(config.object->role() == SALLY_ROLE_CLIENT, "tls is a config for servers");
    const char* name =
        given(given_options.verify_name) ? given_options.verify_name : given_options.host;
    auto object = make_ref<Stream>(sally::socket::Target{.host = to_host(given_options.host),
                                                         .service = given_options.service,
                                                         .peer_name = to_peer_name(name),
                                                         .context = config.object->freeze()});
    *stream = new sally_stream(std::move(object));
    return SALLY_OK;
  });
}

sally_status sally_stream_connect(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(stream);
    const auto patience = to_patience(timeout_ms, default_connect_ms);
    require(!patience.attempt, "connecting cannot be attempted: it always takes time");
    // A time-out that the caller chose is for the whole; the default one has its handshake bounded
    // too.
    const bool chosen = timeout_ms != SALLY_TIMEOUT_DEFAULT;
    return handle.object->connect(patience, chosen ? 0 : default_handshake_ms);
  });
}

sally_status sally_stream_read_some(sally_stream* stream, void* buffer, size_t capacity,
                                    size_t* size, int64_t timeout_ms, sally_error** error) {
  if (size != nullptr) *size = 0;
  return guarded(error, [&] {
    auto& handle = usable(stream);
    require(buffer != nullptr && capacity > 0, "buffer is NULL or capacity is 0");
    require(size != nullptr, "size is NULL");
    return handle.object->read_some({static_cast<std::byte*>(buffer), capacity}, *size,
                                    to_patience(timeout_ms, SALLY_TIMEOUT_NEVER));
  });
}

sally_status sally_stream_write(sally_stream* stream, const void* data, size_t size, uint32_t flags,
                                size_t* taken, int64_t timeout_ms, sally_error** error) {
  if (taken != nullptr) *taken = 0;
  return guarded(error, [&] {
    auto& handle = usable(stream);
    require(data != nullptr || size == 0, "data is NULL");
    require(flags == 0, "a flag is not known");
    require(taken != nullptr, "taken is NULL");
    return handle.object->write({static_cast<const std::byte*>(data), size}, *taken,
                                to_patience(timeout_ms, SALLY_TIMEOUT_NEVER));
  });
}

sally_status sally_stream_shutdown(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] {
    return usable(stream).object->shutdown(to_patience(timeout_ms, default_close_ms));
  });
}

sally_status sally_stream_close(sally_stream* stream, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] {
    return usable(stream).object->close(to_patience(timeout_ms, default_close_ms));
  });
}

sally_status sally_stream_cancel(sally_stream* stream, uint32_t directions, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(stream);
    constexpr std::uint32_t both = SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE;
    require(directions != 0 && (directions & ~both) == 0, "directions is not of SALLY_DIRECTION_*");
    handle.object->cancel(directions);
    return SALLY_OK;
  });
}

sally_status sally_stream_copy_info(const sally_stream* stream, sally_stream_info** info,
                                    sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(stream);
    require(info != nullptr, "info is NULL");
    sally::socket::StreamFacts facts;
    sally::abi::Outcome outcome = handle.object->facts(facts);
    if (outcome.ok()) *info = new sally_stream_info(std::move(facts));
    return outcome;
  });
}

sally_stream* sally_stream_retain(sally_stream* stream) {
  if (stream != nullptr) stream->retain();
  return stream;
}

void sally_stream_release(sally_stream* stream) {
  if (stream != nullptr) stream->release();
}
