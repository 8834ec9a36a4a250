#include "socket/questions.h"

#include <bit>
#include <utility>

#include <sallyport/decision.h>

namespace sally::socket {

LastEvent::LastEvent(Completion destination)
    : AsyncOperation(std::move(destination), EventKind::decisions_over) {}

void LastEvent::tell() noexcept {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(told_, true)) complete();
}

namespace {

Ref<LastEvent> make_last(const Completion& destination) {
  auto last = make_ref<LastEvent>(destination);
  last->reserve();
  return last;
}

}  // namespace

Destination::Destination(Completion completion, bool tells_end)
    : completion_(std::move(completion)),
      last_(tells_end ? make_last(completion_) : Ref<LastEvent>()) {}

Destination::~Destination() {
  if (last_ && begun_) last_->tell();
}

QuestionEvent::QuestionEvent(Decider decider)
    : AsyncOperation(decider ? Completion(decider->completion()) : Completion{},
                     EventKind::decision),
      decider_(std::move(decider)) {}

void QuestionEvent::deliver() noexcept {
  // To be let go of when it was told, and not when somebody has taken it.
  const Decider decider = std::move(decider_);
  LastEvent* last = decider ? decider->last() : nullptr;
  if (!used_.exchange(true)) {
    if (last == nullptr) return complete();
    if (last->before([this] { complete(); })) return;
    withdraw();
  }
  // Not when the last reference goes, which its queue may hold for a while.
  if (decision) std::exchange(decision, {})->drop();
}

void QuestionEvent::cancel() noexcept {
  if (!used_.exchange(true)) withdraw();
}

namespace {

// A client's hello can bring a config that asks about the peer and for signatures.
int most_questions(std::uint32_t questions) {
  if ((questions & SALLY_QUESTION_CLIENT_HELLO) != 0)
    questions |= SALLY_QUESTION_PEER | SALLY_QUESTION_SIGNATURE;
  return std::popcount(questions);
}

}  // namespace

Questions::Questions(const Decider& decider, const tls::Context& context,
                     transport::EventLoop& loop)
    : decision_ms_(context.settings().decision_ms), timer_(loop) {
  for (int i = most_questions(context.possible_questions()); i > 0; --i) {
    room_.push_back(make_ref<QuestionEvent>(decider));
    if (decider)
      room_.back()->reserve();
    else
      room_.back()->cancel();  // everything is denied
  }
}

Ref<QuestionEvent> Questions::attend(tls::Session& session, const std::string& peer_address,
                                     std::function<void()> answered) {
  if (!session.is_undecided()) timer_.cancel();
  Ref<tls::Decision> decision = session.take_question();
  if (!decision) return {};
  decision->set_peer_address(peer_address);
  decision->when_answered(std::move(answered));
  if (decision_ms_ >= 0) {
    timer_.start(transport::deadline_after(decision_ms_), [decision] { decision->expire(); });
  }
  if (decision->begin()) return {};
  Ref<QuestionEvent> event = std::move(room_.back());
  room_.pop_back();
  event->decision = std::move(decision);
  return event;
}

Nudge::Nudge(Ref<transport::Runtime> keeps, transport::EventLoop& loop, std::function<void()> task)
    : keeps_(std::move(keeps)),
      task_(std::move(task)),
      call_(
          loop,
          [](void* self) noexcept {
            const Ref<Nudge> nudge = Ref<Nudge>::adopt(static_cast<Nudge*>(self));
            nudge->posted_.exchange(false);  // before the task looks at what there is
            // It may make us forget it.
            if (const auto due = nudge->task_) due();
          },
          this) {}

// A handshake can go on by itself, and ask again, between an answer and the call that tells of it.
void Nudge::post() noexcept {
  if (posted_.exchange(true)) return;
  retain();  // until the call
  call_.post();
}

}  // namespace sally::socket
