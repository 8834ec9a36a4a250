#include "socket/listener.h"

#include "socket/admission.h"
#include "socket/listener_shard.h"

#include <algorithm>
#include <utility>

namespace sally::socket {

Admission::Admission(Ref<Listener> listener, std::string source)
    : listener_(std::move(listener)), source_(std::move(source)) {}

Admission::~Admission() {
  outlive_stream();
  listener_->departed(source_);
}

void Admission::outlive_stream() noexcept {
  if (stream_ == nullptr) return;
  const std::lock_guard lock(listener_->mutex_);
  listener_->streams_.erase(std::exchange(stream_, nullptr));
}

void Admission::belongs_to(Stream& stream) {
  const std::lock_guard lock(listener_->mutex_);
  listener_->streams_.insert(&stream);
  stream_ = &stream;
}

Ref<Listener> Listener::bind(ListenerSetup setup) {
  transport::Resolution resolution =
      transport::resolve(setup.host, setup.service, /*passive=*/true);
  if (resolution.error) throw Failure(resolution.error);
  auto listener = Ref<Listener>::adopt(new Listener(std::move(setup)));
  ErrorRef first_error;
  for (const transport::Endpoint& endpoint : resolution.endpoints) {
    try {
      listener->listen(endpoint);
      for (const Ref<ListenerShard>& shard : listener->shards_) shard->resume();
      return listener;
    } catch (const Failure& failure) {
      if (!first_error) first_error = failure.error();
      listener->shards_.clear();
    }
  }
  throw Failure(first_error);
}

Listener::Listener(ListenerSetup setup)
    : setup_(std::move(setup)),
      runtime_(setup_.runtime ? setup_.runtime : transport::Runtime::shared()) {}

// The last reference may go with a stream, under its lock. What the program gave for its decisions
// goes with none, since it may tell the program.
Listener::~Listener() {
  if (!setup_.decider || shards_.empty()) return;
  try {
    home().post([decider = std::move(setup_.decider)] {});
  } catch (...) {
    return;
  }
}

// One shard for each loop of the runtime; the system spreads the connections among them.
void Listener::listen(const transport::Endpoint& endpoint) {
  using Sharing = transport::Acceptor::Sharing;
  transport::Endpoint place = endpoint;
  for (std::size_t i = 0; i < runtime_->size(); ++i) {
    const Sharing sharing = runtime_->size() == 1 ? Sharing::none
                            : i == 0              ? Sharing::first
                                                  : Sharing::joins;
    auto acceptor = std::make_unique<transport::Acceptor>(runtime_->loop(i), place,
                                                          setup_.limits.backlog, sharing);
    place = acceptor->endpoint();
    shards_.push_back(make_ref<ListenerShard>(*this, runtime_->loop(i), std::move(acceptor)));
  }
  address_ = transport::to_string(place);
  port_ = place.port();
}

// Why a call must not block here, or null.
ErrorRef Listener::cannot_wait() const noexcept {
  if (runtime_->on_its_thread()) {
    return make_error(SALLY_INVALID_STATE,
                      {.message = "a blocking call on the thread of the listener's event loop"});
  }
  if (home().is_served()) return {};
  return make_error(SALLY_INVALID_STATE, {.message = "nobody runs the listener's event loop"});
}

template <class Ready>
Outcome Listener::wait_until(Lock& lock, const Patience& patience, Ready&& ready) {
  // Asked once: whoever runs the loop does so again and again, and is at other things in between.
  bool waits = false;
  while (!ready()) {
    if (closed_) return SALLY_CLOSED;
    if (patience.attempt) return SALLY_WOULD_BLOCK;
    if (ErrorRef why = std::exchange(waits, true) ? ErrorRef() : cannot_wait()) return why;
    if (patience.deadline == transport::never) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, patience.deadline) == std::cv_status::timeout &&
               !ready()) {
      return closed_ ? SALLY_CLOSED : SALLY_TIMED_OUT;
    }
  }
  return SALLY_OK;
}

transport::EventLoop& Listener::home() const noexcept {
  return runtime_->loop(0);
}

Outcome Listener::accept(const Patience& patience, Ref<Stream>& stream) {
  Lock lock(mutex_);
  Outcome outcome = wait_until(lock, patience, [this] { return !established_.empty(); });
  if (!outcome.ok()) return outcome;
  const bool was_full = established_.size() >= setup_.limits.unaccepted;
  stream = std::move(established_.front());
  established_.pop_front();
  lock.unlock();
  if (was_full) resume();
  return outcome;
}

Outcome Listener::next_refusal(const Patience& patience, Refusal& refusal) {
  Lock lock(mutex_);
  Outcome outcome = wait_until(lock, patience, [this] { return !refusals_.empty(); });
  if (!outcome.ok()) return outcome;
  refusal = std::move(refusals_.front());
  refusals_.pop_front();
  return outcome;
}

Outcome Listener::drain(const Patience& patience) {
  {
    // What could not wait for the end does not begin.
    const Lock lock(mutex_);
    if (!patience.attempt && !is_drained()) {
      if (ErrorRef why = cannot_wait()) return why;
    }
  }
  start_draining();
  Outcome outcome;
  {
    Lock lock(mutex_);
    outcome = wait_until(lock, patience, [this] { return is_drained(); });
  }
  const bool too_late = outcome.status == SALLY_TIMED_OUT || outcome.status == SALLY_WOULD_BLOCK;
  if (too_late || outcome.ok()) close();
  if (too_late) close_live();  // then: nobody gets one any more
  return outcome;
}

void Listener::resume() {
  for (const Ref<ListenerShard>& shard : shards_) shard->resume();
}

std::uint64_t Listener::dropped_refusals() const noexcept {
  const std::lock_guard lock(mutex_);
  return dropped_refusals_;
}

// Asynchronous operations wait in a list of their kind. Whoever takes one out completes it.

Listener::Operations& Listener::waiting(ListenerVerb verb) noexcept {
  switch (verb) {
    case ListenerVerb::accept:
      return accepts_;
    case ListenerVerb::refusal:
      return refusal_waits_;
    case ListenerVerb::drain:
      break;
  }
  return drains_;
}

void Listener::submit(Ref<ListenerOperation> operation) {
  if (operation->verb() == ListenerVerb::drain) start_draining();
  bool fulfilled = false;
  bool was_full = false;
  {
    const Lock lock(mutex_);
    was_full = established_.size() >= setup_.limits.unaccepted;
    operation->submitted_ = true;
    if (operation->canceled_) operation->outcome = Outcome(SALLY_CANCELED);
    fulfilled = operation->canceled_ || fulfil(*operation);
    if (!fulfilled && closed_) throw Failure(SALLY_CLOSED);
    if (!fulfilled) waiting(operation->verb()).push_back(operation);
  }
  if (fulfilled) {
    if (was_full && operation->verb() == ListenerVerb::accept) resume();
    return complete(std::move(operation));
  }
  ListenerOperation* raw = operation.detach();  // given up by start()
  raw->starting_.post();
}

// With the lock: whether what the operation asks for is there already.
bool Listener::fulfil(ListenerOperation& operation) {
  switch (operation.verb()) {
    case ListenerVerb::accept:
      if (established_.empty()) return false;
      operation.accepted = std::move(established_.front());
      established_.pop_front();
      return true;
    case ListenerVerb::refusal:
      if (refusals_.empty()) return false;
      operation.peer = std::move(refusals_.front().peer);
      operation.refusal = std::move(refusals_.front().error);
      refusals_.pop_front();
      return true;
    case ListenerVerb::drain:
      break;
  }
  return is_drained();
}

Ref<ListenerOperation> Listener::take_waiting(ListenerVerb verb) noexcept {
  Operations& operations = waiting(verb);
  if (operations.empty()) return {};
  Ref<ListenerOperation> oldest = std::move(operations.front());
  operations.pop_front();
  return oldest;
}

void Listener::complete(Ref<ListenerOperation> operation) noexcept {
  ListenerOperation* raw = operation.detach();  // given up by finish()
  raw->finishing_.post();
}

// Cancelled, or too late.
void Listener::end(ListenerOperation& operation, sally_status status) noexcept {
  Ref<ListenerOperation> taken;
  {
    const Lock lock(mutex_);
    if (!operation.submitted_) operation.canceled_ = true;
    Operations& operations = waiting(operation.verb());
    const auto place = std::find_if(operations.begin(), operations.end(),
                                    [&](const auto& each) { return each.get() == &operation; });
    if (place == operations.end()) return;
    taken = std::move(*place);
    operations.erase(place);
  }
  taken->outcome = Outcome(status);
  const bool drain_failed = taken->verb() == ListenerVerb::drain && status == SALLY_TIMED_OUT;
  complete(std::move(taken));
  if (!drain_failed) return;
  close();
  close_live();
}

void Listener::start_draining() noexcept {
  {
    const Lock lock(mutex_);
    if (std::exchange(draining_, true)) return;
  }
  for (const Ref<ListenerShard>& shard : shards_) shard->stop();
}

// Ends every connection that lives, without waiting for any.
void Listener::close_live() noexcept {
  std::vector<Ref<Stream>> streams;
  {
    const Lock lock(mutex_);
    for (Stream* stream : streams_) {
      if (stream->retain_if_alive()) streams.push_back(Ref<Stream>::adopt(stream));
    }
  }
  for (const Ref<Stream>& stream : streams) stream->abandon();
}

// What is beyond the limits waits in the system's backlog. Once it drains nobody comes in any more,
// not even by a loop that has yet to learn of it.
bool Listener::has_room(const Lock&) const noexcept {
  return !draining_ && !closed_ && handshakes_ < setup_.limits.pending_handshakes &&
         established_.size() < setup_.limits.unaccepted &&
         (setup_.limits.live == 0 || live_ < setup_.limits.live);
}

bool Listener::has_room() const noexcept {
  return has_room(Lock(mutex_));
}

Listener::Admitted Listener::admit(const std::string& source) {
  const Lock lock(mutex_);
  if (!has_room(lock)) return Admitted::no_room;
  if (setup_.limits.per_source != 0) {
    std::size_t& count = sources_[source];
    if (count >= setup_.limits.per_source) return Admitted::too_many_of_its_source;
    ++count;
  }
  ++live_;
  if (setup_.config) ++handshakes_;
  return Admitted::yes;
}

void Listener::departed(const std::string& source) noexcept {
  std::vector<Ref<ListenerOperation>> drained;
  bool was_full = false;
  {
    const Lock lock(mutex_);
    was_full = setup_.limits.live != 0 && live_ == setup_.limits.live;
    --live_;
    const auto place = sources_.find(source);
    if (place != sources_.end() && --place->second == 0) sources_.erase(place);
    while (is_drained() && !drains_.empty()) {
      drained.push_back(take_waiting(ListenerVerb::drain));
    }
  }
  changed_.notify_all();
  if (was_full) resume();
  for (Ref<ListenerOperation>& operation : drained) complete(std::move(operation));
}

void Listener::handshake_over() noexcept {
  bool was_full = false;
  {
    const Lock lock(mutex_);
    was_full = handshakes_-- == setup_.limits.pending_handshakes;
  }
  if (was_full) resume();
}

void Listener::deliver(ServerHandshake::Result result, const std::string& source) {
  auto admission = std::make_unique<Admission>(Ref<Listener>::share(this), source);
  Admission& place = *admission;
  auto stream = make_ref<Stream>(
      Established{.transport = std::move(result.transport),
                  .session = std::move(result.session),
                  .runtime = runtime_,
                  .limits = setup_.flow,
                  .report = {.handshake_us = result.took_us, .round_trips = result.round_trips},
                  .admission = std::move(admission),
                  .decider = setup_.config ? Decider() : setup_.decider});
  place.belongs_to(*stream);
  Ref<ListenerOperation> waiting_for_it;
  {
    const Lock lock(mutex_);
    waiting_for_it = take_waiting(ListenerVerb::accept);
    if (waiting_for_it)
      waiting_for_it->accepted = std::exchange(stream, {});
    else if (!closed_)
      established_.push_back(std::exchange(stream, {}));
  }
  if (waiting_for_it) return complete(std::move(waiting_for_it));
  if (stream) stream->abandon();
  changed_.notify_all();
}

void Listener::refuse(std::string peer, ErrorRef error) noexcept {
  Ref<ListenerOperation> waiting_for_it;
  {
    const Lock lock(mutex_);
    waiting_for_it = take_waiting(ListenerVerb::refusal);
    if (waiting_for_it) {
      waiting_for_it->peer = std::move(peer);
      waiting_for_it->refusal = std::move(error);
    } else {
      if (refusals_.size() == setup_.limits.refusals) {
        refusals_.pop_front();
        ++dropped_refusals_;
      }
      refusals_.push_back({std::move(peer), std::move(error)});
    }
  }
  if (waiting_for_it) return complete(std::move(waiting_for_it));
  changed_.notify_all();
}

void Listener::close() noexcept {
  std::deque<Ref<Stream>> unaccepted;
  std::vector<Ref<ListenerOperation>> ended;
  {
    const Lock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    unaccepted.swap(established_);
    for (const ListenerVerb verb :
         {ListenerVerb::accept, ListenerVerb::refusal, ListenerVerb::drain}) {
      while (auto operation = take_waiting(verb)) ended.push_back(std::move(operation));
    }
  }
  changed_.notify_all();
  for (const Ref<Stream>& stream : unaccepted) stream->abandon();
  for (Ref<ListenerOperation>& operation : ended) {
    operation->outcome = Outcome(SALLY_CLOSED);
    complete(std::move(operation));
  }
  for (const Ref<ListenerShard>& shard : shards_) shard->close();
}

void Listener::close_in_child() noexcept {
  for (const Ref<ListenerShard>& shard : shards_) shard->close_in_child();
}

}  // namespace sally::socket
