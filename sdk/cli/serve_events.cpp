#include "serve_events.h"

#include <iostream>
#include <string_view>
#include <unistd.h>

ServeEvents::ServeEvents(bool json) : json_(json), style_(STDOUT_FILENO) {}

// Flushed: who reads these lines waits for them.
void ServeEvents::say(Json event, const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (json_) {
    event["time"] = rfc3339(now());
    std::cout << dump(event) << std::endl;
  } else {
    std::cout << text << std::endl;
  }
}

void ServeEvents::listening(const std::string& address, std::uint16_t port,
                            const std::string& mode) {
  say({{"event", "listening"}, {"address", address}, {"port", port}, {"mode", mode}},
      "listening on " + address);
}

void ServeEvents::accepted(const sally::StreamInfo& info) {
  {
    const std::lock_guard lock(mutex_);
    ++accepted_;
  }
  const std::string peer(info.peer_address());
  const auto certificate = info.peer_certificate();
  std::string text = style_.good("accepted") + ' ' + peer + ' ' + std::string(info.version_name());
  text += certificate ? " client=\"" + std::string(certificate->subject()) + '"' : " client=-";
  text.append(" id=").append(info.correlation_id());
  say({{"event", "accepted"},
       {"peer", peer},
       {"correlation_id", info.correlation_id()},
       {"connection", to_json(info)}},
      text);
}

void ServeEvents::refused(const sally::Refusal& refusal) {
  {
    const std::lock_guard lock(mutex_);
    ++refused_;
  }
  const std::string peer(refusal.peer.text());
  const sally::Error& why = refusal.reason;
  std::string text = style_.bad("refused") + ' ' + peer + ' ';
  text.append(why.name()).append(": ").append(why.message());
  if (!why.hint().empty()) text.append("\n  hint: ").append(why.hint());
  say({{"event", "refused"},
       {"peer", peer},
       {"correlation_id", why.text(SALLY_ERROR_FIELD_CORRELATION_ID).value_or("")},
       {"error", to_json(why)}},
      text);
}

void ServeEvents::closed(const Served& served, const std::optional<sally::Error>& error) {
  const std::string status(error ? error->name() : "SALLY_OK");
  Json event{{"event", "closed"},
             {"peer", served.peer},
             {"correlation_id", served.correlation_id},
             {"bytes_read", served.bytes_read},
             {"bytes_written", served.bytes_written},
             {"status", status}};
  if (error) event["error"] = to_json(*error);
  say(std::move(event),
      "closed " + served.peer + ' ' + std::to_string(served.bytes_read) + " bytes read, " +
          std::to_string(served.bytes_written) + " written: " +
          (error ? std::string(error->name()) + ": " + std::string(error->message()) : status));
}

void ServeEvents::traced(const sally::TraceRecord& record) {
  Json event{{"event", "trace"}};
  event.update(Json::parse(record.json()));
  say(std::move(event), style_.faint("trace") + ' ' + std::string(record.text()));
}

void ServeEvents::stopped() {
  const std::string counts =
      std::to_string(accepted_) + " accepted, " + std::to_string(refused_) + " refused";
  say({{"event", "stopped"}, {"accepted", accepted_}, {"refused", refused_}}, "stopped: " + counts);
}
