// Handshakes of a stream that wait for the program's decisions. All their attempts are made on the
// loop, since the one that suspends a server within a verification can go on on its own thread only.
#include "socket/stream.h"

#include <chrono>
#include <condition_variable>
#include <utility>

namespace sally::socket {

namespace {

// How an operation ended, for the thread that waits for it; either may go first.
struct Ending {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  Outcome outcome;
};

// The loop ends an operation at its deadline; a loop that nobody serves any more does not.
constexpr std::chrono::seconds grace{1};

}  // namespace

bool Stream::asks(const Request& request) const noexcept {
  tls::Config* config = nullptr;
  if (request.verb == Verb::connect) config = target_.config.get();
  if (request.verb == Verb::upgrade) config = request.config.get();
  return config != nullptr && config->may_wait();
}

// A blocking form, as an asynchronous one that is waited for.
Outcome Stream::run_on_loop(Request&& request, const Patience& patience) {
  const auto ending = std::make_shared<Ending>();
  const auto operation =
      make_ref<StreamOperation>(Ref<Stream>::share(this), std::move(request), patience.deadline,
                                told([ending](AsyncOperation& over) {
                                  {
                                    const std::lock_guard lock(ending->mutex);
                                    ending->outcome = over.outcome;
                                    ending->over = true;
                                  }
                                  ending->changed.notify_all();
                                }));
  try {
    submit(operation);
  } catch (const Failure& failure) {
    return failure.error();
  }
  // Where nobody can wait for it, the loop ends it when it gets to that.
  const auto give_up = [this] {
    closing_ = true;
    attention_ = true;
    operations_.wake_all();
  };
  {
    const Lock lock(mutex_);
    const ErrorRef why = operation->settled_ ? ErrorRef() : cannot_wait(*operation);
    if (why) {
      give_up();
      return why;
    }
  }
  std::unique_lock lock(ending->mutex);
  const auto is_over = [&] { return ending->over; };
  if (patience.deadline >= transport::never - grace) {
    ending->changed.wait(lock, is_over);
  } else if (!ending->changed.wait_until(lock, patience.deadline + grace, is_over)) {
    lock.unlock();
    const Lock stream_lock(mutex_);
    give_up();
    return make_error(SALLY_TIMED_OUT, {.message = "nobody runs the stream's event loop"});
  }
  return std::move(ending->outcome);
}

// After an attempt at the handshake, with the lock; the loop delivers what was asked without it.
void Stream::attend_questions() {
  if (!questions_) return;
  auto answered = [stream = Ref<Stream>::share(this)] {
    const Lock lock(stream->mutex_);
    stream->schedule();
  };
  auto asked = questions_->attend(*session_, transport_->peer_address(), std::move(answered));
  if (asked) asked_ = std::move(asked);
}

}  // namespace sally::socket
