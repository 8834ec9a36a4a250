#include "abi/boundary.h"
#include "abi/completion.h"
#include "abi/handles.h"
#include "abi/peer_name.h"
#include "abi/stream_info.h"
#include "abi/stream_options.h"

#include <sallyport/stream.h>

using sally::make_ref;
using sally::abi::copy_options;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::to_flow_limits;
using sally::abi::to_host;
using sally::abi::to_peer_name;
using sally::abi::usable;
using sally::socket::Stream;
using sally::socket::Target;

namespace {

bool given(const char* text) {
  return text != nullptr && *text != '\0';
}

static_assert(sizeof(sally_stream_options) == 4 * sizeof(std::uint32_t) + 6 * sizeof(void*),
              "no padding");

}  // namespace

sally_status sally_stream_create(const sally_stream_options* options, sally_stream** stream,
                                 sally_error** error) {
  return guarded(error, [&] {
    auto decider = sally::abi::take_decider(options);
    const sally_stream_options given_options = copy_options(options);
    require(given(given_options.host), "host is NULL or empty");
    require(given(given_options.service), "service is NULL or empty");
    require(stream != nullptr, "stream is NULL");
    sally::abi::require_config_or_plain(given_options.tls, given_options.flags);
    Target target{.host = to_host(given_options.host), .service = given_options.service};
    const char* name =
        given(given_options.verify_name) ? given_options.verify_name : given_options.host;
    target.peer_name = to_peer_name(name);
    target.limits = to_flow_limits(given_options.flags, given_options.high_watermark,
                                   given_options.low_watermark);
    target.confirmed = (given_options.flags & SALLY_STREAM_CONFIRMED) != 0;
    if (given_options.runtime != nullptr) target.runtime = usable(given_options.runtime).object;
    if (given_options.tls != nullptr) {
      auto& config = usable(given_options.tls);
      require(config.object->role() == SALLY_ROLE_CLIENT, "tls is a config for servers");
      sally::abi::require_decider(*config.object->freeze(), decider != nullptr);
      target.config = config.object;
    }
    target.decider = decider;
    auto object = make_ref<Stream>(std::move(target));
    *stream = new sally_stream(std::move(object));
    if (decider) decider->begin();
    return SALLY_OK;
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

sally_status sally_stream_fd(sally_stream* stream, intptr_t* fd, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(stream);
    require(fd != nullptr, "fd is NULL");
    int number = -1;
    sally::abi::Outcome outcome = handle.object->lend_descriptor(number);
    if (outcome.ok()) *fd = number;
    return outcome;
  });
}

uint32_t sally_stream_fd_interest(const sally_stream* stream, uint32_t direction) {
  const bool known = direction == SALLY_DIRECTION_READ || direction == SALLY_DIRECTION_WRITE;
  if (!known || stream == nullptr || stream->inherited()) return 0;
  return stream->object->lent_interest(direction);
}

int32_t sally_stream_protection(const sally_stream* stream) {
  return stream != nullptr && !stream->inherited() ? stream->object->protection() : 0;
}

sally_status sally_stream_require_protection(sally_stream* stream, int32_t protection,
                                             sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(stream);
    require(protection == 0 || protection == SALLY_TLS_1_2 || protection == SALLY_TLS_1_3,
            "protection is neither 0 nor a SALLY_TLS_*");
    handle.object->require_protection(protection);
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
