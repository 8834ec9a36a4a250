// The descriptors that one thread waits for, by epoll(7). Private to this layer.
#pragma once

#include "transport/deadline.h"
#include "transport/descriptor.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <sys/epoll.h>

namespace sally::transport {

// Registrations stand: they are edge-triggered, made once, and cost nothing from one event to the
// next.
class Poller {
 public:
  class Watch {
   public:
    // On the loop's thread. `events` as of epoll_wait.
    virtual void on_events(std::uint32_t events) noexcept = 0;

   protected:
    ~Watch() = default;
  };

  Poller();  // throws Failure where the system gives no descriptor
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Loop's thread only. 0 or an errno. What is ready already is an event too.
  int add(int descriptor, std::uint32_t events, Watch& watch) noexcept;
  // Again for events that were told before, where they are still so.
  int renew(int descriptor, std::uint32_t events, Watch& watch) noexcept;
  // Nothing is told of it any more, not even what was found already.
  void remove(int descriptor, const Watch& watch) noexcept;

  // By the loop's thread: tells what is ready, and where nothing is, waits until something is,
  // somebody calls wake() or the deadline has passed. Returns how many it told.
  std::size_t look(Deadline deadline) noexcept;
  // Any thread: the current look, or the next one, returns.
  void wake() noexcept;
  // Readable where a look would not wait.
  int descriptor() const noexcept { return poll_.get(); }
  // descriptor() turns readable at that time too. Loop's thread only.
  void set_alarm(Deadline deadline) noexcept;

 private:
  static constexpr std::size_t most_events = 128;

  bool open_alarm() noexcept;

  Descriptor poll_;
  Descriptor waker_;
  Descriptor alarm_;  // none before its first use
  Deadline alarm_time_ = never;
  std::array<epoll_event, most_events> events_;
  std::size_t next_ = 0;  // of the events that are being told
  std::size_t end_ = 0;
};

}  // namespace sally::transport
