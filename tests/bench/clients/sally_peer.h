// A connection of a client of ours that uses the C ABI.
#pragma once

#include "callback_peer.h"
#include "sally_c.h"

namespace bench {

class SallyWorld {
 public:
  SallyWorld(const Options& options, std::uint32_t flags)
      : service_(std::to_string(options.port)),
        full_(make_config(options, SALLY_ROLE_CLIENT, false)),
        resuming_(make_config(options, SALLY_ROLE_CLIENT, true)) {
    sally_runtime_options how{};
    how.struct_size = sizeof how;
    how.flags = flags;
    how.loops = flags == 0 ? 1 : 0;
    must("runtime", [&](auto error) { return sally_runtime_create(&how, &runtime_, error); });
    completions.struct_size = sizeof completions;
  }

  sally_stream* make_stream(bool resume) {
    sally_stream_options how{};
    how.struct_size = sizeof how;
    how.host = "127.0.0.1";
    how.verify_name = "localhost";
    how.service = service_.c_str();
    how.tls = resume ? resuming_ : full_;
    how.runtime = runtime_;
    sally_stream* stream = nullptr;
    must("stream", [&](auto error) { return sally_stream_create(&how, &stream, error); });
    return stream;
  }
  sally_runtime* runtime() { return runtime_; }

 private:
  const std::string service_;
  sally_tls_config* const full_;
  sally_tls_config* const resuming_;
  sally_runtime* runtime_ = nullptr;
};

class SallyPeer final : public CallbackPeer<SallyPeer> {
 public:
  SallyPeer(SallyWorld& world, bool strict) : CallbackPeer(strict), world_(world) {}
  ~SallyPeer() { sally_stream_release(stream_); }

  void connect(bool resume) {
    sally_stream_release(std::exchange(stream_, world_.make_stream(resume)));
    const auto completion = to_this();
    began(sally_stream_connect_async(stream_, 0, &completion, nullptr, nullptr), "connect");
  }
  void write(Bytes data) {
    const auto completion = to_this();
    began(sally_stream_write_async(stream_, data.data(), data.size(), 0, 0, &completion, nullptr,
                                   nullptr),
          "write");
  }
  void write_all(const Bytes* pieces, std::size_t count) {
    sally_buffer buffers[Command::batch];
    for (std::size_t i = 0; i < count; ++i) buffers[i] = {pieces[i].data(), pieces[i].size()};
    const auto completion = to_this();
    began(sally_stream_writev_async(stream_, buffers, count, 0, 0, &completion, nullptr, nullptr),
          "write");
  }
  void read_some(unsigned char* buffer, std::size_t size) {
    const auto completion = to_this();
    began(sally_stream_read_some_async(stream_, buffer, size, 0, &completion, nullptr, nullptr),
          "read");
  }
  void close() {
    const auto completion = to_this();
    began(sally_stream_close_async(stream_, 0, &completion, nullptr, nullptr), "close");
  }

  static void handle(SallyPeer& peer, const sally_event& event) {
    if (event.status != SALLY_OK) fail(sally_error_json(event.error));
    peer.completed(event.size);
  }

 private:
  static void began(sally_status status, const char* what) {
    if (status != SALLY_OK) fail(std::string(what) + ": " + sally_status_name(status));
  }
  sally_completion to_this() {
    sally_completion completion = completions;
    if (completion.queue != nullptr)
      completion.tag = reinterpret_cast<std::uintptr_t>(this);
    else
      completion.user = this;
    return completion;
  }

  SallyWorld& world_;
  sally_stream* stream_ = nullptr;
};

}  // namespace bench
