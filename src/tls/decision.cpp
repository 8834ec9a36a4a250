#include "tls/decision.h"

#include "tls/signing.h"

#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

void require_state(bool condition, const char* what) {
  if (!condition) throw Failure(SALLY_INVALID_STATE, {.message = what});
}

}  // namespace

void Decision::check(const Answer& answer) const {
  switch (answer.kind) {
    case Answer::Kind::accept:
      require_state(facts_.question != SALLY_QUESTION_SIGNATURE,
                    "only a signature answers the question for one");
      if (!facts_.verdict) return;
      throw Failure(SALLY_INVALID_STATE,
                    {.message = "the peer's certificate did not pass the built-in verification",
                     .hint = "Deny it; or, where the program knows better, use "
                             "sally_decision_insecure_accept.",
                     .cause = facts_.verdict});
    case Answer::Kind::insecure_accept:
      return require_state(facts_.question == SALLY_QUESTION_PEER,
                           "the question is not about a peer's certificate");
    case Answer::Kind::credential:
      require_state(
          !answer.credential || !answer.credential->asks_program() || facts_.signatures_too,
          "the program has the credential's key, and the TLS config does not ask it for "
          "signatures: SALLY_QUESTION_SIGNATURE");
      return require_state(facts_.question == SALLY_QUESTION_CREDENTIAL,
                           "the question is not which credential to show");
    case Answer::Kind::signature:
      return require_state(facts_.question == SALLY_QUESTION_SIGNATURE,
                           "the question is not for a signature");
    case Answer::Kind::config:
      return require_state(facts_.question == SALLY_QUESTION_CLIENT_HELLO,
                           "the question is not about a client's hello");
    case Answer::Kind::deny:
      return;
  }
}

bool Decision::begin() {
  if (!facts_.signer) return false;
  sign_on_worker(Ref<Decision>::share(this), facts_.signer);
  return true;
}

void Decision::answer(Answer answer) {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    require_state(state_ != State::answered, "the decision was answered before");
    if (state_ == State::over) throw Failure(SALLY_CLOSED, {.message = "the handshake is over"});
    check(answer);
    answer_ = std::move(answer);
    state_ = State::answered;
    told = std::exchange(told_, nullptr);
  }
  if (told) told();
}

void Decision::end(State state, Answer answer, bool tell) noexcept {
  std::function<void()> told;
  {
    const std::lock_guard lock(mutex_);
    told = std::exchange(told_, nullptr);  // what it holds goes with no lock held
    if (state_ != State::waiting) return;
    answer_ = std::move(answer);
    state_ = state;
  }
  if (told && tell) told();
}

void Decision::drop() noexcept {
  end(State::answered, {.nobody = true}, /*tell=*/true);
}

void Decision::expire() noexcept {
  end(State::over, {.why = SALLY_TIMED_OUT, .nobody = true}, /*tell=*/true);
}

void Decision::close() noexcept {
  end(State::over, {.nobody = true}, /*tell=*/false);
}

std::optional<Answer> Decision::result() const {
  const std::lock_guard lock(mutex_);
  if (state_ == State::waiting) return {};
  return answer_;
}

}  // namespace sally::tls
