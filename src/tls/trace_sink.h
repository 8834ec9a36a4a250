// Where the records of connections go, as the sessions know it.
#pragma once

#include "status/live_count.h"
#include "status/ref.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include <sallyport/trace.h>

namespace sally::tls {

struct TraceData {
  std::int32_t kind = 0;  // SALLY_TRACE_*
  std::int32_t side = 0;  // SALLY_ROLE_*
  std::uint64_t connection = 0;
  std::int64_t time_us = 0;
  std::string correlation_id{};
  std::string text{};
  std::string json{};
};

}  // namespace sally::tls

struct sally_trace_record final : sally::RefCounted<sally_trace_record>,
                                  sally::LiveCount<SALLY_HANDLE_TRACE_RECORD> {
  explicit sally_trace_record(sally::tls::TraceData content) : data(std::move(content)) {}
  const sally::tls::TraceData data;
};

namespace sally::tls {

class TraceSink : public RefCounted<TraceSink> {
 public:
  // Any thread, with locks of the connection held: it calls nobody and waits for nobody.
  virtual void put(Ref<sally_trace_record> record) noexcept = 0;

  std::uint64_t next_connection() noexcept { return ++connections_; }
  std::uint32_t most_per_connection() const noexcept { return most_per_connection_; }
  void count_drop() noexcept { ++dropped_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 protected:
  friend class RefCounted<TraceSink>;
  explicit TraceSink(std::uint32_t most_per_connection)
      : most_per_connection_(most_per_connection) {}
  virtual ~TraceSink() = default;

 private:
  const std::uint32_t most_per_connection_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace sally::tls
