// The BIO through which OpenSSL drives a transport: receives straight from it, queues what is to be
// sent.
#pragma once

#include "transport/channel.h"
#include "transport/send_queue.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

struct bio_st;

namespace sally::tls {

// The state behind one session's BIO, and what went by.
struct RecordPort {
  explicit RecordPort(transport::Channel& below) : channel(below) {}

  transport::Channel& channel;
  transport::SendQueue outgoing;
  std::uint64_t received = 0;
  bool ended = false;    // the transport's other side sends no more
  int error_number = 0;  // why receiving failed
  // What the peer said first, to tell one that does not speak TLS.
  std::array<std::byte, 16> first_bytes{};
  std::size_t first_size = 0;

  std::span<const std::byte> first() const { return std::span(first_bytes).first(first_size); }
};

// Writing always succeeds (it queues), so that one send can carry many records; the session bounds
// what it writes. The port must outlive the BIO. Throws std::bad_alloc.
bio_st* make_record_bio(RecordPort& port);

}  // namespace sally::tls
