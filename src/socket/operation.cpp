#include "socket/operation.h"

namespace sally::socket {

Operation::Operation(OperationList& list, unsigned which) : directions(which), list_(list) {
  next_ = list.first_;
  if (next_ != nullptr) next_->previous_ = this;
  list.first_ = this;
}

Operation::~Operation() {
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : list_.first_) = next_;
}

void OperationList::cancel(unsigned directions) noexcept {
  for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
    if ((operation->directions & directions) == 0) continue;
    operation->canceled = true;
    operation->wake();
  }
}

void OperationList::wake_all() noexcept {
  for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
    operation->wake();
  }
}

}  // namespace sally::socket
