#include "socket/operation.h"

#include <sallyport/stream.h>

namespace sally::socket {

Piece Request::next_piece(bool& last) const noexcept {
  last = pieces.empty() || piece + 1 >= pieces.size();
  if (pieces.empty()) return data.subspan(moved);
  return piece < pieces.size() ? pieces[piece].subspan(piece_moved) : Piece{};
}

void Request::move_on(std::size_t size) noexcept {
  moved += size;
  piece_moved += size;
  if (piece < pieces.size() && piece_moved == pieces[piece].size()) {
    ++piece;
    piece_moved = 0;
  }
}

unsigned Operation::directions() const noexcept {
  switch (request.verb) {
    case Verb::read_some:
    case Verb::read_exactly:
    case Verb::read_until:
    case Verb::authenticate:
      return SALLY_DIRECTION_READ;
    case Verb::write:
    case Verb::flush:
    case Verb::shutdown:
      return SALLY_DIRECTION_WRITE;
    case Verb::wait:
      // The same bits.
      static_assert(unsigned{SALLY_DIRECTION_READ} ==
                    static_cast<unsigned>(transport::Interest::read));
      static_assert(unsigned{SALLY_DIRECTION_WRITE} ==
                    static_cast<unsigned>(transport::Interest::write));
      return static_cast<unsigned>(request.interest);
    case Verb::connect:
    case Verb::upgrade:
    case Verb::close:
      break;
  }
  return SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE;
}

void OperationList::add(Operation& operation) noexcept {
  operation.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &operation;
  last_ = &operation;
}

void OperationList::remove(Operation& operation) noexcept {
  (operation.next_ != nullptr ? operation.next_->previous_ : last_) = operation.previous_;
  (operation.previous_ != nullptr ? operation.previous_->next_ : first_) = operation.next_;
  operation.previous_ = operation.next_ = nullptr;
}

void OperationList::cancel(unsigned directions) noexcept {
  for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
    // What was taken before a close was promised to be sent.
    if ((operation->directions() & directions) == 0 || operation->request.unwaited) continue;
    operation->canceled = true;
    operation->wake();
  }
}

void OperationList::wake_all() noexcept {
  for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
    operation->wake();
  }
}

void OperationList::wake_receivers(const Operation* except) noexcept {
  for (Operation* operation = first_; operation != nullptr; operation = operation->next_) {
    if (operation == except || !includes(operation->interest, transport::Interest::read)) continue;
    operation->wake();
  }
}

void OperationLine::join(Operation& operation) noexcept {
  operation.line_ = this;
  operation.before_ = last_;
  (last_ != nullptr ? last_->behind_ : first_) = &operation;
  last_ = &operation;
}

void OperationLine::leave(Operation& operation) noexcept {
  if (operation.line_ != this) return;
  operation.line_ = nullptr;
  (operation.behind_ != nullptr ? operation.behind_->before_ : last_) = operation.before_;
  (operation.before_ != nullptr ? operation.before_->behind_ : first_) = operation.behind_;
  operation.before_ = operation.behind_ = nullptr;
}

}  // namespace sally::socket
