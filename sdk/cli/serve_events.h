// serve_events.h: what a server tells about its clients, a line an event.
#pragma once

#include "report.h"
#include "terminal.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include <sallyport/sallyport.hpp>

// How one client fared.
struct Served {
  std::string peer;
  std::string correlation_id;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

// Any number of threads may tell. sdk/docs/sally.md has the events.
class ServeEvents {
 public:
  explicit ServeEvents(bool json);

  void listening(const std::string& address, std::uint16_t port, const std::string& mode);
  void accepted(const sally::StreamInfo& info);
  void refused(const sally::Refusal& refusal);
  // Without an error: the client ended its direction properly.
  void closed(const Served& served, const std::optional<sally::Error>& error);
  void traced(const sally::TraceRecord& record);
  void stopped();

 private:
  void say(Json event, const std::string& text);

  const bool json_;
  const Style style_;
  std::mutex mutex_;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
};
