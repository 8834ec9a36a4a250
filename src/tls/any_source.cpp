#include "tls/any_source.h"

namespace sally::tls {

std::uint64_t AnySource::observe(SourceObserver& observer) noexcept {
  const std::lock_guard lock(mutex_);
  observer.observes_ = true;
  observer.previous_ = nullptr;
  observer.next_ = observers_;
  if (observers_ != nullptr) observers_->previous_ = &observer;
  observers_ = &observer;
  return generation_;
}

void AnySource::forget(SourceObserver& observer) noexcept {
  const std::lock_guard lock(mutex_);
  if (!observer.observes_) return;
  observer.observes_ = false;
  if (observer.next_ != nullptr) observer.next_->previous_ = observer.previous_;
  (observer.previous_ != nullptr ? observer.previous_->next_ : observers_) = observer.next_;
}

// Whoever is told of a generation finds it in the handshakes that begin then.
void AnySource::begin_generation() noexcept {
  ++generation_;
  reload_error_ = {};
  ++material_changes;
  tell({});
}

void AnySource::note_failure(const ErrorRef& error) noexcept {
  const std::lock_guard lock(mutex_);
  reload_error_ = error;
  tell(error);
}

void AnySource::tell(const ErrorRef& failure) noexcept {
  for (SourceObserver* observer = observers_; observer != nullptr; observer = observer->next_) {
    observer->source_changed(generation_, failure);
  }
}

}  // namespace sally::tls
