#include "trace_output.h"

#include <utility>

TraceOutput::TraceOutput(Tell tell)
    : queue_(sally::CompletionQueue::create()),
      trace_(queue_),
      teller_([this, tell = std::move(tell)] {
        try {
          while (true) tell(queue_.take().take<sally::TraceRecord>());
        } catch (const sally::Error&) {
          // The queue was closed, and nothing is left in it.
        }
      }) {}

TraceOutput::~TraceOutput() {
  queue_.close();
  teller_.join();
}
