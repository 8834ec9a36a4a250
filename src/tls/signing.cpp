#include "tls/signing.h"

#include "status/error.h"
#include "tls/decision.h"
#include "tls/handshake_record.h"
#include "tls/inquiry.h"
#include "transport/fork.h"
#include "transport/thread.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

// OpenSSL tells a provider nothing of the connection that it signs for.
thread_local HandshakeRecord* current = nullptr;

ErrorRef does_not_verify(const RemoteKey& key, const SignatureRequest& request, std::size_t size) {
  ErrorDetail detail{
      .expected = std::string("a signature ") + request.scheme->name + " by the certificate's key",
      .found = std::to_string(size) + " bytes, which the certificate's public key does not verify"};
  if (key.certificate) {
    detail.depth = 0;
    detail.subject = key.certificate->data.subject;
    detail.issuer = key.certificate->data.issuer;
  }
  return make_error(SALLY_SIGNATURE_INVALID, std::move(detail));
}

std::optional<std::string> ask(const RemoteKey& key, const SignatureRequest& request,
                               HandshakeRecord& record) {
  Inquiry& inquiry = *record.inquiry;
  if (!key.signer && !inquiry.asks(SALLY_QUESTION_SIGNATURE)) {
    record.verdict =
        make_error(SALLY_INVALID_STATE,
                   {.message = "the TLS config does not ask the program for signatures",
                    .hint = "Add SALLY_QUESTION_SIGNATURE with sally_tls_config_set_questions."});
    return {};
  }
  if (inquiry.was_asked(SALLY_QUESTION_SIGNATURE)) return {};  // TLS wants one of each side
  inquiry.ask({.question = SALLY_QUESTION_SIGNATURE,
               .server_name = record.peer_name.text,
               .signature = request,
               .signing_certificate = key.certificate,
               .signer = key.signer});
  Answer answer{.nobody = true};
  if (suspend_until_answered(inquiry, SALLY_QUESTION_SIGNATURE))
    answer = *inquiry.answer_to(SALLY_QUESTION_SIGNATURE);
  if (answer.kind != Answer::Kind::signature) {
    if (answer.error)
      record.verdict = answer.error;
    else
      note_denial(record, SALLY_QUESTION_SIGNATURE, answer);
    return {};
  }
  if (verifies(key.public_half.get(), request, answer.signature))
    return std::move(answer.signature);
  record.verdict = does_not_verify(key, request, answer.signature.size());
  return {};
}

}  // namespace

SigningFor::SigningFor(HandshakeRecord& record) noexcept
    : before_(std::exchange(current, &record)) {}

SigningFor::~SigningFor() {
  current = before_;
}

std::optional<std::string> sign_in_handshake(std::shared_ptr<const RemoteKey> key,
                                             SignatureRequest request) {
  HandshakeRecord* record = current;  // another one's may be current once this was suspended
  if (record == nullptr || record->inquiry == nullptr) return {};
  try {
    return ask(*key, request, *record);
  } catch (const Failure& failure) {
    record->verdict = failure.error();
  } catch (...) {
    record->verdict = out_of_memory_error();
  }
  return {};
}

namespace {

// A few threads that wait for tokens. They are never joined: what a token does cannot be interrupted,
// and a program that exits must not wait for it.
class Workers {
 public:
  void submit(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
    if (tasks_.size() <= idle_ || threads_ == most_threads) return;
    try {
      transport::start_thread("sally-sign", [this] { work(); }).detach();
      ++threads_;
    } catch (...) {
      if (threads_ > 0) return;  // it takes longer, that is all
      tasks_.pop_back();
      throw;
    }
  }

 private:
  static constexpr std::size_t most_threads = 4;

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [this] { return !tasks_.empty(); });
      --idle_;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // what it holds goes without our lock
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

constinit transport::PerProcess<Workers> workers;

Answer answer_of(Signer& signer, const SignatureRequest& request) {
  try {
    return {.kind = Answer::Kind::signature, .signature = signer.sign(request)};
  } catch (const Failure& failure) {
    return {.error = failure.error()};
  } catch (...) {
    return {.error = out_of_memory_error()};
  }
}

}  // namespace

void run_on_worker(std::function<void()> task) {
  workers.get().submit(std::move(task));
}

void sign_on_worker(Ref<Decision> decision, std::shared_ptr<Signer> signer) {
  run_on_worker([decision = std::move(decision), signer = std::move(signer)] {
    if (decision->result()) return;  // it was given up meanwhile
    Answer answer = answer_of(*signer, decision->facts().signature);
    try {
      decision->answer(std::move(answer));
    } catch (const Failure&) {
      // The handshake is over.
    }
  });
}

}  // namespace sally::tls
