#include "transport/poller.h"

#include "status/error.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

namespace sally::transport {

namespace {

Descriptor opened(int descriptor, const char* what) {
  if (descriptor < 0) throw Failure(errno_error(errno, {.message = what}));
  return Descriptor(descriptor);
}

// Rounded up: early would be a turn for nothing.
int milliseconds_until(Deadline deadline) noexcept {
  if (deadline == never) return -1;
  // One and the same now: of two, the difference would be a wait where none is due.
  const Deadline now = Clock::now();
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(std::max(deadline, now) - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

itimerspec as_alarm(Deadline deadline) noexcept {
  itimerspec time{};
  if (deadline == never) return time;
  // Zero would disarm it.
  const auto since = std::max(deadline.time_since_epoch(), Clock::duration(1));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  time.it_value.tv_sec = static_cast<time_t>(seconds.count());
  time.it_value.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count());
  return time;
}

}  // namespace

Poller::Poller()
    : poll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      waker_(opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  // Edge-triggered, each write is an event, and nobody needs to read.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, waker_.get(), &event) != 0) {
    throw Failure(errno_error(errno, {.message = "epoll_ctl"}));
  }
}

int Poller::add(int descriptor, std::uint32_t events, Watch& watch) noexcept {
  epoll_event event{.events = events | EPOLLET, .data = {.ptr = &watch}};
  return ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int Poller::renew(int descriptor, std::uint32_t events, Watch& watch) noexcept {
  epoll_event event{.events = events | EPOLLET, .data = {.ptr = &watch}};
  return ::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : errno;
}

void Poller::remove(int descriptor, const Watch& watch) noexcept {
  epoll_event event{};
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, descriptor, &event);
  for (std::size_t i = next_; i < end_; ++i) {
    if (events_[i].data.ptr == &watch) events_[i].data.ptr = nullptr;
  }
}

std::size_t Poller::look(Deadline deadline) noexcept {
  const int timeout = deadline == Deadline::min() ? 0 : milliseconds_until(deadline);
  const int found =
      ::epoll_wait(poll_.get(), events_.data(), static_cast<int>(most_events), timeout);
  end_ = found > 0 ? static_cast<std::size_t>(found) : 0;  // interrupted: the caller looks again
  std::size_t told = 0;
  for (next_ = 0; next_ < end_;) {
    const epoll_event event = events_[next_++];
    if (event.data.ptr == nullptr) continue;  // the waker, the alarm, or removed meanwhile
    static_cast<Watch*>(event.data.ptr)->on_events(event.events);
    ++told;
  }
  next_ = end_ = 0;
  return told;
}

void Poller::wake() noexcept {
  // EAGAIN: the counter is full, after more wake-ups than there are nanoseconds in a life.
  while (::eventfd_write(waker_.get(), 1) != 0 && errno == EINTR) {
  }
}

bool Poller::open_alarm() noexcept {
  if (alarm_.get() >= 0) return true;
  Descriptor alarm(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (alarm.get() < 0 || ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, alarm.get(), &event) != 0) {
    return false;
  }
  alarm_ = std::move(alarm);
  return true;
}

void Poller::set_alarm(Deadline deadline) noexcept {
  if (deadline == alarm_time_ || !open_alarm()) return;
  const itimerspec time = as_alarm(deadline);
  if (::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &time, nullptr) == 0) {
    alarm_time_ = deadline;
  }
}

}  // namespace sally::transport
