#include "transport/watched_descriptor.h"

#include "transport/descriptor.h"
#include "transport/fork.h"
#include "transport/loop_state.h"
#include "transport/poll.h"
#include "transport/waker.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sally::transport {

namespace {

short poll_events(Interest interest) {
  const int read = includes(interest, Interest::read) ? POLLIN : 0;
  const int write = includes(interest, Interest::write) ? POLLOUT : 0;
  return static_cast<short>(read | write);
}

constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP;

// So many events in a row for which nobody waits: somebody reads without the loop.
constexpr int most_unclaimed = 4;

}  // namespace

std::shared_ptr<WatchedDescriptor> WatchedDescriptor::make(EventLoop& loop, int descriptor) {
  Descriptor owned(descriptor);
  std::shared_ptr<WatchedDescriptor> watched(new WatchedDescriptor(loop, descriptor));
  static_cast<void>(owned.release());
  return watched;
}

WatchedDescriptor::~WatchedDescriptor() {
  // Still watched only where the loop went first.
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
}

void WatchedDescriptor::begin_attempt(Interest interest) noexcept {
  std::atomic<bool>& edge = direction(interest).edge;
  // Before the attempt, so that what the loop sees from now on is not lost.
  if (edge.load(std::memory_order_relaxed)) edge.exchange(false);
}

void WatchedDescriptor::end_attempt(Interest interest, bool exhausted) noexcept {
  direction(interest).exhausted.store(exhausted && watched_.load(std::memory_order_relaxed),
                                      std::memory_order_relaxed);
}

void WatchedDescriptor::try_again() noexcept {
  int why = refusal();
  if (why != 0 && why != ENOTCONN) refusal_.compare_exchange_strong(why, 0);
}

// After the peer's end or an error no further edge may come.
bool WatchedDescriptor::is_exhausted(Interest interest) const noexcept {
  const Direction& it = direction(interest);
  return it.exhausted.load(std::memory_order_relaxed) && !ended_ && !it.edge;
}

WaitResult WatchedDescriptor::wait(Interest interest, Deadline deadline, Waker& waker) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return WaitResult::woken;
    ++blocked_;
  }
  // poll ignores a negative number; a descriptor of no interest would still report errors.
  std::array<pollfd, 2> polled{
      {{waker.descriptor(), POLLIN, 0},
       {interest == Interest::none ? -1 : number(), poll_events(interest), 0}}};
  const bool found = poll_until(polled, deadline);
  {
    const std::lock_guard lock(mutex_);
    --blocked_;
    close_if_unused();
  }
  if (!found) return WaitResult::timed_out;
  return polled[0].revents != 0 ? WaitResult::woken : WaitResult::ready;
}

void WatchedDescriptor::wait_async(Interest interest, WaitHandler& handler) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_ || direction(interest).edge || !watch(interest)) {
    return handler.tell_later(loop_, shared_from_this(), /*woken=*/false);
  }
  direction(interest).waiting = &handler;
  ++loop_.state().waits;
}

void WatchedDescriptor::cancel_waits() noexcept {
  const std::lock_guard lock(mutex_);
  // Not watched at all any more: who cancels hands the descriptor on, perhaps to a thread that
  // blocks.
  unwatch();
}

void WatchedDescriptor::close(bool shut_down) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  refusal_.store(ENOTCONN, std::memory_order_release);
  // Closing alone would not end the connection while a forked child has it open too.
  if (shut_down && has_forked()) ::shutdown(number(), SHUT_RDWR);
  if (watched_ && loop_.on_this_thread()) unwatch();
  close_if_unused();
  if (number() < 0) return;

  // Those who wait learn of it, and so does the peer.
  if (shut_down && blocked_ > 0) ::shutdown(number(), SHUT_RDWR);
  if (!watched_) return;
  closing_ = shared_from_this();
  loop_.state().post(*this);
}

// On its loop, closed on another thread.
void WatchedDescriptor::call() noexcept {
  const auto self = std::exchange(closing_, nullptr);
  const std::lock_guard lock(mutex_);
  unwatch();
  close_if_unused();
}

void WatchedDescriptor::shut_down() noexcept {
  const std::lock_guard lock(mutex_);
  if (!closed_) ::shutdown(number(), SHUT_RDWR);
}

int WatchedDescriptor::detach() noexcept {
  const std::lock_guard lock(mutex_);
  unwatch();
  closed_ = true;
  refusal_.store(ENOTCONN, std::memory_order_release);
  return number_.exchange(-1);
}

void WatchedDescriptor::close_in_child() noexcept {
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
}

// Takes who waits for what has happened, and lets the next attempt know.
WaitHandler* WatchedDescriptor::claim(Interest interest, bool happened) noexcept {
  if (!happened) return nullptr;
  Direction& it = direction(interest);
  it.edge = true;
  if (it.waiting != nullptr) --loop_.state().waits;
  return std::exchange(it.waiting, nullptr);
}

void WatchedDescriptor::on_events(std::uint32_t events) noexcept {
  const auto self = shared_from_this();  // who is told may let go of it
  const bool over = (events & (EPOLLHUP | EPOLLERR)) != 0;
  ended_ = ended_ || over || (events & EPOLLRDHUP) != 0;
  WaitHandler* const reader = claim(Interest::read, over || (events & read_events) != 0);
  WaitHandler* const writer = claim(Interest::write, over || (events & EPOLLOUT) != 0);
  if (reader == nullptr && writer == nullptr) {
    if (++unclaimed_ < most_unclaimed) return;
    const std::lock_guard lock(mutex_);
    return unwatch();
  }
  unclaimed_ = 0;
  for (WaitHandler* handler : {reader, writer}) {
    if (handler == nullptr) continue;
    handler->on_wait_over(is_closed() ? WaitResult::woken : WaitResult::ready);
  }
}

// False where the system cannot watch the descriptor (no memory, too many watches): attempts then
// say so. Renewed where nobody has met the end of what is there: no edge might come.
bool WatchedDescriptor::watch(Interest interest) noexcept {
  const std::uint32_t wanted = interest == Interest::write ? EPOLLOUT : read_events;
  if ((events_ & wanted) == wanted && is_exhausted(interest)) return true;
  Poller& poller = loop_.state().poller;
  const std::uint32_t events = events_ | wanted;
  const int error_number =
      watched_ ? poller.renew(number(), events, *this) : poller.add(number(), events, *this);
  if (error_number != 0) {
    // To call it ready and leave it at that would be a busy loop.
    refusal_.store(error_number, std::memory_order_release);
    return false;
  }
  events_ = events;
  watched_ = true;
  return true;
}

// Who still waits is told, a little later.
void WatchedDescriptor::unwatch() noexcept {
  if (!watched_) return;
  loop_.state().poller.remove(number(), *this);
  watched_ = false;
  events_ = 0;
  for (Direction& it : directions_) {
    it.exhausted = false;
    WaitHandler* const handler = std::exchange(it.waiting, nullptr);
    if (handler == nullptr) continue;
    --loop_.state().waits;
    handler->tell_later(loop_, shared_from_this(), /*woken=*/true);
  }
}

void WatchedDescriptor::close_if_unused() noexcept {
  if (!closed_ || watched_ || blocked_ > 0) return;
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
}

}  // namespace sally::transport
