// A connection of a client whose library tells when something is complete. What differs is how it is
// begun; each of these ends with completed(size):
//
//   void connect(bool resume);                     // anew, TLS handshake included
//   void write(Bytes);
//   void write_all(const Bytes*, std::size_t);     // in one call
//   void read_some(unsigned char*, std::size_t);
//   void close();                                  // both goodbyes
#pragma once

#include "plan.h"

#include <vector>

namespace bench {

template <class Derived>
class CallbackPeer {
 public:
  explicit CallbackPeer(bool strict) : talk_(strict) {}
  CallbackPeer(const CallbackPeer&) = delete;
  CallbackPeer& operator=(const CallbackPeer&) = delete;

  void start(Plan& plan) {
    plan_ = &plan;
    waiting_for_ = For::connection;
    self().connect(plan.resume);
  }
  void go_on(Plan& plan) {
    plan_ = &plan;
    talk_.begin(plan.job);
    if (plan.job.needs_buffer() && buffer_ == nullptr)
      buffer_ = std::make_unique<unsigned char[]>(Command::buffer_size);
    waiting_for_ = For::write;
    plan.job.at_once ? write_all() : write_next();
  }

  void completed(std::size_t size) {
    switch (waiting_for_) {
      case For::connection:
        if (plan_->kind != Plan::Kind::handshakes) return go_on(*plan_);
        waiting_for_ = For::end;
        return self().close();
      case For::write:
        return plan_->job.at_once ? read_next() : write_next();
      case For::read:
        if (!talk_.received(buffer_ ? buffer_.get() : &answer_, size)) return read_next();
        [[fallthrough]];
      case For::end:
        return plan_->done(self());
    }
  }

 protected:
  ~CallbackPeer() = default;

 private:
  enum class For { connection, write, read, end };

  void write_next() {
    const Bytes piece = talk_.next();
    if (piece.empty()) return read_next();
    self().write(piece);
  }
  void write_all() {
    Bytes pieces[Command::batch];
    std::size_t count = 0;
    for (Bytes piece; !(piece = talk_.next()).empty();) pieces[count++] = piece;
    self().write_all(pieces, count);
  }
  void read_next() {
    waiting_for_ = For::read;
    self().read_some(buffer_ ? buffer_.get() : &answer_, buffer_ ? Command::buffer_size : 1);
  }
  Derived& self() { return static_cast<Derived&>(*this); }

  Plan* plan_ = nullptr;
  Talk talk_;
  For waiting_for_{};
  unsigned char answer_ = 0;
  std::unique_ptr<unsigned char[]> buffer_;
};

}  // namespace bench
