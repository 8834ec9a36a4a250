// What one connection tells its trace.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/openssl_types.h"
#include "tls/trace_sink.h"
#include "transport/deadline.h"
#include "transport/flow.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

struct Answer;

// With the lock of its connection. Nothing throws: what cannot be recorded counts as dropped.
class Tracer {
 public:
  Tracer(Ref<TraceSink> sink, bool is_server);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Of whom OpenSSL's callbacks tell from now on. With another config a server reads the hello again.
  void follow(const ssl_st* ssl) noexcept;

  // How the connection came about, before the handshake.
  void dialed(std::int64_t resolve_us, std::int64_t connect_us,
              const std::string& address) noexcept;
  void accepted(transport::Deadline since, const std::string& address) noexcept;

  void began() noexcept;
  void message(bool sent, std::uint8_t type, std::span<const unsigned char> message) noexcept;
  void alert(bool sent, int level, int description) noexcept;
  void asked(std::int32_t question, sally_status verdict) noexcept;
  void answered(std::int32_t question, const Answer& answer) noexcept;
  void offered_session() noexcept;
  // This side waits for the other: what it has said is sent.
  void turn_over() noexcept;
  void established() noexcept;
  // The first counts.
  void failed(const sally_error& error) noexcept;
  // Nothing is told after it.
  void ended(const transport::Traffic& traffic) noexcept;

 private:
  struct Members;  // of its JSON
  struct Message {
    const char* type;
    std::size_t size;
  };
  struct Held;

  std::int64_t now_us() const noexcept;
  void add_message(bool sent, const char* type, std::size_t size);
  void settle_flight();
  void tell(std::int32_t kind, const char* kind_name, const std::string& text, Members members);
  void tell_at(std::int64_t time_us, std::int32_t kind, const char* kind_name,
               const std::string& text, Members members);
  void release_held();
  void put(Held held);
  void drop() noexcept;
  template <class Body>
  void safely(Body&& body) noexcept;

  const Ref<TraceSink> sink_;
  const std::uint64_t connection_;
  const bool is_server_;
  const ssl_st* ssl_ = nullptr;
  transport::Deadline began_ = transport::Clock::now();
  std::int64_t last_us_ = 0;
  std::string correlation_id_;
  std::vector<Held> held_;  // until the correlation id is known
  std::vector<Message> flight_;
  bool flight_is_sent_ = false;
  std::int64_t flight_us_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t dropped_ = 0;
  bool hello_was_read_ = false;  // and is read again, by another config
  bool session_offered_ = false;
  bool is_established_ = false;
  bool is_over_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
  sally_status failure_ = SALLY_OK;
};

}  // namespace sally::tls
