// A question of a handshake that a program answers: once, now or later, from any thread.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/credential.h"
#include "tls/signer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sally::tls {

// What a program may want to know before it answers; plain data.
struct DecisionFacts {
  std::int32_t question = 0;  // a SALLY_QUESTION_*
  std::string server_name{};
  std::string peer_address{};
  std::vector<std::string> acceptable_cas{};
  std::vector<std::string> acceptable_schemes{};
  std::vector<std::string> alpn{};
  std::vector<Ref<sally_certificate>> peer_chain{};
  ErrorRef verdict{};  // of the built-in verification; null: it found nothing wrong
  SignatureRequest signature{};
  Ref<sally_certificate> signing_certificate{};
  std::shared_ptr<Signer> signer{};  // who answers; null: the program
  bool signatures_too = false;       // whether the program is asked for signatures as well
};

struct Answer {
  enum class Kind { accept, insecure_accept, deny, credential, config, signature };
  Kind kind = Kind::deny;
  sally_status why = SALLY_OK;      // of a denial; SALLY_OK: for no reason that was given
  bool nobody = false;              // a denial because nobody answered
  Ref<Credential> credential = {};  // null: none is shown
  Ref<Context> context = {};
  std::string signature = {};
  ErrorRef error = {};  // of a denial: the whole story; null: there is no more than `why`
};

class Decision : public RefCounted<Decision> {
 public:
  explicit Decision(DecisionFacts facts) : facts_(std::move(facts)) {}

  const DecisionFacts& facts() const noexcept { return facts_; }

  // Any thread. Throws Failure: SALLY_INVALID_STATE where it was answered before, or where this is
  // no answer to the question; SALLY_CLOSED where the handshake is over.
  void answer(Answer answer);
  // Nobody can answer it any more: denied, unless it was answered.
  void drop() noexcept;

  // For who asks.
  void set_peer_address(std::string address) { facts_.peer_address = std::move(address); }
  // `told` is called once, with no lock held, on the thread that answers. Before it is handed out.
  void when_answered(std::function<void()> told) { told_ = std::move(told); }
  // True where it is answered without the program, which it is then on its way to be. Throws Failure.
  bool begin();
  void expire() noexcept;  // denied as too late
  void close() noexcept;   // the handshake is over; nobody is told
  // Nothing: it waits for an answer.
  std::optional<Answer> result() const;

 private:
  friend class RefCounted<Decision>;
  ~Decision() = default;
  enum class State { waiting, answered, over };

  void check(const Answer& answer) const;
  void end(State state, Answer answer, bool tell) noexcept;

  DecisionFacts facts_;  // does not change once it was handed out
  mutable std::mutex mutex_;
  State state_ = State::waiting;
  Answer answer_;
  std::function<void()> told_;
};

}  // namespace sally::tls
