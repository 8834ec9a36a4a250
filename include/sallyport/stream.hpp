// stream.hpp: the secure socket, sally_stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/stream.h>
#include <sallyport/stream_info.hpp>
#include <sallyport/tls_config.hpp>

namespace sally::inline v0 {

// To be filled by name: `StreamSocket::connect({.host = "localhost", .service = "4433", .tls =
// tls})`.
struct StreamOptions {
  std::string host;     // name or literal address to connect to; also what is verified, unless:
  std::string service;  // port number or service name
  TlsConfig tls;        // a client's
  std::string verify_name{};  // name or address that the server's certificate must bear, and the
                              // SNI that is sent
};

// An established stream. One thread may read while another writes; any thread may cancel or close.
// The destructor cancels what is pending, sends close_notify if that is possible at once, closes,
// and never waits.
//
// Every operation throws Error for what stream.h lists. Those that are called try_ tell by their
// result, and not by an exception, that nothing could be done in time; they throw whatever else
// fails.
class StreamSocket : public detail::Unique<sally_stream, sally_stream_release> {
 public:
  // Resolves the host, tries its addresses in turn, and does the TLS handshake, the server's
  // certificate verified. `timeout` covers all of it (default 30 s). In TLS 1.3 a server refuses a
  // client's certificate only after this has succeeded; then the first read or write throws its
  // alert, SALLY_ALERT_*.
  [[nodiscard]] static StreamSocket connect(const StreamOptions& options, Timeout timeout = {}) {
    sally_stream_options raw{};
    raw.struct_size = sizeof(raw);
    raw.host = detail::c_text(options.host);
    raw.verify_name = detail::c_text(options.verify_name);
    raw.service = detail::c_text(options.service);
    raw.tls = options.tls.get();
    sally_stream* stream = nullptr;
    detail::check([&](sally_error** error) { return sally_stream_create(&raw, &stream, error); });
    StreamSocket socket(stream);
    detail::check(
        [&](sally_error** error) { return sally_stream_connect(stream, timeout.get(), error); });
    return socket;
  }
  [[nodiscard]] static StreamSocket connect(const std::string& host, const std::string& service,
                                            const TlsConfig& tls, Timeout timeout = {}) {
    return connect({.host = host, .service = service, .tls = tls}, timeout);
  }

  // Takes over a stream, which should be connected.
  [[nodiscard]] static StreamSocket adopt(sally_stream* stream) noexcept {
    return StreamSocket(stream);
  }

  // Reads what is there, at least one byte, into `buffer` (not empty), and returns how many bytes
  // that were. 0: the peer closed properly. SALLY_TRUNCATED: the transport ended without
  // close_notify, so data may be missing.
  [[nodiscard]] std::size_t read_some(std::span<std::byte> buffer, Timeout timeout = {}) {
    Transfer transfer = receive(buffer, timeout);
    if (transfer.status == SALLY_OK || transfer.status == SALLY_END_OF_STREAM) return transfer.size;
    transfer.raise();
  }
  [[nodiscard]] std::size_t read_some(std::span<char> buffer, Timeout timeout = {}) {
    return read_some(std::as_writable_bytes(buffer), timeout);
  }

  // The same, but std::nullopt where nothing came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<std::size_t> try_read_some(std::span<std::byte> buffer,
                                                         Timeout timeout = Timeout::attempt()) {
    Transfer transfer = receive(buffer, timeout);
    if (transfer.status == SALLY_OK || transfer.status == SALLY_END_OF_STREAM) return transfer.size;
    if (transfer.ran_out_of_time()) return std::nullopt;
    transfer.raise();
  }
  [[nodiscard]] std::optional<std::size_t> try_read_some(std::span<char> buffer,
                                                         Timeout timeout = Timeout::attempt()) {
    return try_read_some(std::as_writable_bytes(buffer), timeout);
  }

  // Fills the whole of `buffer`, with as many C calls as that takes; `timeout` covers all of them.
  // Throws SALLY_END_OF_STREAM where the peer closed before. What came before a failure is in
  // `buffer`, uncounted: use read_some where it matters.
  void read_exactly(std::span<std::byte> buffer, Timeout timeout = {}) {
    using Clock = std::chrono::steady_clock;
    const bool limited = timeout.get() > 0;
    const auto began = Clock::now();
    while (!buffer.empty()) {
      Timeout rest = timeout;
      if (limited) rest = std::chrono::milliseconds(timeout.get()) - (Clock::now() - began);
      Transfer transfer = receive(buffer, rest);
      if (transfer.status != SALLY_OK) transfer.raise();
      buffer = buffer.subspan(transfer.size);
    }
  }
  void read_exactly(std::span<char> buffer, Timeout timeout = {}) {
    read_exactly(std::as_writable_bytes(buffer), timeout);
  }

  // Sends all of `data`: when it returns, the operating system has it. Where it throws, a part may
  // have been sent; SALLY_TIMED_OUT and SALLY_CANCELED leave the stream usable, but only try_write
  // says how much went. Where the peer refused this side, the error names its alert whenever that
  // reached this host.
  void write(std::span<const std::byte> data, Timeout timeout = {}) {
    Transfer transfer = send(data, timeout);
    if (transfer.status != SALLY_OK) transfer.raise();
  }
  void write(std::string_view text, Timeout timeout = {}) {
    write(std::as_bytes(std::span(text)), timeout);
  }

  // Sends what can be sent in time, by default without waiting, and returns how many bytes the
  // library took: those will be sent, the rest is the caller's to write again. Canceled writes
  // return too.
  [[nodiscard]] std::size_t try_write(std::span<const std::byte> data,
                                      Timeout timeout = Timeout::attempt()) {
    Transfer transfer = send(data, timeout);
    const bool passes = transfer.ran_out_of_time() || transfer.status == SALLY_CANCELED;
    if (transfer.status == SALLY_OK || passes) return transfer.size;
    transfer.raise();
  }
  [[nodiscard]] std::size_t try_write(std::string_view text, Timeout timeout = Timeout::attempt()) {
    return try_write(std::as_bytes(std::span(text)), timeout);
  }

  // Ends the sending direction: close_notify follows what was written. Reading goes on. Default
  // time-out: 5 s.
  void shutdown(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_shutdown(get(), timeout.get(), error); });
  }

  // Ends both directions, waits for the peer's close_notify (default 5 s, with Timeout::attempt()
  // not at all), and closes. It always closes, also where it throws: SALLY_TIMED_OUT for a silent
  // peer, SALLY_TRUNCATED for one that went without a word.
  void close(Timeout timeout = {}) {
    detail::check(
        [&](sally_error** error) { return sally_stream_close(get(), timeout.get(), error); });
  }

  // Ends what is pending with SALLY_CANCELED, of SALLY_DIRECTION_READ, SALLY_DIRECTION_WRITE or
  // both; the stream stays usable. Never waits.
  void cancel(std::uint32_t directions = SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE) {
    detail::check(
        [&](sally_error** error) { return sally_stream_cancel(get(), directions, error); });
  }

  // A snapshot of what was agreed; it can be had after closing, too.
  [[nodiscard]] StreamInfo info() const {
    sally_stream_info* info = nullptr;
    detail::check([&](sally_error** error) { return sally_stream_copy_info(get(), &info, error); });
    return StreamInfo::adopt(info);
  }

 private:
  using Unique::Unique;

  // What a transfer answered, before it is known whether that is a failure for the caller.
  class Transfer {
   public:
    template <class Call>
    explicit Transfer(Call&& call) : status(call(&size, &error_)) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() { sally_error_release(error_); }

    bool ran_out_of_time() const noexcept {
      return status == SALLY_WOULD_BLOCK || status == SALLY_TIMED_OUT;
    }
    [[noreturn]] void raise() { throw Error::adopt(std::exchange(error_, nullptr)); }

   private:
    sally_error* error_ = nullptr;

   public:
    std::size_t size = 0;
    const sally_status status;  // after what its initialisation writes to
  };

  Transfer receive(std::span<std::byte> buffer, Timeout timeout) {
    return Transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_read_some(get(), buffer.data(), buffer.size(), size, timeout.get(),
                                    error);
    });
  }
  Transfer send(std::span<const std::byte> data, Timeout timeout) {
    return Transfer([&](std::size_t* size, sally_error** error) {
      return sally_stream_write(get(), data.data(), data.size(), 0, size, timeout.get(), error);
    });
  }
};

}  // namespace sally::inline v0
