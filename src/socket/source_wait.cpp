#include "socket/source_wait.h"

#include "transport/runtime.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

namespace sally::socket {

namespace {

// A thread that waits.
class Waiter final : public tls::SourceObserver {
 public:
  explicit Waiter(tls::AnySource& source) : source_(source) {
    const std::uint64_t now = source_.observe(*this);
    const std::lock_guard lock(mutex_);
    generation_ = std::max(generation_, now);
  }
  ~Waiter() { source_.forget(*this); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Outcome wait(std::uint64_t beyond, const Patience& patience, std::uint64_t& now) {
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return generation_ > beyond || failure_; };
    if (patience.attempt && !is_over()) return SALLY_WOULD_BLOCK;
    if (patience.deadline == transport::never)
      changed_.wait(lock, is_over);
    else if (!changed_.wait_until(lock, patience.deadline, is_over))
      return SALLY_TIMED_OUT;
    if (generation_ <= beyond) return failure_;
    now = generation_;
    return SALLY_OK;
  }

 private:
  void source_changed(std::uint64_t generation, const ErrorRef& failure) noexcept override {
    const std::lock_guard lock(mutex_);
    generation_ = generation;
    if (failure) failure_ = failure;
    changed_.notify_all();
  }

  tls::AnySource& source_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t generation_ = 0;
  ErrorRef failure_;  // the last
};

}  // namespace

Outcome wait_for_change(tls::AnySource& source, std::uint64_t generation, const Patience& patience,
                        std::uint64_t& now) {
  return Waiter(source).wait(generation, patience, now);
}

// Each call holds a reference, given up at its end.
SourceWait::SourceWait(Ref<tls::AnySource> source, std::uint64_t generation,
                       transport::Deadline deadline, Completion completion)
    : AsyncOperation(std::move(completion)),
      source_(std::move(source)),
      generation_(generation),
      deadline_(deadline),
      starting_(
          transport::EventLoop::shared(),
          [](void* self) noexcept {
            Ref<SourceWait>::adopt(static_cast<SourceWait*>(self))->start();
          },
          this),
      finishing_(
          starting_.loop(),
          [](void* self) noexcept {
            Ref<SourceWait>::adopt(static_cast<SourceWait*>(self))->finish();
          },
          this) {}

// It may have ended before it observed.
SourceWait::~SourceWait() {
  source_->forget(*this);
}

void SourceWait::begin(Ref<SourceWait> operation) noexcept {
  SourceWait& self = *operation;
  self.retain();  // until finish()
  {
    const std::lock_guard lock(self.mutex_);
    self.begun_ = true;
    if (self.over_) return self.finishing_.post();
  }
  if (self.deadline_ != transport::never) {
    self.retain();  // until start()
    self.starting_.post();
  }
  const std::uint64_t now = self.source_->observe(self);
  if (now > self.generation_) self.end(SALLY_OK, now);
}

void SourceWait::source_changed(std::uint64_t generation, const ErrorRef& failure) noexcept {
  if (generation > generation_)
    end(SALLY_OK, generation);
  else if (failure)
    end(failure, 0);
}

void SourceWait::end(Outcome how, std::uint64_t generation) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(over_, true)) return;
    outcome = std::move(how);
    size = generation;
    if (!begun_) return;
  }
  finishing_.post();
}

void SourceWait::start() noexcept {
  if (finished_) return;
  timer_.emplace(starting_.loop());
  timer_->start(deadline_, [this] { end(SALLY_TIMED_OUT, 0); });
}

void SourceWait::finish() noexcept {
  source_->forget(*this);
  finished_ = true;
  timer_.reset();
  complete();
}

}  // namespace sally::socket
