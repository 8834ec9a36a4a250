#include "abi/boundary.h"
#include "abi/bytes.h"
#include "abi/completion.h"
#include "abi/handles.h"
#include "abi/patience.h"
#include "abi/peer_name.h"
#include "abi/stream_options.h"

#include <climits>

#include <sallyport/listener.h>

using sally::Ref;
using sally::abi::copy_options;
using sally::abi::default_handshake_ms;
using sally::abi::guarded;
using sally::abi::Outcome;
using sally::abi::require;
using sally::abi::to_patience;
using sally::abi::usable;
using sally::socket::Listener;
using sally::socket::ListenerLimits;
using sally::socket::ListenerOperation;
using sally::socket::ListenerSetup;
using sally::socket::ListenerVerb;

namespace {

static_assert(sizeof(sally_listener_options) == 2 * sizeof(std::uint32_t) + 5 * sizeof(void*) +
                                                    sizeof(std::int64_t) +
                                                    8 * sizeof(std::uint32_t),
              "no padding");

template <class Number>
Number or_default(Number given, Number fallback) {
  return given != 0 ? given : fallback;
}

ListenerLimits to_limits(const sally_listener_options& options) {
  require(options.handshake_timeout_ms >= 0,
          "handshake_timeout_ms is negative: handshakes always have a deadline");
  require(options.backlog <= INT_MAX, "backlog is too large");
  return {.handshake_timeout_ms = or_default(options.handshake_timeout_ms, default_handshake_ms),
          .pending_handshakes = or_default(options.max_pending_handshakes, 4096u),
          .unaccepted = or_default(options.max_unaccepted, 128u),
          .refusals = or_default(options.max_refusals, 64u),
          .live = options.max_connections,
          .per_source = options.max_connections_per_source,
          .backlog = static_cast<int>(options.backlog)};
}

}  // namespace

sally_status sally_listener_bind(const sally_listener_options* options, sally_listener** listener,
                                 sally_error** error) {
  return guarded(error, [&] {
    auto decider = sally::abi::take_decider(options);
    const sally_listener_options given = copy_options(options);
    require(given.service != nullptr && *given.service != '\0', "service is NULL or empty");
    require(listener != nullptr, "listener is NULL");
    sally::abi::require_config_or_plain(given.tls, given.flags);
    ListenerSetup setup{.host = given.host != nullptr ? sally::abi::to_host(given.host) : "",
                        .service = given.service,
                        .config = {},
                        .limits = to_limits(given)};
    require((given.flags & SALLY_STREAM_CONFIRMED) == 0, "only a client is confirmed");
    setup.flow = sally::abi::to_flow_limits(given.flags, given.high_watermark, given.low_watermark);
    if (given.runtime != nullptr) setup.runtime = usable(given.runtime).object;
    if (given.tls != nullptr) {
      auto& config = usable(given.tls);
      require(config.object->role() == SALLY_ROLE_SERVER, "tls is a config for clients");
      sally::abi::require_decider(*config.object->freeze(), decider != nullptr);
      setup.config = config.object;
    }
    setup.decider = decider;
    *listener = new sally_listener(Listener::bind(std::move(setup)));
    if (decider) decider->begin();
    return SALLY_OK;
  });
}

namespace {

sally_status start(sally_listener* listener, ListenerVerb verb, int64_t timeout_ms,
                   const sally_completion* completion, sally_operation** operation,
                   sally_error** error) {
  return guarded(error, [&] {
    auto target = sally::abi::to_completion(completion);
    auto& handle = usable(listener);
    const auto patience = to_patience(timeout_ms, SALLY_TIMEOUT_NEVER);
    require(!patience.attempt, "an asynchronous operation cannot be an attempt");
    sally::abi::start(*handle.object,
                      sally::make_ref<ListenerOperation>(handle.object, verb, patience.deadline,
                                                         std::move(target)),
                      operation);
    return SALLY_OK;
  });
}

}  // namespace

const char* sally_listener_address(const sally_listener* listener) {
  return listener != nullptr ? listener->object->address().c_str() : "";
}

uint16_t sally_listener_port(const sally_listener* listener) {
  return listener != nullptr ? listener->object->port() : std::uint16_t{0};
}

sally_status sally_listener_accept(sally_listener* listener, int64_t timeout_ms,
                                   sally_stream** stream, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(listener);
    require(stream != nullptr, "stream is NULL");
    Ref<sally::socket::Stream> accepted;
    Outcome outcome = handle.object->accept(to_patience(timeout_ms, SALLY_TIMEOUT_NEVER), accepted);
    if (outcome.ok()) *stream = new sally_stream(std::move(accepted));
    return outcome;
  });
}

sally_status sally_listener_next_refusal(sally_listener* listener, int64_t timeout_ms,
                                         sally_bytes** peer, sally_error** refusal,
                                         sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(listener);
    require(peer != nullptr && refusal != nullptr, "peer or refusal is NULL");
    sally::socket::Refusal taken;
    Outcome outcome =
        handle.object->next_refusal(to_patience(timeout_ms, SALLY_TIMEOUT_NEVER), taken);
    if (!outcome.ok()) return outcome;
    *peer = sally::abi::to_bytes(std::move(taken.peer));
    *refusal = const_cast<sally_error*>(taken.error.detach());
    return outcome;
  });
}

sally_status sally_listener_accept_async(sally_listener* listener, int64_t timeout_ms,
                                         const sally_completion* completion,
                                         sally_operation** operation, sally_error** error) {
  return start(listener, ListenerVerb::accept, timeout_ms, completion, operation, error);
}

sally_status sally_listener_next_refusal_async(sally_listener* listener, int64_t timeout_ms,
                                               const sally_completion* completion,
                                               sally_operation** operation, sally_error** error) {
  return start(listener, ListenerVerb::refusal, timeout_ms, completion, operation, error);
}

sally_status sally_listener_drain(sally_listener* listener, int64_t timeout_ms,
                                  sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(listener);
    return handle.object->drain(to_patience(timeout_ms, SALLY_TIMEOUT_NEVER));
  });
}

sally_status sally_listener_drain_async(sally_listener* listener, int64_t timeout_ms,
                                        const sally_completion* completion,
                                        sally_operation** operation, sally_error** error) {
  return start(listener, ListenerVerb::drain, timeout_ms, completion, operation, error);
}

uint64_t sally_listener_dropped_refusals(const sally_listener* listener) {
  return listener != nullptr && !listener->inherited() ? listener->object->dropped_refusals() : 0;
}

sally_status sally_listener_close(sally_listener* listener, sally_error** error) {
  return guarded(error, [&] {
    usable(listener).object->close();
    return SALLY_OK;
  });
}

sally_listener* sally_listener_retain(sally_listener* listener) {
  if (listener != nullptr) listener->retain();
  return listener;
}

void sally_listener_release(sally_listener* listener) {
  if (listener != nullptr) listener->release();
}
