// Waiting until a source has a new generation, or a reload of it fails.
#pragma once

#include "socket/async_operation.h"
#include "socket/patience.h"
#include "tls/any_source.h"
#include "transport/event_loop.h"
#include "transport/loop_call.h"

#include <cstdint>
#include <mutex>
#include <optional>

namespace sally::socket {

// Done with the generation that there is, as soon as it is beyond `generation`; failed with what a
// reload fails with meanwhile.
Outcome wait_for_change(tls::AnySource& source, std::uint64_t generation, const Patience& patience,
                        std::uint64_t& now);

// The same; its `size` is the generation. A source belongs to no loop: it completes on one of the
// shared runtime's.
class SourceWait final : public AsyncOperation, private tls::SourceObserver {
 public:
  SourceWait(Ref<tls::AnySource> source, std::uint64_t generation, transport::Deadline deadline,
             Completion completion);
  ~SourceWait() override;

  static void begin(Ref<SourceWait> operation) noexcept;
  void cancel() noexcept override { end(SALLY_CANCELED, 0); }

 private:
  void source_changed(std::uint64_t generation, const ErrorRef& failure) noexcept override;
  void end(Outcome how, std::uint64_t generation) noexcept;
  // On its loop.
  void start() noexcept;
  void finish() noexcept;

  const Ref<tls::AnySource> source_;
  const std::uint64_t generation_;
  const transport::Deadline deadline_;
  // The source's lock may be held under which it is taken.
  std::mutex mutex_;
  bool begun_ = false;  // before, its queue may have cancelled it already
  bool over_ = false;
  bool finished_ = false;                  // the loop's alone
  std::optional<transport::Timer> timer_;  // likewise
  transport::LoopCall starting_, finishing_;
};

}  // namespace sally::socket
