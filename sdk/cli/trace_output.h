// trace_output.h: the records of a trace, a line each, as they come.
#pragma once

#include <functional>
#include <thread>

#include <sallyport/sallyport.hpp>

// Tells each record, on a thread of its own and in order. What is there when it goes is told still, so
// let the connections end before.
class TraceOutput {
 public:
  using Tell = std::function<void(const sally::TraceRecord&)>;

  explicit TraceOutput(Tell tell);
  ~TraceOutput();
  TraceOutput(const TraceOutput&) = delete;
  TraceOutput& operator=(const TraceOutput&) = delete;

  const sally::Trace& trace() const { return trace_; }

 private:
  sally::CompletionQueue queue_;
  sally::Trace trace_;
  std::thread teller_;
};
