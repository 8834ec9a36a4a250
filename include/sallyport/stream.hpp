// stream.hpp: the secure socket, sally_stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/buffer.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/error.hpp>
#include <sallyport/line.hpp>
#include <sallyport/queue.hpp>
#include <sallyport/result.hpp>
#include <sallyport/stream.h>
#include <sallyport/stream_info.hpp>
#include <sallyport/stream_options.hpp>
#include <sallyport/task.hpp>
#include <sallyport/tls_config.hpp>

namespace sally::inline v0 {

// A stream: a socket that is or will be connected. One thread may read while another writes; any
// thread may cancel or close. The destructor cancels what is pending, closes as
// close(Timeout::attempt()) does, and never waits.
//
// Every operation throws Error for what stream.h lists. Those that are called try_ tell by their
// result, and not by an exception, that nothing could be done in time; they throw whatever else
// fails, unless they return a Result.
//
// Those whose names begin with async_ describe an operation that async.hpp can run: awaited in a
// coroutine, with a callback, or into a queue. They take no Timeout::attempt().
class StreamSocket : public detail::Unique<sally_stream, sally_stream_release> {
 public:
  // Resolves the host, tries its addresses in turn, and does the TLS handshake, the server's
  // certificate verified. `timeout` covers all of it (default 30 s). In TLS 1.3 a server refuses a
  // client's certificate only after this has succeeded; then the first read or write throws its
  // alert, SALLY_ALERT_*.
  [[nodiscard]] static StreamSocket connect(const StreamOptions& options, Timeout timeout = {}) {
    StreamSocket socket = create(options);
    socket.connect(timeout);
    return socket;
  }
  [[nodiscard]] static StreamSocket connect(const std::string& host, const std::string& service,
                                            const TlsConfig& tls, Timeout timeout = {}) {
    return connect({.host = host, .service = service, .tls = tls}, timeout);
  }
  // A stream that is not yet connected, so that another thread can cancel or close it while it
  // connects.
  [[nodiscard]] static StreamSocket create(const StreamOptions& options) {
    sally_stream_options raw{};
    raw.struct_size = sizeof(raw);
    if (options.low_latency) raw.flags |= SALLY_STREAM_LOW_LATENCY;
    if (options.confirmed) raw.flags |= SALLY_STREAM_CONFIRMED;
    if (options.plain) raw.flags |= SALLY_STREAM_PLAIN;
    raw.host = detail::c_text(options.host);
    raw.verify_name = detail::c_text(options.verify_name);
    raw.service = detail::c_text(options.service);
    raw.tls = options.tls ? options.tls->get() : nullptr;
    raw.runtime = options.runtime ? options.runtime->get() : nullptr;
    raw.high_watermark = options.high_watermark;
    raw.low_watermark = options.low_watermark;
    sally_completion decisions{};
    if (options.decisions) {
      decisions = options.decisions->completion();
      raw.decisions = &decisions;
    }
    sally_stream* stream = nullptr;
    detail::check([&](sally_error** error) { return sally_stream_create(&raw, &stream, error); });
    return StreamSocket(stream);
  }

  // Takes over a stream.
  [[nodiscard]] static StreamSocket adopt(sally_stream* stream) noexcept {
    return StreamSocket(stream);
  }

  // Connects what create() made, as the static connect() does. Any failure ends the stream.
  void connect(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_connect(get(), timeout.get(), error); });
  }
  AsyncOf<void> auto async_connect(Timeout timeout = {}) {
    return detail::async<void>([=, stream = get()](auto... completion) {
      return sally_stream_connect_async(stream, timeout.get(), completion...);
    });
  }

  // The static connect() in a coroutine:
  // `auto socket = co_await sally::StreamSocket::async_connect("localhost", "4433", tls);`.
  // The stream is made at once, and connects when the task is awaited.
  [[nodiscard]] static Task<StreamSocket> async_connect(const StreamOptions& options,
                                                        Timeout timeout = {},
                                                        std::stop_token stop = {}) {
    return connected(create(options), timeout, std::move(stop));
  }
  // Options in braces would be a temporary in an expression with co_await, and GCC 12 destroys
  // those wrongly: give them a name first.
  static Task<StreamSocket> async_connect(StreamOptions&&, Timeout = {},
                                          std::stop_token = {}) = delete;
  [[nodiscard]] static Task<StreamSocket> async_connect(const std::string& host,
                                                        const std::string& service,
                                                        const TlsConfig& tls, Timeout timeout = {},
                                                        std::stop_token stop = {}) {
    const StreamOptions options{.host = host, .service = service, .tls = tls};
    return async_connect(options, timeout, std::move(stop));
  }

  // Secures a plain stream, as STARTTLS does: with a client's config it verifies `verify_name`
  // (empty: the host that was connected to), with a server's it is the server. Both sides must have
  // agreed, and the peer's plain answer must have been read to its end. Default time-out: 10 s. Any
  // failure ends the stream; SALLY_PLAINTEXT_BEFORE_TLS: the peer sent plaintext behind the
  // agreement.
  void upgrade(const TlsConfig& tls, const std::string& verify_name = {}, Timeout timeout = {}) {
    const char* name = detail::c_text(verify_name);
    detail::check([&](sally_error** error) {
      return sally_stream_upgrade(get(), tls.get(), name, timeout.get(), error);
    });
  }
  AsyncOf<void> auto async_upgrade(const TlsConfig& tls, std::string verify_name = {},
                                   Timeout timeout = {}) {
    static_cast<void>(detail::c_text(verify_name));
    return detail::async<void>(
        [=, stream = get(), name = std::move(verify_name)](auto... completion) {
          return sally_stream_upgrade_async(stream, tls.get(), name.c_str(), timeout.get(),
                                            completion...);
        });
  }

  // Reads what is there, at least one byte, into `buffer` (not empty), and returns how many bytes
  // that were. 0: the peer closed properly. SALLY_TRUNCATED: the transport ended without
  // close_notify, so data may be missing.
  [[nodiscard]] std::size_t read_some(MutableBuffer buffer, Timeout timeout = {}) {
    return receive_some(buffer, timeout).value();
  }
  // The same, but std::nullopt where nothing came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<std::size_t> try_read_some(MutableBuffer buffer,
                                                         Timeout timeout = Timeout::attempt()) {
    const Result<std::size_t> read = receive_some(buffer, timeout);
    if (ran_out_of_time(read)) return std::nullopt;
    return read.value();
  }
  // 0: the peer closed properly.
  AsyncOf<std::size_t> auto async_read_some(MutableBuffer buffer, Timeout timeout = {}) {
    return detail::async<std::size_t, detail::End::is_zero>(
        [=, stream = get()](auto... completion) {
          return sally_stream_read_some_async(stream, buffer.data(), buffer.size(), timeout.get(),
                                              completion...);
        });
  }

  // Fills the whole of `buffer`; `timeout` covers all of it. Throws SALLY_END_OF_STREAM where the
  // peer closed before. What came before a failure is in `buffer`: try_read_exactly says how much.
  void read_exactly(MutableBuffer buffer, Timeout timeout = {}) {
    static_cast<void>(receive_exactly(buffer, timeout).value());
  }
  // The same, by default without waiting. It throws nothing, and `size()` of what it returns says
  // how many bytes came in any case: one can go on behind them.
  Result<std::size_t> try_read_exactly(MutableBuffer buffer, Timeout timeout = Timeout::attempt()) {
    return receive_exactly(buffer, timeout);
  }
  AsyncOf<std::size_t> auto async_read_exactly(MutableBuffer buffer, Timeout timeout = {}) {
    return detail::async<std::size_t>([=, stream = get()](auto... completion) {
      return sally_stream_read_exactly_async(stream, buffer.data(), buffer.size(), timeout.get(),
                                             completion...);
    });
  }

  // Reads up to and with the first `delimiter` (1 to 256 bytes: "\r\n") and returns how many bytes
  // that were; what came behind it stays for the next read. SALLY_LIMIT_EXCEEDED: `buffer` is full,
  // and the delimiter is not in it.
  [[nodiscard]] std::size_t read_until(MutableBuffer buffer, ConstBuffer delimiter,
                                       Timeout timeout = {}) {
    return receive_until(buffer, delimiter, timeout).value();
  }
  // The same, by default without waiting; it throws nothing, as try_read_exactly.
  Result<std::size_t> try_read_until(MutableBuffer buffer, ConstBuffer delimiter,
                                     Timeout timeout = Timeout::attempt()) {
    return receive_until(buffer, delimiter, timeout);
  }
  AsyncOf<std::size_t> auto async_read_until(MutableBuffer buffer, ConstBuffer delimiter,
                                             Timeout timeout = {}) {
    return detail::async<std::size_t>([=, stream = get()](auto... completion) {
      return sally_stream_read_until_async(stream, buffer.data(), buffer.size(), delimiter.data(),
                                           delimiter.size(), timeout.get(), completion...);
    });
  }

  // The longest line that read_line takes unless told otherwise, with its end.
  static constexpr std::size_t line_limit = std::size_t{64} << 10;

  // Reads a line and returns it without its "\n" or "\r\n". SALLY_LIMIT_EXCEEDED: the line is
  // longer than `limit`. SALLY_END_OF_STREAM: the peer closed before its end. Where it throws, what
  // came of the line is gone; try_read_line keeps it.
  [[nodiscard]] std::string read_line(Timeout timeout = {}, std::size_t limit = line_limit) {
    std::string line;
    static_cast<void>(receive_line(line, timeout, limit).value());
    return line;
  }
  // The same, appended to `line`. False: not all of it came in time, which by default is now;
  // called again with the same `line` it goes on. Where it throws, `line` has what came, too.
  [[nodiscard]] bool try_read_line(std::string& line, Timeout timeout = Timeout::attempt(),
                                   std::size_t limit = line_limit) {
    const Result<std::size_t> read = receive_line(line, timeout, limit);
    if (ran_out_of_time(read)) return false;
    static_cast<void>(read.value());
    return true;
  }
  // read_line in a coroutine. The task keeps the stream until its end.
  [[nodiscard]] Task<std::string> async_read_line(Timeout timeout = {},
                                                  std::size_t limit = line_limit,
                                                  std::stop_token stop = {}) {
    return read_line_of(StreamSocket(sally_stream_retain(get())), timeout, limit, std::move(stop));
  }

  // Sends all of `data`: when it returns, the operating system has it, or with `sally::more` the
  // library. Where it throws, a part may have been sent; SALLY_TIMED_OUT and SALLY_CANCELED leave
  // the stream usable, but only try_write says how much went. Where the peer refused this side, the
  // error names its alert whenever that reached this host.
  void write(ConstBuffer data, Timeout timeout = {}) { write(data, WriteFlags::none, timeout); }
  void write(ConstBuffer data, WriteFlags flags, Timeout timeout = {}) {
    static_cast<void>(send(data, flags, timeout).value());
  }
  // Sends what can be sent in time, by default without waiting, and returns how many bytes the
  // library took: those will be sent, the rest is the caller's to write again. Canceled writes
  // return too.
  [[nodiscard]] std::size_t try_write(ConstBuffer data, Timeout timeout = Timeout::attempt()) {
    return try_write(data, WriteFlags::none, timeout);
  }
  [[nodiscard]] std::size_t try_write(ConstBuffer data, WriteFlags flags,
                                      Timeout timeout = Timeout::attempt()) {
    return taken(send(data, flags, timeout));
  }
  // Asynchronous writes that are pending at the same time are sent in order, and share records.
  AsyncOf<std::size_t> auto async_write(ConstBuffer data, WriteFlags flags, Timeout timeout = {}) {
    return detail::async<std::size_t>([=, stream = get()](auto... completion) {
      return sally_stream_write_async(stream, data.data(), data.size(), raw(flags), timeout.get(),
                                      completion...);
    });
  }
  AsyncOf<std::size_t> auto async_write(ConstBuffer data, Timeout timeout = {}) {
    return async_write(data, WriteFlags::none, timeout);
  }

  // write() of several buffers, one behind the other: `socket.writev({header, body})`. Small ones
  // share a record.
  void writev(ConstBuffers buffers, Timeout timeout = {}) {
    writev(buffers, WriteFlags::none, timeout);
  }
  void writev(ConstBuffers buffers, WriteFlags flags, Timeout timeout = {}) {
    static_cast<void>(sendv(buffers, flags, timeout).value());
  }
  [[nodiscard]] std::size_t try_writev(ConstBuffers buffers, Timeout timeout = Timeout::attempt()) {
    return try_writev(buffers, WriteFlags::none, timeout);
  }
  [[nodiscard]] std::size_t try_writev(ConstBuffers buffers, WriteFlags flags,
                                       Timeout timeout = Timeout::attempt()) {
    return taken(sendv(buffers, flags, timeout));
  }
  AsyncOf<std::size_t> auto async_writev(ConstBuffers buffers, WriteFlags flags,
                                         Timeout timeout = {}) {
    return detail::async<std::size_t>([=, stream = get()](auto... completion) {
      return sally_stream_writev_async(stream, buffers.data(), buffers.size(), raw(flags),
                                       timeout.get(), completion...);
    });
  }
  AsyncOf<std::size_t> auto async_writev(ConstBuffers buffers, Timeout timeout = {}) {
    return async_writev(buffers, WriteFlags::none, timeout);
  }

  // Sends what was written before, and returns when the operating system has it.
  void flush(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_flush(get(), timeout.get(), error); });
  }
  AsyncOf<void> auto async_flush(Timeout timeout = {}) {
    return detail::async<void>([=, stream = get()](auto... completion) {
      return sally_stream_flush_async(stream, timeout.get(), completion...);
    });
  }

  // Waits until a read (SALLY_DIRECTION_READ), or a write (SALLY_DIRECTION_WRITE), would do
  // something at once, and returns which of those in `interest` would. A read that would fail or
  // meet the end counts. Nothing is lent to the library, so this and the attempts of try_ are for
  // memory that cannot stay in place.
  [[nodiscard]] std::uint32_t wait(std::uint32_t interest, Timeout timeout = {}) {
    std::uint32_t ready = 0;
    detail::check([&](sally_error** error) {
      return sally_stream_wait(get(), interest, &ready, timeout.get(), error);
    });
    return ready;
  }
  // The same, but 0 where neither would in time; by default it does not wait at all.
  [[nodiscard]] std::uint32_t try_wait(std::uint32_t interest,
                                       Timeout timeout = Timeout::attempt()) {
    std::uint32_t ready = 0;
    static_cast<void>(detail::check_in_time([&](sally_error** error) {
      return sally_stream_wait(get(), interest, &ready, timeout.get(), error);
    }));
    return ready;
  }
  AsyncOf<std::uint32_t> auto async_wait(std::uint32_t interest, Timeout timeout = {}) {
    return detail::async<std::uint32_t>([=, stream = get()](auto... completion) {
      return sally_stream_wait_async(stream, interest, timeout.get(), completion...);
    });
  }

  // The stream's own descriptor, for a poller of the program's to wait for between attempts: attempt
  // first, then watch for what fd_interest says. stream.h has the rules.
  [[nodiscard]] std::intptr_t fd() const {
    std::intptr_t fd = -1;
    detail::check([&](sally_error** error) { return sally_stream_fd(get(), &fd, error); });
    return fd;
  }
  // SALLY_DIRECTION_READ or SALLY_DIRECTION_WRITE, for which the descriptor is to become ready before
  // the last attempt in `direction` is worth another; 0 where there is nothing to wait for.
  std::uint32_t fd_interest(std::uint32_t direction) const noexcept {
    return sally_stream_fd_interest(get(), direction);
  }

  // Ends the sending direction: close_notify follows what was written. Reading goes on. Default
  // time-out: 5 s.
  void shutdown(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_shutdown(get(), timeout.get(), error); });
  }
  AsyncOf<void> auto async_shutdown(Timeout timeout = {}) {
    return detail::async<void>([=, stream = get()](auto... completion) {
      return sally_stream_shutdown_async(stream, timeout.get(), completion...);
    });
  }

  // Ends both directions, waits for the peer's close_notify (default 5 s, with Timeout::attempt()
  // not at all), and closes. It always closes, also where it throws: SALLY_TIMED_OUT for a silent
  // peer, SALLY_TRUNCATED for one that went without a word. With Timeout::attempt() the library sends
  // what it has taken after the call, for 5 s at most.
  void close(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_close(get(), timeout.get(), error); });
  }
  AsyncOf<void> auto async_close(Timeout timeout = {}) {
    return detail::async<void>([=, stream = get()](auto... completion) {
      return sally_stream_close_async(stream, timeout.get(), completion...);
    });
  }

  // Ends what is pending with SALLY_CANCELED, of SALLY_DIRECTION_READ, SALLY_DIRECTION_WRITE or
  // both. A canceled connect or upgrade ends the stream, which stays usable otherwise. Never waits.
  void cancel(std::uint32_t directions = SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE) {
    detail::check(
        [&](sally_error** error) { return sally_stream_cancel(get(), directions, error); });
  }

  // How the stream is protected now: SALLY_TLS_1_2, SALLY_TLS_1_3, or 0 in plain.
  std::int32_t protection() const noexcept { return sally_stream_protection(get()); }
  // From now on bytes are read and written under this protection at least, and otherwise
  // SALLY_PROTECTION_TOO_LOW: nobody between can talk this side out of an upgrade.
  void require_protection(std::int32_t protection) {
    detail::check([&](sally_error** error) {
      return sally_stream_require_protection(get(), protection, error);
    });
  }

  // Fills `key` with what both sides derive from the keys of the session, and nobody between (RFC
  // 5705). In TLS 1.2 no context gives another key than an empty one.
  void export_key(const std::string& label, std::span<std::byte> key) const {
    detail::check([&](sally_error** error) {
      return sally_stream_export_key(get(), detail::c_text(label), nullptr, 0, key.data(),
                                     key.size(), error);
    });
  }
  void export_key(const std::string& label, std::span<const std::byte> context,
                  std::span<std::byte> key) const {
    const void* data = context.data() != nullptr ? static_cast<const void*>(context.data()) : "";
    detail::check([&](sally_error** error) {
      return sally_stream_export_key(get(), detail::c_text(label), data, context.size(), key.data(),
                                     key.size(), error);
    });
  }
  // "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929).
  [[nodiscard]] Bytes channel_binding(const std::string& type) const {
    sally_bytes* binding = nullptr;
    detail::check([&](sally_error** error) {
      return sally_stream_channel_binding(get(), detail::c_text(type), &binding, error);
    });
    return Bytes::adopt(binding);
  }
  // Sends under a new key from here on; TLS 1.3 only. What must be done is done by itself.
  void update_keys(bool request_peer = false) {
    detail::check([&](sally_error** error) {
      return sally_stream_update_keys(get(), request_peer ? 1 : 0, error);
    });
  }

  // Asks the client of a TLS 1.3 stream for its certificate, and returns when that was verified.
  void authenticate(Timeout timeout = {}) {
    detail::check([&](sally_error** error) {
      return sally_stream_authenticate(get(), timeout.get(), error);
    });
  }
  AsyncOf<void> auto async_authenticate(Timeout timeout = {}) {
    return detail::async<void>([=, stream = get()](auto... completion) {
      return sally_stream_authenticate_async(stream, timeout.get(), completion...);
    });
  }

  // A snapshot of what was agreed; it can be had after closing, too.
  [[nodiscard]] StreamInfo info() const {
    sally_stream_info* info = nullptr;
    detail::check([&](sally_error** error) { return sally_stream_copy_info(get(), &info, error); });
    return StreamInfo::adopt(info);
  }

 private:
  using Unique::Unique;
  using Moved = Result<std::size_t>;

  // What a transfer answered, before it is known whether that is a failure for the caller.
  template <detail::End end = detail::End::fails, class Call>
  static Moved transfer(Call&& call) {
    std::size_t size = 0;
    sally_event event{};
    event.status = call(&size, &event.error);
    event.size = size;
    return Moved(detail::to_event<end>(event));
  }
  static bool ran_out_of_time(const Moved& moved) noexcept {
    return moved.status() == SALLY_WOULD_BLOCK || moved.status() == SALLY_TIMED_OUT;
  }
  static std::size_t taken(const Moved& written) {
    const bool passes = ran_out_of_time(written) || written.status() == SALLY_CANCELED;
    return passes ? written.size() : written.value();
  }
  static constexpr std::uint32_t raw(WriteFlags flags) noexcept {
    return static_cast<std::uint32_t>(flags);
  }

  static Task<StreamSocket> connected(StreamSocket socket, Timeout timeout, std::stop_token stop) {
    co_await socket.async_connect(timeout).cancel_on(std::move(stop));
    co_return socket;
  }

  Moved receive_some(MutableBuffer buffer, Timeout timeout) {
    return transfer<detail::End::is_zero>([&](std::size_t* size, sally_error** error) {
      return sally_stream_read_some(get(), buffer.data(), buffer.size(), size, timeout.get(),
                                    error);
    });
  }
  Moved receive_exactly(MutableBuffer buffer, Timeout timeout) {
    return transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_read_exactly(get(), buffer.data(), buffer.size(), size, timeout.get(),
                                       error);
    });
  }
  Moved receive_until(MutableBuffer buffer, ConstBuffer delimiter, Timeout timeout) {
    return transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_read_until(get(), buffer.data(), buffer.size(), delimiter.data(),
                                     delimiter.size(), size, timeout.get(), error);
    });
  }
  Moved receive_line(std::string& line, Timeout timeout, std::size_t limit) {
    detail::GrowingLine growing(line, limit);
    const detail::Remaining remaining(timeout);
    while (true) {
      Moved read = receive_until(growing.grow(), "\n", remaining.get());
      if (growing.take(read)) return read;
    }
  }
  static Task<std::string> read_line_of(StreamSocket socket, Timeout timeout, std::size_t limit,
                                        std::stop_token stop) {
    std::string line;
    detail::GrowingLine growing(line, limit);
    const detail::Remaining remaining(timeout);
    while (true) {
      const MutableBuffer room = growing.grow();
      Moved read =
          co_await socket.async_read_until(room, "\n", remaining.get()).cancel_on(stop).as_result();
      if (!growing.take(read)) continue;
      static_cast<void>(read.value());
      co_return line;
    }
  }
  Moved send(ConstBuffer data, WriteFlags flags, Timeout timeout) {
    return transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_write(get(), data.data(), data.size(), raw(flags), size, timeout.get(),
                                error);
    });
  }
  Moved sendv(ConstBuffers buffers, WriteFlags flags, Timeout timeout) {
    return transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_writev(get(), buffers.data(), buffers.size(), raw(flags), size,
                                 timeout.get(), error);
    });
  }
};

template <>
struct detail::FromEvent<StreamSocket> {
  static StreamSocket take(sally_event& event) {
    return StreamSocket::adopt(take_object<sally_stream>(event, SALLY_EVENT_ACCEPTED));
  }
};

}  // namespace sally::inline v0
