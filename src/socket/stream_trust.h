// What an established stream keeps where its config says that changes of the trust end connections.
#pragma once

#include "socket/stream.h"
#include "tls/source.h"
#include "transport/event_loop.h"
#include "transport/patient_call.h"

#include <atomic>
#include <optional>

namespace sally::socket {

// Guarded by the lock of the stream, which owns it, but for what is said.
class Stream::TrustWatch final : private tls::SourceObserver {
 public:
  TrustWatch(Stream& stream, Ref<tls::TrustSource> source, transport::EventLoop& loop);
  ~TrustWatch() { forget(); }

  // `generation`: by which the peer was let in.
  void begin(std::uint64_t generation) noexcept;
  // Nothing more is reviewed.
  void forget() noexcept { source_->forget(*this); }

  std::uint64_t reviewed = 0;
  std::uint64_t judged = 0;  // how often the session had judged its peer then
  ErrorRef refusal;          // why the peer is no longer trusted; null: it is
  bool dropped = false;      // and the connection has ended for it
  // The loop's alone. While it runs it keeps the stream.
  std::optional<transport::Timer> timer;

 private:
  // On any thread, with the lock of the source, under which the last reference to the stream must not
  // go.
  void source_changed(std::uint64_t generation, const ErrorRef& failure) noexcept override;
  void note() noexcept;

  Stream& stream_;
  const Ref<tls::TrustSource> source_;
  transport::PatientCall call_;
  std::atomic<bool> noted_{false};
};

}  // namespace sally::socket
