#include "transport/plain_flow.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sally::transport {

Progress PlainFlow::fail(ErrorRef& sticky, ErrorRef error) {
  if (!sticky) sticky = std::move(error);
  return {.state = Progress::State::failed, .error = sticky};
}

Progress PlainFlow::receive(std::span<std::byte> buffer) {
  if (read_error_) return fail(read_error_, {});
  const Transfer transfer = transport_.try_receive(buffer);
  switch (transfer.state) {
    case TransferState::moved:
      received_ += transfer.size;
      return {.state = Progress::State::done, .size = transfer.size};
    case TransferState::would_block:
      break;
    case TransferState::ended:
      return fail(read_error_, make_error(SALLY_END_OF_STREAM, {.phase = "read"}));
    case TransferState::failed:
      return fail(read_error_, errno_error(transfer.error_number, {.phase = "read"}));
  }
  const bool sends = !outgoing_.empty() && flush().state == Progress::State::waiting;
  return {.state = Progress::State::waiting,
          .interest = Interest::read | (sends ? Interest::write : Interest::none)};
}

Progress PlainFlow::read(std::span<std::byte> buffer) {
  if (const std::size_t size = reread(buffer); size != 0) {
    return {.state = Progress::State::done, .size = size};
  }
  Progress progress = receive(buffer);
  if (progress.state == Progress::State::done) given_ += progress.size;
  return progress;
}

// What it takes in to see whether there is something, the next read brings.
Progress PlainFlow::peek() {
  if (has_unread()) return {.state = Progress::State::done};
  std::array<std::byte, 1> byte{};
  Progress progress = receive(byte);
  if (progress.state == Progress::State::done) append_unread(byte);
  if (progress.state == Progress::State::waiting) return progress;
  return {.state = Progress::State::done};
}

Progress PlainFlow::write(std::span<const std::byte> data, bool more) {
  if (write_error_) return fail(write_error_, {});
  if (!has_room()) {
    Progress room = flush();
    if (room.state == Progress::State::failed || !has_room()) return room;
  }
  const std::size_t size = std::min(data.size(), limits_.high_watermark - outgoing_.size());
  outgoing_.append(data.first(size));
  if (size < data.size()) note_full();
  if (!more) {
    Progress sent = flush();
    if (sent.state == Progress::State::failed) return sent;
  }
  return {.state = Progress::State::done, .size = size};
}

Progress PlainFlow::flush() {
  while (!outgoing_.empty()) {
    if (write_error_) return fail(write_error_, {});
    const Transfer transfer = outgoing_.send(transport_);
    if (transfer.state == TransferState::moved) continue;
    if (transfer.state == TransferState::would_block) {
      return {.state = Progress::State::waiting, .interest = Interest::write};
    }
    return fail(write_error_, errno_error(transfer.error_number, {.phase = "write"}));
  }
  if (std::exchange(end_due_, false)) transport_.shutdown_send();
  return {.state = Progress::State::done};
}

void PlainFlow::end_sending() {
  if (write_error_) return;
  end_due_ = true;
}

Traffic PlainFlow::traffic() const noexcept {
  return {.taken = outgoing_.queued(),
          .sealed = outgoing_.queued(),
          .given = given_,
          .wire_queued = outgoing_.queued(),
          .wire_sent = outgoing_.sent(),
          .wire_received = received_};
}

}  // namespace sally::transport
