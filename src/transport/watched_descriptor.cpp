#include "transport/watched_descriptor.h"

#include "transport/descriptor.h"
#include "transport/fork.h"
#include "transport/poll.h"
#include "transport/waker.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace sally::transport {

namespace {

short poll_events(Interest interest) {
  const int read = includes(interest, Interest::read) ? POLLIN : 0;
  const int write = includes(interest, Interest::write) ? POLLOUT : 0;
  return static_cast<short>(read | write);
}

}  // namespace

std::shared_ptr<WatchedDescriptor> WatchedDescriptor::make(EventLoop& loop, int descriptor) {
  Descriptor owned(descriptor);
  std::shared_ptr<WatchedDescriptor> watched(new WatchedDescriptor(loop, descriptor));
  static_cast<void>(owned.release());
  return watched;
}

WatchedDescriptor::~WatchedDescriptor() {
  // Still attached only where the loop went first and dropped the task that would have released it.
  if (asio_) asio_->release();
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
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
  Wait& wait = slot(interest);
  auto told = [self = shared_from_this(), &wait, &handler,
               number = ++wait.begun](const asio::error_code& error = {}) {
    self->tell(handler, number <= wait.woken, error);
  };

  const std::lock_guard lock(mutex_);
  if (closed_ || !attach()) return post_reserved(loop_, wait.memory, std::move(told));
  asio_->async_wait(
      interest == Interest::write ? AsioDescriptor::wait_write : AsioDescriptor::wait_read,
      Reserved(wait.memory, std::move(told)));
}

void WatchedDescriptor::cancel_waits() noexcept {
  for (Wait& wait : waits_) wait.woken = wait.begun;
  const std::lock_guard lock(mutex_);
  // Out of Asio altogether: who cancels hands the descriptor on, perhaps to a thread that blocks.
  if (asio_) release_from_asio();
}

void WatchedDescriptor::close(bool shut_down) noexcept {
  std::unique_lock lock(mutex_);
  if (closed_) return;
  closed_ = true;
  refusal_.store(ENOTCONN, std::memory_order_release);
  // Closing alone would not end the connection while a forked child has it open too.
  if (shut_down && has_forked()) ::shutdown(number(), SHUT_RDWR);
  if (asio_ && loop_.on_this_thread()) release_from_asio();
  close_if_unused();
  if (number() < 0) return;

  // Not for Asio's sake: the event would come out of its queue after the release, as another
  // descriptor's spurious one.
  if (shut_down && blocked_ > 0) ::shutdown(number(), SHUT_RDWR);
  if (!asio_) return;
  lock.unlock();
  post_reserved(loop_, closing_, [self = shared_from_this()] {
    const std::lock_guard again(self->mutex_);
    self->release_from_asio();
    self->close_if_unused();
  });
}

void WatchedDescriptor::shut_down() noexcept {
  const std::lock_guard lock(mutex_);
  if (!closed_) ::shutdown(number(), SHUT_RDWR);
}

int WatchedDescriptor::detach() noexcept {
  const std::lock_guard lock(mutex_);
  if (asio_) release_from_asio();
  closed_ = true;
  refusal_.store(ENOTCONN, std::memory_order_release);
  return number_.exchange(-1);
}

void WatchedDescriptor::close_in_child() noexcept {
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
}

void WatchedDescriptor::tell(WaitHandler& handler, bool woken,
                             const asio::error_code& error) noexcept {
  woken = woken || refusal() == ENOTCONN || error == asio::error::operation_aborted;
  if (!woken && error) {
    // It cannot be waited for. To call it ready and leave it at that would be a busy loop.
    refusal_.store(error.value(), std::memory_order_release);
  }
  handler.on_wait_over(woken ? WaitResult::woken : WaitResult::ready);
}

// False where the system cannot watch the descriptor (no memory, too many watches): attempts then
// say so.
bool WatchedDescriptor::attach() noexcept {
  if (asio_) return true;
  try {
    asio_.emplace(loop_.state().context);
    asio_->assign(number());
    return true;
  } catch (const std::system_error& error) {
    refusal_.store(error.code().value(), std::memory_order_release);
  } catch (const std::bad_alloc&) {
    refusal_.store(ENOMEM, std::memory_order_release);
  }
  asio_.reset();
  return false;
}

// Pending waits are aborted by this and told a little later.
void WatchedDescriptor::release_from_asio() noexcept {
  asio_->release();
  asio_.reset();
}

void WatchedDescriptor::close_if_unused() noexcept {
  if (!closed_ || asio_ || blocked_ > 0) return;
  if (const int number = number_.exchange(-1); number >= 0) ::close(number);
}

}  // namespace sally::transport
