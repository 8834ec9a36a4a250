#include "doctor_http.h"

#include "doctor_handshake.h"
#include "terminal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_read = 16 << 10;
constexpr std::size_t most_shown = 100;

std::string lower(std::string_view text) {
  std::string all(text);
  std::ranges::transform(all, all.begin(), [](unsigned char c) { return std::tolower(c); });
  return all;
}

// RFC 9110 section 7.2.
std::string authority(const Patient& patient) {
  const std::string& service = patient.endpoint.service;
  const std::string host =
      patient.name.find(':') == std::string::npos ? patient.name : '[' + patient.name + ']';
  const bool is_number = service.find_first_not_of("0123456789") == std::string::npos;
  return is_number && service != "443" ? host + ':' + service : host;
}

std::string read_all(sally::StreamSocket& socket, Clock::time_point deadline) {
  std::string bytes;
  std::array<char, 4096> part;
  try {
    while (bytes.size() < most_read) {
      const std::size_t size = socket.read_some(part, deadline - Clock::now());
      if (size == 0) break;
      bytes.append(part.data(), size);
    }
  } catch (const sally::Error&) {
    if (bytes.empty()) throw;  // what came is what matters; many web servers just hang up behind it
  }
  return bytes;
}

}  // namespace

HttpProbe decode_http(const std::string& bytes) {
  HttpProbe probe;
  const std::string_view line =
      std::string_view(bytes).substr(0, bytes.find_first_of("\r\n")).substr(0, most_shown);
  probe.line = printable(line);
  const bool is_http =
      line.size() >= 12 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
      std::ranges::all_of(line.substr(9, 3), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (!is_http) return probe;
  for (const char digit : line.substr(9, 3)) probe.status = probe.status * 10 + (digit - '0');
  const std::string text = lower(bytes);
  const auto body = text.find("\r\n\r\n");
  if (body == std::string::npos) return probe;
  probe.speaks_of_certificates = text.find("certificate", body) != std::string::npos;
  constexpr std::string_view open = "<title>";
  const auto begin = text.find(open, body);
  const auto end = text.find("</title>", body);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return probe;
  probe.says = printable(std::string_view(bytes)
                             .substr(begin + open.size(), end - begin - open.size())
                             .substr(0, most_shown));
  return probe;
}

HttpProbe ask_http(const Examination& examination, bool with_certificate) {
  const Patient& patient = examination.patient;
  const auto began = Clock::now();
  const std::string what =
      with_certificate ? "with the client certificate" : "without a client certificate";
  HttpProbe probe;
  bool sent = false;
  try {
    const sally::Timeout timeout = patient.timeout;
    auto socket = sally::StreamSocket::connect(
        options_of(examination, {.with_certificate = with_certificate}), timeout);
    sent = socket.info().client_certificate_sent();
    socket.write("GET " + patient.http_path + " HTTP/1.1\r\nHost: " + authority(patient) +
                     "\r\nUser-Agent: sally-doctor\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                 timeout);
    probe = decode_http(read_all(socket, Clock::now() + patient.timeout));
    socket.close(sally::Timeout::attempt());
  } catch (const sally::Error& error) {
    // Who has the answer needs no proper end.
    if (probe.line.empty()) probe.error = std::string(error.name());
  }
  probe.what = what;
  probe.certificate_sent = sent;
  probe.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
  return probe;
}
