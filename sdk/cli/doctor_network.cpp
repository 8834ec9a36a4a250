#include "doctor_network.h"

#include "report.h"
#include "starttls.h"

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <netdb.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_addresses = 16;

std::chrono::microseconds since(Clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
}

std::string literal(const addrinfo& found) {
  std::array<char, NI_MAXHOST> text;
  const int failed = ::getnameinfo(found.ai_addr, found.ai_addrlen, text.data(), text.size(),
                                   nullptr, 0, NI_NUMERICHOST);
  return failed == 0 ? text.data() : "";
}

Resolved look_up(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Resolved resolved;
  const int failed = ::getaddrinfo(endpoint.host.c_str(), endpoint.service.c_str(), &hints, &found);
  if (failed != 0) {
    resolved.error = ::gai_strerror(failed);
    return resolved;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (; found != nullptr; found = found->ai_next) {
    const std::string host = literal(*found);
    const bool known = std::ranges::find(resolved.hosts, host) != resolved.hosts.end();
    if (!host.empty() && !known && resolved.hosts.size() < most_addresses) {
      resolved.hosts.push_back(host);
    }
  }
  if (resolved.hosts.empty()) resolved.error = "no address";
  return resolved;
}

sally::StreamSocket connect(const Patient& patient, const std::string& host) {
  sally::StreamOptions options{.host = host, .service = patient.endpoint.service};
  options.plain = true;
  return sally::StreamSocket::connect(options, patient.timeout);
}

// What keeps TLS from beginning is an answer too.
Answer converse(const Patient& patient, sally::StreamSocket& socket, const Hello& hello) {
  if (const auto failure = begin_tls(patient, socket)) {
    return {.kind = AnswerKind::no_starttls, .text = *failure};
  }
  return ask(socket, hello, patient.timeout);
}

Hello usual_hello(const Patient& patient) {
  return {.versions = {tls_1_3, tls_1_2}, .server_name = patient.server_name()};
}

bool speaks_tls_at_once(const Patient& patient, const std::string& host) {
  try {
    auto socket = connect(patient, host);
    return ask(socket, usual_hello(patient), patient.timeout).is_tls();
  } catch (const sally::Error&) {
    return false;
  }
}

AddressProbe probe(const Patient& patient, const std::string& host) {
  AddressProbe probe{.host = host, .address = to_text({host, patient.endpoint.service})};
  const auto began = Clock::now();
  try {
    auto socket = connect(patient, host);
    probe.duration = since(began);
    probe.answer = converse(patient, socket, usual_hello(patient));
  } catch (const sally::Error& error) {
    probe.duration = since(began);
    // Only who has accepted a connection resets it.
    const bool is_reset = error.status() == SALLY_CONNECTION_RESET;
    probe.answer.kind = is_reset ? AnswerKind::reset : AnswerKind::unreachable;
    if (!is_reset) probe.error = error;
  }
  // The other connection is at its end by now: some servers take one at a time.
  if (probe.answer.kind == AnswerKind::no_starttls) {
    probe.needs_no_starttls = speaks_tls_at_once(patient, host);
  }
  return probe;
}

}  // namespace

std::optional<std::string> begin_tls(const Patient& patient, sally::StreamSocket& socket) {
  if (patient.starttls.empty()) return std::nullopt;
  try {
    agree_on_tls(patient.starttls, socket, patient.timeout);
    return std::nullopt;
  } catch (const sally::Error& error) {
    if (error.status() != SALLY_TIMED_OUT) {
      return "it ends the connection before that: " + std::string(error.name());
    }
    return "it does not go on in " + patient.starttls + " within " + readable(patient.timeout);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

Resolved resolve(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  const auto began = Clock::now();
  // getaddrinfo knows no time-out. A thread that is still at it when the program ends is no harm.
  auto promise = std::make_shared<std::promise<Resolved>>();
  auto answer = promise->get_future();
  std::thread([promise, endpoint] { promise->set_value(look_up(endpoint)); }).detach();
  Resolved resolved;
  if (answer.wait_for(timeout) == std::future_status::ready) {
    resolved = answer.get();
  } else {
    resolved.error = "the resolver did not answer in time";
  }
  resolved.duration = since(began);
  return resolved;
}

std::vector<AddressProbe> probe_addresses(const Patient& patient,
                                          const std::vector<std::string>& hosts) {
  std::vector<std::future<AddressProbe>> pending;
  for (const std::string& host : hosts) {
    pending.push_back(
        std::async(std::launch::async, [&patient, host] { return probe(patient, host); }));
  }
  std::vector<AddressProbe> probes;
  for (auto& one : pending) probes.push_back(one.get());
  return probes;
}

Answer ask(const Patient& patient, const std::string& host, const Hello& hello) {
  try {
    auto socket = connect(patient, host);
    return converse(patient, socket, hello);
  } catch (const sally::Error& error) {
    Answer answer{.kind = AnswerKind::unreachable};
    answer.error = error;
    return answer;
  }
}
