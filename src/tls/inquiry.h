// The questions that one session asks within its handshake, and what OpenSSL's callbacks make of the
// answers.
#pragma once

#include "tls/decision.h"

#include <array>
#include <cstdint>
#include <optional>

struct ssl_st;
struct x509_store_ctx_st;

namespace sally::tls {

class Context;
class Tracer;
struct HandshakeRecord;

class Inquiry {
 public:
  explicit Inquiry(std::uint32_t questions) : questions_(questions) {}
  // Tells those who still hold a decision that the handshake is over.
  ~Inquiry() { give_up(); }
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  bool asks(std::int32_t question) const noexcept {
    return (questions_ & static_cast<std::uint32_t>(question)) != 0;
  }
  bool was_asked(std::int32_t question) const noexcept { return bool(place(question)); }
  void ask(DecisionFacts facts);
  // Nothing: not yet. Once all was given up everything is denied, what was accepted too.
  std::optional<Answer> answer_to(std::int32_t question) const;

  // What was asked since the last call; null: nothing.
  Ref<Decision> take_new() noexcept { return std::exchange(new_, {}); }
  // Tells the trace what was answered since the last call.
  void tell_answers() noexcept;
  void set_trace(Tracer* trace) noexcept { trace_ = trace; }
  bool waits() const;
  void give_up() noexcept;
  // Another config goes on with the handshake.
  void replace_questions(std::uint32_t questions) noexcept { questions_ = questions; }

 private:
  using Places = std::array<Ref<Decision>, 4>;
  const Ref<Decision>& place(std::int32_t question) const noexcept;

  std::uint32_t questions_;
  Places asked_;
  Ref<Decision> new_;
  bool given_up_ = false;
  Tracer* trace_ = nullptr;
  std::uint32_t told_ = 0;  // whose answers
};

// For who asks, within OpenSSL's callbacks.

// Runs the job of SSL_do_handshake only as far as here until there is an answer. False: there is
// nothing that could be suspended.
bool suspend_until_answered(const Inquiry& inquiry, std::int32_t question);
// Keeps what the built-in verification found, where the program has said no more than that.
void note_denial(HandshakeRecord& record, std::int32_t question, const Answer& answer);

// Within OpenSSL's callbacks, where the session asks the question; each is called again after the
// answer, and answers OpenSSL.

// After the built-in verification, whose verdict is in the record. On a server it returns when the
// answer is there, and suspends the job that it runs in until then.
int decide_on_peer(ssl_st* ssl, x509_store_ctx_st* store, HandshakeRecord& record,
                   const Context& context);
// Nothing: the built-in choice of a credential is wanted.
std::optional<int> decide_on_credential(ssl_st* ssl, HandshakeRecord& record);
int decide_on_hello(ssl_st* ssl, int* alert, HandshakeRecord& record);

}  // namespace sally::tls
