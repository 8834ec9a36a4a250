// One connection of a server of ours, a step a completion. What its Socket is differs from program
// to program:
//
//   void read_some(void*, size_t, Session*);       // session->completed(status, size) ends it
//   void read_exactly(void*, size_t, Session*);
//   void write(const void*, size_t, Session*);
//   void wait_writable(Session*);
//   size_t try_write_more(const void*, size_t);    // batched; how much was taken
//   size_t try_writev_more(const Piece*, size_t);  // the same, of several
//   static Piece piece(const void*, size_t);
#pragma once

#include "program.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <sallyport/status.h>

namespace bench {

template <class Socket>
class Session {
 public:
  template <class... Arguments>
  explicit Session(Arguments&&... arguments) : socket_(std::forward<Arguments>(arguments)...) {
    read_command();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void completed(sally_status status, std::size_t size) {
    if (status != SALLY_OK) {
      delete this;  // says goodbye where the stream is whole
      return;
    }
    switch (waiting_for_) {
      case For::command:
        return begin();
      case For::echo_read:
        waiting_for_ = For::echo_write;
        return socket_.write(buffer_.get(), size, this);
      case For::echo_write:
        waiting_for_ = For::echo_read;
        return socket_.read_some(buffer_.get(), Command::buffer_size, this);
      case For::upload:
        command_.count -= std::min<std::uint64_t>(command_.count, size);
        return take();
      case For::download:
        return give();
      case For::room:
        return command_.work == Work::stream ? give_messages() : give_batches();
      case For::answer:
        return read_command();
    }
  }

 private:
  enum class For { command, echo_read, echo_write, upload, download, room, answer };

  void read_command() {
    waiting_for_ = For::command;
    socket_.read_exactly(header_, Command::size_on_wire, this);
  }

  void begin() {
    command_ = Command::parse(header_);
    if (command_.work == Work::idle) return answer();
    if (buffer_ == nullptr) buffer_ = std::make_unique<unsigned char[]>(Command::buffer_size);
    written_ = 0;
    switch (command_.work) {
      case Work::upload:
        return take();
      case Work::download:
        return give();
      case Work::stream:
        return give_messages();
      case Work::batches:
        return give_batches();
      default:
        waiting_for_ = For::echo_read;
        return socket_.read_some(buffer_.get(), Command::buffer_size, this);
    }
  }

  void take() {
    if (command_.count == 0) return answer();
    waiting_for_ = For::upload;
    socket_.read_some(buffer_.get(), Command::buffer_size, this);
  }

  void give() {
    if (command_.count == 0) return read_command();
    const std::size_t size = std::min<std::uint64_t>(command_.size, command_.count);
    command_.count -= size;
    waiting_for_ = For::download;
    socket_.write(buffer_.get(), size, this);
  }

  // A write each; they share records and system calls because each says that more follow.
  void give_messages() {
    for (; command_.count > 0; --command_.count, written_ = 0) {
      written_ += socket_.try_write_more(buffer_.get() + written_, command_.size - written_);
      if (written_ < command_.size) {
        waiting_for_ = For::room;
        return socket_.wait_writable(this);
      }
    }
    read_command();
  }

  // Many in one write, for which the same goes.
  void give_batches() {
    while (command_.count > 0) {
      const std::size_t messages = std::min<std::uint64_t>(Command::batch, command_.count);
      typename Socket::Piece pieces[Command::batch];
      std::size_t count = 0;
      for (std::size_t at = written_; at < messages * command_.size; ++count) {
        const std::size_t size = command_.size - at % command_.size;
        pieces[count] = Socket::piece(buffer_.get() + at, size);
        at += size;
      }
      written_ += socket_.try_writev_more(pieces, count);
      if (written_ < messages * command_.size) {
        waiting_for_ = For::room;
        return socket_.wait_writable(this);
      }
      command_.count -= messages;
      written_ = 0;
    }
    read_command();
  }

  void answer() {
    waiting_for_ = For::answer;
    socket_.write("y", 1, this);
  }

  Socket socket_;
  For waiting_for_{};
  Command command_;
  std::size_t written_ = 0;  // of the message whose turn it is
  unsigned char header_[Command::size_on_wire];
  std::unique_ptr<unsigned char[]> buffer_;
};

}  // namespace bench
