#include "tls/tracer.h"

#include "status/table.h"
#include "tls/decision.h"
#include "tls/explain.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

using transport::microseconds_since;

// RFC 8446 section 4, and those of TLS 1.2 (RFC 5246 section 7.4, RFC 6066 section 8).
const char* message_name(std::uint8_t type) {
  switch (type) {
    case SSL3_MT_HELLO_REQUEST:
      return "hello_request";
    case SSL3_MT_CLIENT_HELLO:
      return "client_hello";
    case SSL3_MT_SERVER_HELLO:
      return "server_hello";
    case SSL3_MT_NEWSESSION_TICKET:
      return "new_session_ticket";
    case SSL3_MT_END_OF_EARLY_DATA:
      return "end_of_early_data";
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return "encrypted_extensions";
    case SSL3_MT_CERTIFICATE:
      return "certificate";
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return "server_key_exchange";
    case SSL3_MT_CERTIFICATE_REQUEST:
      return "certificate_request";
    case SSL3_MT_SERVER_DONE:
      return "server_hello_done";
    case SSL3_MT_CERTIFICATE_VERIFY:
      return "certificate_verify";
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return "client_key_exchange";
    case SSL3_MT_FINISHED:
      return "finished";
    case SSL3_MT_CERTIFICATE_STATUS:
      return "certificate_status";
    case SSL3_MT_KEY_UPDATE:
      return "key_update";
    default:
      return "unknown";
  }
}

// RFC 8446 section 4.1.3: the random of a ServerHello that is a HelloRetryRequest.
bool is_retry(std::span<const unsigned char> message) {
  constexpr std::array<unsigned char, 8> random{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11};
  constexpr std::size_t at = 6;
  return message.size() >= at + random.size() &&
         std::ranges::equal(random, message.subspan(at, random.size()));
}

const char* question_name(std::int32_t question) {
  switch (question) {
    case SALLY_QUESTION_CREDENTIAL:
      return "credential";
    case SALLY_QUESTION_PEER:
      return "peer";
    case SALLY_QUESTION_CLIENT_HELLO:
      return "client_hello";
    default:
      return "signature";
  }
}

const char* answer_name(const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::accept:
      return "accept";
    case Answer::Kind::insecure_accept:
      return "insecure_accept";
    case Answer::Kind::credential:
      return answer.credential ? "credential" : "no_credential";
    case Answer::Kind::config:
      return "config";
    case Answer::Kind::signature:
      return "signature";
    case Answer::Kind::deny:
      break;
  }
  return answer.nobody ? "nobody" : "deny";
}

std::string status_name(sally_status status) {
  const status::Row* row = status::find(status);
  return row != nullptr ? row->name : "SALLY_UNKNOWN";
}

std::string alert_name(int description) {
  const std::string_view name = status::native_name(SALLY_DOMAIN_ALERT, description);
  return name.empty() ? "unknown" : std::string(name);
}

const char* direction(bool sent) {
  return sent ? "sent" : "received";
}

std::string milliseconds(std::int64_t us) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "+%.3f ms", static_cast<double>(us) / 1000);
  return text.data();
}

}  // namespace

using Json = nlohmann::ordered_json;

struct Tracer::Members {
  Json json;
};

struct Tracer::Held {
  std::int64_t time_us;
  std::int32_t kind;
  const char* kind_name;
  std::string text;
  Members members;
};

Tracer::Tracer(Ref<TraceSink> sink, bool is_server)
    : sink_(std::move(sink)), connection_(sink_->next_connection()), is_server_(is_server) {}

Tracer::~Tracer() = default;

template <class Body>
void Tracer::safely(Body&& body) noexcept {
  if (is_over_) return;
  try {
    body();
  } catch (...) {
    drop();
  }
}

void Tracer::drop() noexcept {
  ++dropped_;
  sink_->count_drop();
}

std::int64_t Tracer::now_us() const noexcept {
  return microseconds_since(began_);
}

void Tracer::follow(const SSL* ssl) noexcept {
  hello_was_read_ = ssl_ != nullptr;
  ssl_ = ssl;
}

void Tracer::dialed(std::int64_t resolve_us, std::int64_t connect_us,
                    const std::string& address) noexcept {
  safely([&] {
    began_ -= std::chrono::microseconds(resolve_us + connect_us);
    tell(SALLY_TRACE_CONNECT, "connect",
         "connected to " + address + ": resolving took " + std::to_string(resolve_us) +
             " us, connecting " + std::to_string(connect_us) + " us",
         {Json{{"address", address}, {"resolve_us", resolve_us}, {"connect_us", connect_us}}});
  });
}

void Tracer::accepted(transport::Deadline since, const std::string& address) noexcept {
  safely([&] {
    began_ = since;
    tell_at(0, SALLY_TRACE_CONNECT, "connect", "accepted " + address, {Json{{"address", address}}});
  });
}

void Tracer::began() noexcept {
  safely([&] {
    tell(SALLY_TRACE_STATE, "state", "the handshake begins", {Json{{"state", "handshake"}}});
  });
}

void Tracer::message(bool sent, std::uint8_t type,
                     std::span<const unsigned char> message) noexcept {
  safely([&] {
    if (type == SSL3_MT_CLIENT_HELLO && !sent && std::exchange(hello_was_read_, false)) return;
    if (type == SSL3_MT_KEY_UPDATE) {
      settle_flight();
      const bool asks = message.size() > 4 && message[4] != 0;  // RFC 8446 section 4.6.3
      return tell(SALLY_TRACE_KEY_UPDATE, "key_update",
                  std::string("key update ") + direction(sent) +
                      (asks ? ", which asks for another one" : ""),
                  {Json{{"direction", direction(sent)}, {"requested", asks}}});
    }
    const bool retry = type == SSL3_MT_SERVER_HELLO && is_retry(message);
    add_message(sent, retry ? "hello_retry_request" : message_name(type), message.size());
    if (is_established_) settle_flight();
  });
}

void Tracer::add_message(bool sent, const char* type, std::size_t size) {
  // A server may send hello requests, which count for nothing, without an end.
  constexpr std::size_t longest_flight = 64;
  if (sent != flight_is_sent_ || flight_.size() == longest_flight) settle_flight();
  if (flight_.empty()) flight_us_ = now_us();
  flight_is_sent_ = sent;
  flight_.push_back({type, size});
}

void Tracer::settle_flight() {
  if (flight_.empty()) return;
  const std::vector<Message> flight = std::exchange(flight_, {});
  Json messages = Json::array();
  std::string text;
  std::size_t size = 0;
  for (const Message& message : flight) {
    messages.push_back({{"type", message.type}, {"bytes", message.size}});
    text +=
        (text.empty() ? "" : ", ") + std::string(message.type) + ' ' + std::to_string(message.size);
    size += message.size;
  }
  tell_at(flight_us_, SALLY_TRACE_FLIGHT, "flight",
          std::string("flight ") + direction(flight_is_sent_) + ": " + text,
          {Json{{"direction", direction(flight_is_sent_)},
                {"bytes", size},
                {"messages", std::move(messages)}}});
}

void Tracer::alert(bool sent, int level, int description) noexcept {
  safely([&] {
    settle_flight();
    if (description == SSL_AD_CLOSE_NOTIFY) {
      (sent ? close_sent_ : close_received_) = true;
      return tell(SALLY_TRACE_CLOSE, "close", std::string("close_notify ") + direction(sent),
                  {Json{{"direction", direction(sent)}}});
    }
    const char* weight = level == SSL3_AL_FATAL ? "fatal" : "warning";
    const std::string name = alert_name(description);
    tell(SALLY_TRACE_ALERT, "alert",
         std::string("alert ") + direction(sent) + ": " + name + " (" +
             std::to_string(description) + ", " + weight + ')',
         {Json{{"direction", direction(sent)},
               {"alert", name},
               {"number", description},
               {"level", weight}}});
  });
}

void Tracer::asked(std::int32_t question, sally_status verdict) noexcept {
  safely([&] {
    settle_flight();
    const char* name = question_name(question);
    Json members{{"question", name}, {"step", "asked"}};
    std::string text = std::string("asked about the ") + name;
    if (question == SALLY_QUESTION_PEER) {
      members["verdict"] = status_name(verdict);
      text += ", whose verdict is " + status_name(verdict);
    }
    tell(SALLY_TRACE_DECISION, "decision", text, {std::move(members)});
  });
}

void Tracer::answered(std::int32_t question, const Answer& answer) noexcept {
  safely([&] {
    settle_flight();
    const char* name = question_name(question);
    Json members{{"question", name}, {"step", "answered"}, {"answer", answer_name(answer)}};
    std::string text = std::string("answered about the ") + name + ": " + answer_name(answer);
    if (answer.kind == Answer::Kind::deny && answer.why != SALLY_OK) {
      members["reason"] = status_name(answer.why);
      text += ", " + status_name(answer.why);
    }
    tell(SALLY_TRACE_DECISION, "decision", text, {std::move(members)});
  });
}

void Tracer::offered_session() noexcept {
  safely([&] {
    if (std::exchange(session_offered_, true)) return;
    tell(SALLY_TRACE_RESUMPTION, "resumption", "a session is offered", {Json{{"step", "offered"}}});
  });
}

void Tracer::turn_over() noexcept {
  safely([&] {
    if (flight_is_sent_) settle_flight();
  });
}

void Tracer::established() noexcept {
  safely([&] {
    settle_flight();
    is_established_ = true;
    const bool resumed = SSL_session_reused(ssl_) == 1;
    if (resumed || session_offered_) {
      tell(SALLY_TRACE_RESUMPTION, "resumption",
           resumed ? "the session is resumed" : "the session is not resumed",
           {Json{{"step", resumed ? "accepted" : "refused"}}});
    }
    const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_);
    const char* suite = cipher != nullptr ? SSL_CIPHER_standard_name(cipher) : nullptr;
    const std::string suite_name = suite != nullptr ? suite : "";
    tell(SALLY_TRACE_STATE, "state",
         std::string("established: ") + SSL_get_version(ssl_) + ", " + suite_name,
         {Json{{"state", "established"},
               {"version", SSL_get_version(ssl_)},
               {"suite", suite_name},
               {"resumed", resumed}}});
  });
}

void Tracer::failed(const sally_error& error) noexcept {
  safely([&] {
    if (failure_ != SALLY_OK) return;
    settle_flight();
    failure_ = error.status();
    tell(SALLY_TRACE_STATE, "state", "failed: " + status_name(failure_),
         {Json{{"state", "failed"}, {"status", status_name(failure_)}}});
  });
}

void Tracer::ended(const transport::Traffic& traffic) noexcept {
  safely([&] { settle_flight(); });
  safely([&] {
    if (correlation_id_.empty()) release_held();
    is_over_ = true;
    const bool well = close_sent_ && close_received_;
    Held last{.time_us = std::max(last_us_, now_us()),
              .kind = SALLY_TRACE_END,
              .kind_name = "end",
              .text = "ended: " + std::to_string(traffic.sealed) + " bytes sent, " +
                      std::to_string(traffic.given) + " received; on the wire " +
                      std::to_string(traffic.wire_queued) + " and " +
                      std::to_string(traffic.wire_received),
              .members = {Json{{"status", status_name(failure_)},
                               {"established", is_established_},
                               {"close_notify", well              ? "both"
                                                : close_sent_     ? "sent"
                                                : close_received_ ? "received"
                                                                  : "none"},
                               {"bytes_sent", traffic.sealed},
                               {"bytes_received", traffic.given},
                               {"wire_sent", traffic.wire_queued},
                               {"wire_received", traffic.wire_received},
                               {"records", told_ + 1},
                               {"dropped", dropped_}}}};
    if (dropped_ != 0) last.text += "; " + std::to_string(dropped_) + " records were dropped";
    put(std::move(last));
  });
  is_over_ = true;
}

void Tracer::tell(std::int32_t kind, const char* kind_name, const std::string& text,
                  Members members) {
  tell_at(now_us(), kind, kind_name, text, std::move(members));
}

// Before a hello was seen the two sides' records could not be joined; they wait for it.
void Tracer::tell_at(std::int64_t time_us, std::int32_t kind, const char* kind_name,
                     const std::string& text, Members members) {
  // The place of the last one is kept for the end.
  if (told_ + held_.size() + 1 >= sink_->most_per_connection()) return drop();
  Held held{time_us, kind, kind_name, text, std::move(members)};
  if (correlation_id_.empty() && ssl_ != nullptr) correlation_id_ = correlation_id_of(ssl_);
  if (correlation_id_.empty()) {
    held_.push_back(std::move(held));
    return;
  }
  release_held();
  put(std::move(held));
  ++told_;
}

void Tracer::release_held() {
  for (Held& held : std::exchange(held_, {})) {
    put(std::move(held));
    ++told_;
  }
}

void Tracer::put(Held held) {
  last_us_ = std::max(last_us_, held.time_us);
  const char* side = is_server_ ? "server" : "client";
  Json json{{"kind", held.kind_name},
            {"connection", connection_},
            {"correlation_id", correlation_id_},
            {"side", side},
            {"time_us", last_us_}};
  json.update(held.members.json);
  sink_->put(make_ref<sally_trace_record>(
      TraceData{.kind = held.kind,
                .side = is_server_ ? SALLY_ROLE_SERVER : SALLY_ROLE_CLIENT,
                .connection = connection_,
                .time_us = last_us_,
                .correlation_id = correlation_id_,
                .text = (correlation_id_.empty() ? "-" : correlation_id_) + " #" +
                        std::to_string(connection_) + ' ' + side + ' ' + milliseconds(last_us_) +
                        "  " + held.text,
                .json = json.dump(-1, ' ', false, Json::error_handler_t::replace)}));
}

}  // namespace sally::tls
