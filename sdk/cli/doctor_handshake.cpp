#include "doctor_handshake.h"

#include "doctor_network.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// As long as a busy server far away may take; only one that has nothing to say is waited out.
constexpr std::chrono::milliseconds longest_wait_for_refusal = 3s;
constexpr std::chrono::milliseconds longest_wait_for_ticket = 2s;

std::chrono::microseconds micros(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration);
}

// What the questions within a handshake told.
struct Seen {
  std::mutex mutex;
  bool asked = false;
  std::vector<std::string> acceptable_cas;
  std::vector<sally::Certificate> sent;
};

void note(Seen& seen, const sally::Decision& decision) {
  const std::lock_guard lock(seen.mutex);
  if (decision.question() == SALLY_QUESTION_PEER) {
    seen.sent = decision.peer_certificates();
    return;
  }
  seen.asked = true;
  for (const std::string_view name : decision.acceptable_cas()) {
    seen.acceptable_cas.emplace_back(name);
  }
}

sally::Decider watch(const std::shared_ptr<Seen>& seen) {
  return sally::Decider([seen](const sally::Decision& decision) {
    note(*seen, decision);
    try {
      const bool is_bad =
          decision.question() == SALLY_QUESTION_PEER && decision.verdict() != SALLY_OK;
      is_bad ? decision.insecure_accept() : decision.accept();
    } catch (const sally::Error&) {
      // The handshake is over already; its own error says why.
    }
  });
}

sally::TlsConfig make_tls(const Examination& examination, const HandshakePlan& plan) {
  auto tls = sally::TlsConfig::client().versions(plan.version, plan.version);
  if (examination.trust) tls.trust(*examination.trust);
  if (examination.patient.time) tls.verification_time(*examination.patient.time);
  if (plan.with_certificate && examination.credential) tls.credential(*examination.credential);
  return tls;
}

// A refusal comes with the first read.
void await_refusal(sally::StreamSocket& socket, std::chrono::milliseconds timeout) {
  std::array<char, 4096> ignored;
  static_cast<void>(socket.try_read_some(ignored, std::min(timeout, longest_wait_for_refusal)));
}

void run(const Examination& examination, const sally::StreamOptions& options,
         const HandshakePlan& plan, Handshake& handshake) {
  const auto timeout = examination.patient.timeout;
  try {
    auto socket = connect(examination, options);
    handshake.info = socket.info();
    handshake.correlation_id = handshake.info->correlation_id();
    const bool is_judged = handshake.info->client_certificate_requested();
    if (plan.awaits_opinion && plan.is_lenient && is_judged) await_refusal(socket, timeout);
  } catch (const sally::Error& error) {
    handshake.correlation_id = error.text(SALLY_ERROR_FIELD_CORRELATION_ID)
                                   .value_or(std::string_view(handshake.correlation_id));
    handshake.unconfirmed = error.status() == SALLY_UNCONFIRMED;
    if (!handshake.unconfirmed) handshake.error = error;
  } catch (const std::runtime_error& error) {
    handshake.plain_failure = error.what();
  }
}

// All that it has said, up to the end of the connection.
std::vector<sally::TraceRecord> read_trace(sally::CompletionQueue& queue) {
  std::vector<sally::TraceRecord> records;
  while (auto event = queue.try_take()) records.push_back(event->take<sally::TraceRecord>());
  return records;
}

// Reads until the ticket is there, or what else the server says; it comes right after the handshake.
void take_tickets(sally::StreamSocket& socket, const sally::TlsConfig& tls,
                  std::chrono::milliseconds timeout) {
  std::array<char, 4096> ignored;
  const auto deadline = Clock::now() + std::min(timeout, longest_wait_for_ticket);
  while (tls.cached_sessions() == 0 && Clock::now() < deadline) {
    if (socket.try_read_some(ignored, 50ms) == std::size_t{0}) return;
  }
}

}  // namespace

sally::StreamOptions options_of(const Examination& examination, const HandshakePlan& plan) {
  const std::string& host = examination.address()->host;
  sally::StreamOptions options{.host = host, .service = examination.patient.endpoint.service};
  options.tls = make_tls(examination, plan);
  // An address is no SNI, and verifying it fails, which does not matter without one.
  options.verify_name = plan.is_nameless ? host : examination.patient.name;
  options.confirmed = plan.awaits_opinion && !plan.is_lenient;
  return options;
}

sally::StreamSocket connect(const Examination& examination, const sally::StreamOptions& options) {
  const sally::Timeout timeout = examination.patient.timeout;
  if (examination.patient.starttls.empty()) return sally::StreamSocket::connect(options, timeout);
  sally::StreamOptions plain = options;
  plain.plain = true;
  plain.tls.reset();
  plain.verify_name.clear();
  auto socket = sally::StreamSocket::connect(plain, timeout);
  if (const auto failure = begin_tls(examination.patient, socket)) {
    throw std::runtime_error(*failure);
  }
  socket.upgrade(*options.tls, options.verify_name, timeout);
  return socket;
}

Handshake shake_hands(const Examination& examination, const HandshakePlan& plan,
                      std::chrono::steady_clock::time_point began) {
  Handshake handshake{.what = plan.what, .with_certificate = plan.with_certificate};
  auto seen = std::make_shared<Seen>();
  auto options = options_of(examination, plan);
  if (plan.is_lenient) {
    options.tls->questions(SALLY_QUESTION_CREDENTIAL | SALLY_QUESTION_PEER);
    options.decisions = watch(seen);
  }
  auto steps = sally::CompletionQueue::create();
  options.tls->trace(sally::Trace(steps));
  const auto now = Clock::now();
  run(examination, options, plan, handshake);
  handshake.began = micros(now - began);
  handshake.duration = micros(Clock::now() - now);
  handshake.trace = read_trace(steps);
  const std::lock_guard lock(seen->mutex);
  handshake.asked = seen->asked;
  handshake.acceptable_cas = seen->acceptable_cas;
  handshake.sent = seen->sent;
  // Where nothing was asked, so that tickets are kept and can confirm, an earlier handshake knows.
  if (!plan.is_lenient && examination.first) {
    handshake.asked = examination.first->asked;
    handshake.acceptable_cas = examination.first->acceptable_cas;
  }
  return handshake;
}

Resumption try_resumption(const Examination& examination) {
  const HandshakePlan plan{.what = "", .with_certificate = true};
  const auto options = options_of(examination, plan);
  try {
    auto first = connect(examination, options);
    take_tickets(first, *options.tls, examination.patient.timeout);
    first.close(sally::Timeout::attempt());
    if (options.tls->cached_sessions() == 0) return {Resumption::Outcome::no_tickets, ""};
    auto second = connect(examination, options);
    const bool resumed = second.info().resumed();
    second.close(sally::Timeout::attempt());
    return {resumed ? Resumption::Outcome::resumed : Resumption::Outcome::refused, ""};
  } catch (const sally::Error& error) {
    return {Resumption::Outcome::failed, std::string(error.message())};
  } catch (const std::runtime_error& error) {
    return {Resumption::Outcome::failed, error.what()};
  }
}
