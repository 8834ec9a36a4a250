// doctor_examination.h: everything that the doctor found out about a server, before any of it is
// explained.
#pragma once

#include "doctor_hello.h"
#include "doctor_http.h"
#include "options.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sallyport/sallyport.hpp>

// What the doctor was asked.
struct Patient {
  Endpoint endpoint{};
  std::string name{};  // that the server's certificate must bear
  Identity identity{};
  std::chrono::milliseconds timeout{};             // of each step
  std::optional<std::chrono::sys_seconds> time{};  // instead of the clock
  std::string http_path{};                         // to ask a web server for; "": nothing is asked
  std::string starttls{};                          // in which protocol it begins; "": under TLS

  std::chrono::sys_seconds clock() const;
  // What is sent as SNI; "" where the name is an address.
  std::string server_name() const { return is_address(name) ? "" : name; }
};

struct Resolved {
  std::vector<std::string> hosts{};  // literal addresses
  std::string error{};               // why there are none
  std::chrono::microseconds duration{};
};

// One address of the server, apart from the others.
struct AddressProbe {
  std::string host{};
  std::string address{};                 // with the port
  std::optional<sally::Error> error{};   // why there is no connection
  std::chrono::microseconds duration{};  // of connecting
  Answer answer{};                       // to a hello of TLS 1.2 and 1.3
  bool needs_no_starttls = false;        // asked for, and not spoken; but TLS is, from the start
};

struct HelloProbe {
  std::string what{};  // "TLSv1.1", "x25519"
  bool accepted = false;
  Answer answer{};
};

// One handshake, by the library.
struct Handshake {
  std::string what{};
  bool with_certificate = false;  // one was there to be shown
  std::optional<sally::Error> error{};
  std::string plain_failure{};  // what kept it from beginning, by STARTTLS
  bool unconfirmed = false;     // neither accepted nor refused in time
  std::optional<sally::StreamInfo> info{};
  bool asked = false;  // the server asked for a certificate
  std::vector<std::string> acceptable_cas{};
  std::vector<sally::Certificate> sent{};  // by the server
  std::string correlation_id{};
  std::chrono::microseconds began{};  // after the examination did
  std::chrono::microseconds duration{};
  std::vector<sally::TraceRecord> trace{};  // of what happened in it

  bool good() const { return !error && plain_failure.empty(); }
};

// Whether a session can be resumed.
struct Resumption {
  enum class Outcome { not_tried, resumed, refused, no_tickets, failed };
  Outcome outcome = Outcome::not_tried;
  std::string error{};
};

struct Examination {
  Patient patient{};
  std::chrono::sys_seconds time{};
  std::optional<sally::TrustStore> trust{};
  std::vector<sally::Certificate> anchors{};  // of --ca
  std::optional<sally::Credential> credential{};
  std::optional<sally::Error> credential_error{};

  Resolved resolved{};
  std::vector<AddressProbe> addresses{};
  std::optional<std::size_t> chosen{};  // the address that the rest is about

  std::vector<HelloProbe> versions{};
  std::vector<HelloProbe> groups{};
  std::optional<HelloProbe> large{};         // a hello that fills more than one packet
  std::optional<HelloProbe> without_name{};  // one without SNI

  std::optional<Handshake> first{};              // without a certificate, whatever the server's is
  std::optional<Handshake> nameless{};           // likewise, without SNI
  std::vector<Handshake> without_certificate{};  // those that wait for the server's opinion
  std::vector<Handshake> with_certificate{};
  std::optional<sally::Verdict> verdict{};  // on the certificates of `first`
  Resumption resumption{};
  std::vector<HttpProbe> http{};  // without the certificate and with it, as far as TLS lets in

  const AddressProbe* address() const { return chosen ? &addresses[*chosen] : nullptr; }
  bool accepts(std::uint16_t version) const;
};

// Throws where what it was given cannot be used; what the server does wrong it only notes.
Examination examine(const Patient& patient);
