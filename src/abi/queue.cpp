#include "abi/boundary.h"
#include "abi/completion.h"
#include "abi/patience.h"

#include <cstring>
#include <vector>

#include <sallyport/decision.h>
#include <sallyport/queue.h>
#include <sallyport/trace.h>

using sally::make_ref;
using sally::Ref;
using sally::abi::guarded;
using sally::abi::Outcome;
using sally::abi::require;
using sally::abi::to_event;
using sally::abi::to_patience;
using sally::abi::usable;
using sally::socket::AsyncOperation;
using sally::socket::CompletionQueue;

void sally_event_dispose(sally_event* event) {
  if (event == nullptr) return;
  if (event->kind == SALLY_EVENT_ACCEPTED) {
    sally_stream_release(static_cast<sally_stream*>(event->object));
  } else if (event->kind == SALLY_EVENT_REFUSED) {
    sally_bytes_release(static_cast<sally_bytes*>(event->object));
  } else if (event->kind == SALLY_EVENT_DECISION) {
    sally_decision_release(static_cast<sally_decision*>(event->object));
  } else if (event->kind == SALLY_EVENT_TRACE) {
    sally_trace_record_release(static_cast<sally_trace_record*>(event->object));
  }
  sally_error_release(event->error);
  event->object = nullptr;
  event->error = nullptr;
}

sally_status sally_queue_create(sally_queue** queue, sally_error** error) {
  return guarded(error, [&] {
    require(queue != nullptr, "queue is NULL");
    *queue = new sally_queue(make_ref<CompletionQueue>());
    return SALLY_OK;
  });
}

intptr_t sally_queue_fd(const sally_queue* queue) {
  return queue != nullptr && !queue->inherited() ? queue->object->descriptor() : -1;
}

namespace {

// A caller's array of events, whose structs may be larger than those that this library knows.
struct Events {
  sally_event* first;
  std::size_t size;  // of each

  void set(std::size_t index, const sally_event& event) const {
    auto* place = reinterpret_cast<char*>(first) + index * size;
    std::memset(place, 0, size);
    std::memcpy(place, &event, sizeof event);
  }
};

Outcome take(CompletionQueue& queue, const Events& events, std::size_t capacity, std::size_t& count,
             const sally::socket::Patience& patience) {
  std::vector<Ref<AsyncOperation>> taken;
  if (Outcome outcome = queue.take(capacity, patience, taken); !outcome.ok()) return outcome;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    try {
      sally_event event{};
      to_event(*taken[i], event);
      events.set(i, event);
      ++count;
    } catch (const std::bad_alloc&) {
      while (taken.size() > i) {
        queue.put_back(std::move(taken.back()));
        taken.pop_back();
      }
      if (count == 0) throw;
    }
  }
  return SALLY_OK;
}

}  // namespace

sally_status sally_queue_take(sally_queue* queue, sally_event* events, size_t event_size,
                              size_t capacity, size_t* count, int64_t timeout_ms,
                              sally_error** error) {
  if (count != nullptr) *count = 0;
  return guarded(error, [&] {
    // The queue outlives a release by another thread meanwhile.
    const Ref<CompletionQueue> object = usable(queue).object;
    require(events != nullptr && capacity > 0, "events is NULL or capacity is 0");
    require(event_size >= sizeof(sally_event) && event_size <= sally::abi::largest_options &&
                event_size % alignof(sally_event) == 0,
            "event_size is not the size of an event");
    require(count != nullptr, "count is NULL");
    return take(*object, {events, event_size}, capacity, *count,
                to_patience(timeout_ms, SALLY_TIMEOUT_NEVER));
  });
}

size_t sally_queue_pending(const sally_queue* queue) {
  return queue != nullptr && !queue->inherited() ? queue->object->pending() : 0;
}

sally_status sally_queue_close(sally_queue* queue, sally_error** error) {
  return guarded(error, [&] {
    usable(queue).object->close();
    return SALLY_OK;
  });
}

sally_queue* sally_queue_retain(sally_queue* queue) {
  if (queue != nullptr) queue->retain();
  return queue;
}

void sally_queue_release(sally_queue* queue) {
  if (queue != nullptr) queue->release();
}

void sally_operation_cancel(sally_operation* operation) {
  if (operation != nullptr && !operation->inherited()) operation->object->cancel();
}

sally_operation* sally_operation_retain(sally_operation* operation) {
  if (operation != nullptr) operation->retain();
  return operation;
}

void sally_operation_release(sally_operation* operation) {
  if (operation != nullptr) operation->release();
}
