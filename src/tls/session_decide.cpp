// How a session waits for what its program decides, and goes on.
#include "tls/openssl.h"
#include "tls/session.h"

#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

using transport::Interest;

Session::~Session() {
  end_trace();
  if (!paused_) {
    leave_resumable();
    return;
  }
  deny_undecided();
  // Freeing it would leak the job anyway; resuming it on another thread would be fatal.
  if (paused_) static_cast<void>(ssl_.release());
}

Ref<Decision> Session::take_question() noexcept {
  return inquiry_ ? inquiry_->take_new() : Ref<Decision>();
}

bool Session::is_undecided() const {
  return inquiry_ && (paused_ || inquiry_->waits());  // a job may have its answer, and not know it
}

bool Session::is_paused_elsewhere() const noexcept {
  return paused_ && paused_by_ != std::this_thread::get_id();
}

bool Session::deny_undecided() noexcept {
  if (!inquiry_) return false;
  try {
    const bool undecided = is_undecided();
    inquiry_->give_up();
    inquiry_->tell_answers();
    if (!undecided || is_paused_elsewhere()) return false;
    handshake();
    return true;
  } catch (...) {
    return false;
  }
}

// Applies what was decided since the last attempt; false: there is something to decide still.
bool Session::may_go_on() {
  if (!inquiry_) return true;
  inquiry_->tell_answers();
  if (inquiry_->waits() || is_paused_elsewhere()) return false;
  const std::optional<Answer> shown = inquiry_->answer_to(SALLY_QUESTION_CREDENTIAL);
  if (shown && shown->credential && shown->credential->signs_elsewhere())
    SSL_set_mode(ssl_.get(), SSL_MODE_ASYNC);
  if (!port_.keeps) return true;
  const std::optional<Answer> hello = inquiry_->answer_to(SALLY_QUESTION_CLIENT_HELLO);
  if (!hello) return true;
  if (hello->kind == Answer::Kind::config) begin_anew(hello->context);
  port_.keep_no_more();
  return true;
}

// Nothing was sent yet. SSL_set_SSL_CTX would carry over the certificates and little else: verify
// mode, options, versions and the names of CAs would stay those of the first context.
void Session::begin_anew(Ref<Context> context) {
  constexpr std::uint32_t hello = SALLY_QUESTION_CLIENT_HELLO;
  context_ = std::move(context);
  if (inquiry_) inquiry_->replace_questions(context_->settings().questions & ~hello);
  port_.read_again();
  begin();
}

// Where the client asked for a name that another config serves: with its newest generation.
bool Session::goes_on_as_host() {
  if (!record_.host) return false;
  begin_anew(std::exchange(record_.host, {})->freeze());
  record_.host_found = true;
  return true;
}

// Once it is known that nothing begins anew.
void Session::drop_kept_hello() noexcept {
  const bool asks = inquiry_ && inquiry_->asks(SALLY_QUESTION_CLIENT_HELLO);
  if (port_.keeps && record_.server_name && !asks) port_.keep_no_more();
}

Progress Session::waiting_for_answer() {
  const Progress sent = send_records();
  const bool sends = sent.state == Progress::State::waiting;
  return {.state = Progress::State::waiting, .interest = sends ? sent.interest : Interest::none};
}

void Session::settle_questions() noexcept {
  if (!inquiry_) return;
  inquiry_->tell_answers();
  SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
  record_.inquiry = nullptr;
  inquiry_.reset();
  port_.keep_no_more();
}

}  // namespace sally::tls
