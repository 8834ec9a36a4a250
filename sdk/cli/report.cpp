#include "report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string_view>

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const sally::Error& error) {
  return Json::parse(error.json());
}

Json to_json(const sally::Certificate& certificate) {
  return Json::parse(certificate.json().text());
}

namespace {

template <class Certificates>
Json array_of(const Certificates& certificates) {
  Json all = Json::array();
  for (const sally::Certificate& certificate : certificates) all.push_back(to_json(certificate));
  return all;
}

std::vector<sally::Certificate> sent_by_peer(const sally::StreamInfo& info) {
  std::vector<sally::Certificate> sent;
  for (std::size_t i = 0; i < info.peer_certificate_count(); ++i) {
    sent.push_back(*info.peer_certificate(i));
  }
  return sent;
}

Json steps_of(const sally::StreamInfo& info) {
  return {{"resolve_us", info.duration(SALLY_DURATION_RESOLVE).count()},
          {"connect_us", info.duration(SALLY_DURATION_CONNECT).count()},
          {"handshake_us", info.duration(SALLY_DURATION_HANDSHAKE).count()},
          {"round_trips", info.round_trips()}};
}

Json attempts_of(const sally::StreamInfo& info) {
  Json all = Json::array();
  for (std::size_t i = 0; i < info.attempt_count(); ++i) {
    const auto attempt = info.attempt(i);
    all.push_back({{"address", attempt->address},
                   {"status", sally::status_name(attempt->status)},
                   {"began_us", attempt->began.count()},
                   {"duration_us", attempt->duration.count()}});
  }
  return all;
}

std::string_view client_certificate(const sally::StreamInfo& info) {
  if (info.client_certificate_sent()) return "sent";
  return info.client_certificate_requested() ? "not sent" : "not asked for";
}

std::string_view or_dash(std::string_view text) {
  return text.empty() ? "-" : text;
}

}  // namespace

Json to_json(const sally::StreamInfo& info) {
  Json json{{"correlation_id", info.correlation_id()},
            {"local_address", info.local_address()},
            {"peer_address", info.peer_address()},
            {"version", info.version_name()},
            {"suite", info.suite()},
            {"group", info.group()},
            {"alpn", info.alpn()},
            {"server_name", info.server_name()},
            {"resumed", info.resumed()},
            {"peer_verified", info.peer_verified()},
            {"client_certificate_requested", info.client_certificate_requested()},
            {"client_certificate_sent", info.client_certificate_sent()},
            {"steps", steps_of(info)},
            {"attempts", attempts_of(info)},
            {"peer_certificates", array_of(sent_by_peer(info))},
            {"verified_chain", array_of(info.verified())}};
  if (const auto own = info.own_certificate()) json["own_certificate"] = to_json(*own);
  Json passed_over = Json::array();
  for (std::size_t i = 0; i < info.passed_over_count(); ++i) {
    passed_over.push_back(info.passed_over(i));
  }
  if (!passed_over.empty()) json["passed_over"] = passed_over;
  return json;
}

std::string rfc3339(std::chrono::sys_seconds time) {
  // Not system_clock::to_time_t: its nanoseconds end in 2262, and a certificate may last until 9999.
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 80> text;
  // Not strftime, which writes the year 1 with one digit.
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text.data();
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string readable(std::chrono::microseconds duration) {
  const double milliseconds = static_cast<double>(duration.count()) / 1000;
  std::array<char, 40> text;
  const char* form = milliseconds < 10 ? "%.2f ms" : milliseconds < 1000 ? "%.0f ms" : "%.1f s";
  const double shown = milliseconds < 1000 ? milliseconds : milliseconds / 1000;
  std::snprintf(text.data(), text.size(), form, shown);
  return text.data();
}

void print_error(std::ostream& out, const sally::Error& error, const Style& style) {
  out << style.bad("error") << ": " << error.name() << ": " << error.message() << '\n';
  if (!error.hint().empty()) out << "hint: " << error.hint() << '\n';
}

void print_report(std::ostream& out, const sally::StreamInfo& info, const Style& style) {
  const auto line = [&](std::string_view name, std::string_view value) {
    out << "  " << name << std::string(name.size() < 20 ? 20 - name.size() : 1, ' ') << value
        << '\n';
  };
  out << style.strong("connected") << ' ' << info.local_address() << " -> " << info.peer_address()
      << '\n';
  line("version", info.version_name());
  line("suite", info.suite());
  line("group", or_dash(info.group()));
  line("alpn", or_dash(info.alpn()));
  line("server name", or_dash(info.server_name()));
  line("resumed", info.resumed() ? "yes" : "no");
  line("client certificate", client_certificate(info));
  for (std::size_t i = 0; i < info.passed_over_count(); ++i) line("", info.passed_over(i));
  line("resolve", readable(info.duration(SALLY_DURATION_RESOLVE)));
  line("connect", readable(info.duration(SALLY_DURATION_CONNECT)));
  line("handshake", readable(info.duration(SALLY_DURATION_HANDSHAKE)) + ", " +
                        std::to_string(info.round_trips()) + " round trip(s)");
  for (std::size_t i = 0; i < info.attempt_count(); ++i) {
    const auto attempt = info.attempt(i);
    line("address", std::string(attempt->address) + ' ' +
                        std::string(sally::status_name(attempt->status)) + " in " +
                        readable(attempt->duration));
  }
  for (const sally::Certificate& certificate : sent_by_peer(info)) {
    line("peer certificate", certificate.subject());
    line("", "until " + rfc3339(certificate.not_after()) + ", " + std::string(certificate.key()));
  }
  line("correlation id", info.correlation_id());
}
