// What Asio sees of an event loop, and how a handler reaches it without an allocation. Private to
// this layer.
#pragma once

#include "transport/event_loop.h"

#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace sally::transport {

// Room for one handler that waits in Asio. What must not fail (closing, being told of readiness)
// reserves its memory early. Whoever hands it out twice at once gets the second from the heap.
class HandlerMemory {
 public:
  void* allocate(std::size_t size) {
    if (used_ || size > sizeof bytes_) return ::operator new(size);
    used_ = true;
    return bytes_.data();
  }
  void deallocate(void* memory) noexcept {
    if (memory == bytes_.data()) {
      used_ = false;
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 192> bytes_;
  bool used_ = false;
};

class PatientCall;

// The calls of a loop that wait their turn (patient_call.h).
struct PatientLine {
  PatientCall* take() noexcept;  // null: none is left, and nothing is posted any more
  void post_turn(EventLoop& loop) noexcept;

  std::mutex mutex;
  PatientCall* first = nullptr;
  PatientCall* last = nullptr;
  bool posted = false;
  HandlerMemory memory;
};

struct EventLoop::State {
  explicit State(RunBy by);

  const RunBy run_by;
  asio::io_context context{1};  // one thread runs it: Asio then leaves out some locking
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer timer{
      context};  // its making opens the descriptors that Asio needs, or fails here
  std::thread thread;
  std::atomic<bool> served{false};
  std::atomic<bool> over{false};  // nothing will be served any more
  std::shared_ptr<std::atomic<bool>> thread_ended = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<EventLoop> orphan;  // a dissolved loop owns itself until it is over
  PatientLine patient;
};

template <class T>
class HandlerAllocator {
 public:
  using value_type = T;

  explicit HandlerAllocator(HandlerMemory& memory) noexcept : memory_(&memory) {}
  template <class U>
  explicit HandlerAllocator(const HandlerAllocator<U>& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
  void deallocate(T* objects, std::size_t) noexcept { memory_->deallocate(objects); }

  friend bool operator==(const HandlerAllocator&, const HandlerAllocator&) = default;

 private:
  template <class U>
  friend class HandlerAllocator;
  HandlerMemory* memory_;
};

// A handler that Asio keeps in `memory`, which `function` must keep alive: Asio frees it just
// before it calls.
template <class Function>
class Reserved {
 public:
  using allocator_type = HandlerAllocator<std::byte>;

  Reserved(HandlerMemory& memory, Function function)
      : memory_(&memory), function_(std::move(function)) {}

  allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }

  template <class... Arguments>
  void operator()(Arguments&&... arguments) {
    function_(std::forward<Arguments>(arguments)...);
  }

 private:
  HandlerMemory* memory_;
  Function function_;
};

template <class Function>
void post_reserved(EventLoop& loop, HandlerMemory& memory, Function function) {
  asio::post(loop.state().context, Reserved<Function>(memory, std::move(function)));
}

}  // namespace sally::transport
