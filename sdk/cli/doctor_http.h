// doctor_http.h: what a web server says, over TLS that let the client in. Some judge client certificates only
// there: nginx lets anybody through the handshake, and answers with status 400.
#pragma once

#include <chrono>
#include <string>

struct Examination;

// The answer to one request.
struct HttpProbe {
  std::string what{};
  bool certificate_sent = false;
  int status = 0;      // 0: that was no HTTP
  std::string line{};  // the first line of the answer, printable
  std::string says{};  // the title of its page, printable
  bool speaks_of_certificates = false;
  std::string error{};  // why there is no answer
  std::chrono::microseconds duration{};

  bool refuses() const {
    return status == 400 || status == 401 || status == 403 || status == 495 || status == 496;
  }
  // It says itself that it is about certificates.
  bool refuses_certificate() const {
    return status == 495 || status == 496 || (refuses() && speaks_of_certificates);
  }
};

// Asks for --http's path, on a connection of its own.
HttpProbe ask_http(const Examination& examination, bool with_certificate);

// What the bytes of an answer are.
HttpProbe decode_http(const std::string& bytes);
