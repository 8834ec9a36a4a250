#include "tls/record_bio.h"

#include "tls/openssl.h"

#include <algorithm>
#include <cerrno>

namespace sally::tls {

namespace {

// OpenSSL reads on until there is something for the user. A peer that sends nothing of that kind (key
// updates, tickets) must not hold a thread for as long as it likes, nor have it answer each of them
// before anybody looks how many answers wait. More than a certificate chain may take.
constexpr std::uint64_t most_at_once = 256 * 1024;

RecordPort& port_of(BIO* bio) {
  return *static_cast<RecordPort*>(BIO_get_data(bio));
}

void remember_first(RecordPort& port, std::span<const std::byte> bytes) {
  const std::size_t room = port.first_bytes.size() - port.first_size;
  const std::size_t size = std::min(room, bytes.size());
  std::copy_n(bytes.begin(), size,
              port.first_bytes.begin() + static_cast<std::ptrdiff_t>(port.first_size));
  port.first_size += size;
}

std::size_t reread(RecordPort& port, std::span<std::byte> buffer) {
  const auto rest = std::span(port.kept).subspan(port.reread_from);
  const std::size_t size = std::min(rest.size(), buffer.size());
  std::copy_n(rest.begin(), size, buffer.begin());
  port.reread_from += size;
  port.rereads = size < rest.size();
  if (!port.rereads) std::vector<std::byte>().swap(port.kept);
  return size;
}

// False for want of memory.
bool keep(RecordPort& port, std::span<const std::byte> bytes) noexcept {
  try {
    port.kept.insert(port.kept.end(), bytes.begin(), bytes.end());
  } catch (...) {
    port.error_number = ENOMEM;
    return false;
  }
  return true;
}

int read_records(BIO* bio, char* data, std::size_t size, std::size_t* moved) {
  RecordPort& port = port_of(bio);
  BIO_clear_retry_flags(bio);
  *moved = 0;
  const std::span buffer(reinterpret_cast<std::byte*>(data), size);
  if (port.rereads) {
    *moved = reread(port, buffer);
    return 1;
  }
  if (!port.ahead.empty()) {
    *moved = port.ahead.take(buffer);
    return 1;
  }
  if (port.looks_ahead && port.received - port.received_before >= most_at_once) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::span<std::byte> room;
  if (port.looks_ahead && port.ahead.is_due()) room = port.ahead.room();
  const bool direct = room.empty();
  const transport::Transfer transfer = port.channel.try_receive(direct ? buffer : room);
  if (!direct) port.ahead.fill(transfer.size);
  switch (transfer.state) {
    case transport::TransferState::moved:
      port.received += transfer.size;
      if (!direct) {
        *moved = port.ahead.take(buffer);
        return 1;
      }
      port.ahead.note_direct(transfer.size, buffer.size());
      remember_first(port, buffer.first(transfer.size));
      if (port.keeps && !keep(port, buffer.first(transfer.size))) return 0;
      *moved = transfer.size;
      return 1;
    case transport::TransferState::would_block:
      BIO_set_retry_read(bio);
      return 0;
    case transport::TransferState::ended:
      port.ended = true;
      return 0;
    case transport::TransferState::failed:
      port.error_number = transfer.error_number;
      return 0;
  }
  return 0;
}

int write_records(BIO* bio, const char* data, std::size_t size, std::size_t* moved) {
  BIO_clear_retry_flags(bio);
  *moved = 0;
  RecordPort& port = port_of(bio);
  const auto records = std::as_bytes(std::span(data, size));
  try {
    port.passes ? port.outgoing.pass(port.channel, records) : port.outgoing.append(records);
  } catch (...) {
    return 0;
  }
  *moved = size;
  return 1;
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;  // the session flushes, once for a whole turn
    case BIO_CTRL_EOF:
      return port_of(bio).ended ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sallyport record");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, &read_records);
  BIO_meth_set_write_ex(method, &write_records);
  BIO_meth_set_ctrl(method, &control);
  return method;
}

}  // namespace

// OpenSSL 3.2 and later ask for the header of a first record alone.
void RecordPort::hear_more() noexcept {
  const auto room = std::span(first_bytes).subspan(first_size);
  if (room.empty() || ended || error_number != 0) return;
  const transport::Transfer transfer = channel.try_receive(room);
  if (transfer.state == transport::TransferState::moved) first_size += transfer.size;
}

BIO* make_record_bio(RecordPort& port) {
  static BIO_METHOD* const method = checked(make_method());
  BIO* bio = checked(BIO_new(method));
  BIO_set_data(bio, &port);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace sally::tls
