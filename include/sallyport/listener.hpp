// listener.hpp: waits for clients, and hands out established streams only; sally_listener.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/decision.hpp>
#include <sallyport/error.hpp>
#include <sallyport/listener.h>
#include <sallyport/queue.hpp>
#include <sallyport/runtime.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/tls_config.hpp>

namespace sally::inline v0 {

// To be filled by name: `StreamListener::bind({.service = "4433", .tls = tls})`. What is 0 stands
// for the default.
struct ListenerOptions {
  std::string host{};  // name or literal address to listen on; empty: every address of this machine
  std::string service;             // port number or service name; "0" picks a free port
  std::optional<TlsConfig> tls{};  // a server's; needed, unless `plain` is set
  Timeout handshake_timeout{};     // of a whole handshake, from the accept on; default 10 s
  std::uint32_t max_pending_handshakes = 0;
  std::uint32_t max_unaccepted = 0;  // established streams that nobody accepted yet
  std::uint32_t backlog = 0;
  std::uint32_t max_refusals = 0;     // refusals kept for next_refusal
  std::optional<Runtime> runtime{};   // without: the default one; each of its loops takes a part
  std::uint32_t max_connections = 0;  // from accept to close; further clients wait in the backlog
  std::uint32_t max_connections_per_source = 0;  // of one IPv4 address or one /64 of IPv6; further
                                                 // ones are refused at once
  // Of the streams that it hands out, as in StreamOptions.
  std::uint32_t high_watermark = 0;
  std::uint32_t low_watermark = 0;
  bool low_latency = false;
  bool plain = false;
  std::optional<Decider> decisions{};  // where the questions about its clients go, and those of
                                       // upgrades of its plain streams
};

// A client that was turned away in its handshake.
struct Refusal {
  Bytes peer;  // its address
  Error reason;
};

template <>
struct detail::FromEvent<Refusal> {
  static Refusal take(sally_event& event) {
    return {.peer = Bytes::adopt(take_object<sally_bytes>(event, SALLY_EVENT_REFUSED)),
            .reason = Error::adopt(std::exchange(event.error, nullptr))};
  }
};

// Handshakes run concurrently, each under its deadline; one that fails is a refusal, and never a
// failed accept. Several threads may wait, and any may close. The destructor closes.
//
// Every operation throws Error for what listener.h lists. Those that are called try_ tell by their
// result, and not by an exception, that nothing came in time; they throw whatever else fails. Those
// whose names begin with async_ describe an operation that async.hpp can run.
class StreamListener : public detail::Unique<sally_listener, sally_listener_release> {
 public:
  // Resolves the host, binds, and listens at once. SALLY_ADDRESS_IN_USE and so on: of the address.
  // SALLY_INVALID_STATE: the config has no credential, or asks for client certificates without a
  // trust store.
  [[nodiscard]] static StreamListener bind(const ListenerOptions& options) {
    sally_listener_options raw{};
    raw.struct_size = sizeof(raw);
    if (options.low_latency) raw.flags |= SALLY_STREAM_LOW_LATENCY;
    if (options.plain) raw.flags |= SALLY_STREAM_PLAIN;
    raw.host = options.host.empty() ? nullptr : detail::c_text(options.host);
    raw.service = detail::c_text(options.service);
    raw.tls = options.tls ? options.tls->get() : nullptr;
    raw.handshake_timeout_ms = options.handshake_timeout.get();
    raw.max_pending_handshakes = options.max_pending_handshakes;
    raw.max_unaccepted = options.max_unaccepted;
    raw.backlog = options.backlog;
    raw.max_refusals = options.max_refusals;
    raw.runtime = options.runtime ? options.runtime->get() : nullptr;
    raw.max_connections = options.max_connections;
    raw.max_connections_per_source = options.max_connections_per_source;
    raw.high_watermark = options.high_watermark;
    raw.low_watermark = options.low_watermark;
    sally_completion decisions{};
    if (options.decisions) {
      decisions = options.decisions->completion();
      raw.decisions = &decisions;
    }
    sally_listener* listener = nullptr;
    detail::check([&](sally_error** error) { return sally_listener_bind(&raw, &listener, error); });
    return StreamListener(listener);
  }
  [[nodiscard]] static StreamListener bind(const std::string& host, const std::string& service,
                                           const TlsConfig& tls) {
    return bind({.host = host, .service = service, .tls = tls});
  }

  [[nodiscard]] static StreamListener adopt(sally_listener* listener) noexcept {
    return StreamListener(listener);
  }

  // Where it really listens: "127.0.0.1:4433", "[::]:4433".
  std::string_view address() const noexcept { return sally_listener_address(get()); }
  std::uint16_t port() const noexcept { return sally_listener_port(get()); }

  // The next established stream. SALLY_CLOSED: the listener was closed.
  [[nodiscard]] StreamSocket accept(Timeout timeout = {}) {
    sally_stream* stream = nullptr;
    detail::check([&](sally_error** error) {
      return sally_listener_accept(get(), timeout.get(), &stream, error);
    });
    return StreamSocket::adopt(stream);
  }
  // The same, but std::nullopt where none came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<StreamSocket> try_accept(Timeout timeout = Timeout::attempt()) {
    sally_stream* stream = nullptr;
    const bool came = detail::check_in_time([&](sally_error** error) {
      return sally_listener_accept(get(), timeout.get(), &stream, error);
    });
    if (!came) return std::nullopt;
    return StreamSocket::adopt(stream);
  }

  AsyncOf<StreamSocket> auto async_accept(Timeout timeout = {}) {
    return detail::async<StreamSocket>([=, listener = get()](auto... completion) {
      return sally_listener_accept_async(listener, timeout.get(), completion...);
    });
  }

  // The oldest refusal that was not yet taken. Taking them is not required. SALLY_CLOSED: the
  // listener was closed, and all were taken.
  Refusal next_refusal(Timeout timeout = {}) {
    sally_bytes* peer = nullptr;
    sally_error* reason = nullptr;
    detail::check([&](sally_error** error) {
      return sally_listener_next_refusal(get(), timeout.get(), &peer, &reason, error);
    });
    return {.peer = Bytes::adopt(peer), .reason = Error::adopt(reason)};
  }
  // The same, but std::nullopt where there was none in time; by default it does not wait at all.
  std::optional<Refusal> try_next_refusal(Timeout timeout = Timeout::attempt()) {
    sally_bytes* peer = nullptr;
    sally_error* reason = nullptr;
    const bool came = detail::check_in_time([&](sally_error** error) {
      return sally_listener_next_refusal(get(), timeout.get(), &peer, &reason, error);
    });
    if (!came) return std::nullopt;
    return Refusal{.peer = Bytes::adopt(peer), .reason = Error::adopt(reason)};
  }
  AsyncOf<Refusal> auto async_next_refusal(Timeout timeout = {}) {
    return detail::async<Refusal>([=, listener = get()](auto... completion) {
      return sally_listener_next_refusal_async(listener, timeout.get(), completion...);
    });
  }
  // How many refusals were dropped because nobody took them in time.
  std::uint64_t dropped_refusals() const noexcept { return sally_listener_dropped_refusals(get()); }

  // Stops listening and waits until every connection has ended (default: for ever); streams end by
  // being closed or destroyed, and those that come through their handshakes can still be accepted.
  // Then the listener is closed. SALLY_TIMED_OUT: something was left at the deadline, and was
  // closed.
  void drain(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_listener_drain(get(), timeout.get(), error); });
  }
  // The same, but false where something was left, and was closed; by default it does not wait at
  // all.
  [[nodiscard]] bool try_drain(Timeout timeout = Timeout::attempt()) {
    return detail::check_in_time(
        [&](sally_error** error) { return sally_listener_drain(get(), timeout.get(), error); });
  }
  AsyncOf<void> auto async_drain(Timeout timeout = {}) {
    return detail::async<void>([=, listener = get()](auto... completion) {
      return sally_listener_drain_async(listener, timeout.get(), completion...);
    });
  }

  // Stops listening, ends handshakes that are under way, and closes streams that nobody accepted;
  // streams handed out go on. Never waits.
  void close() {
    detail::check([&](sally_error** error) { return sally_listener_close(get(), error); });
  }

 private:
  using Unique::Unique;
};

}  // namespace sally::inline v0
