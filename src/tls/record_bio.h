// The BIO through which OpenSSL drives a transport: receives straight from it, queues what is to be
// sent.
#pragma once

#include "tls/lookahead.h"
#include "transport/channel.h"
#include "transport/send_queue.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct bio_st;

namespace sally::tls {

// The state behind one session's BIO, and what went by.
struct RecordPort {
  explicit RecordPort(transport::Channel& below) : channel(below) {}

  transport::Channel& channel;
  transport::SendQueue outgoing;
  // Whether what is written now is flushed right after it: then it need not be queued.
  bool passes = false;
  Lookahead ahead;
  bool looks_ahead = false;  // never before a session is established, which may yet begin anew
  std::uint64_t received = 0;
  std::uint64_t received_before = 0;  // the call into OpenSSL that is under way
  bool ended = false;                 // the transport's other side sends no more
  int error_number = 0;               // why receiving failed
  // What the peer said first, to tell one that does not speak TLS.
  std::array<std::byte, 16> first_bytes{};
  std::size_t first_size = 0;
  // A session that may yet begin anew, with another context, keeps what came, to read it again.
  bool keeps = false;
  std::vector<std::byte> kept{};
  std::size_t reread_from = 0;
  bool rereads = false;

  std::span<const std::byte> first() const { return std::span(first_bytes).first(first_size); }
  // For a session that is at its end: what is read here, OpenSSL does not get.
  void hear_more() noexcept;
  void read_again() noexcept {
    keeps = false;
    rereads = !kept.empty();
    reread_from = 0;
  }
  void keep_no_more() noexcept {
    keeps = false;
    if (!rereads) std::vector<std::byte>().swap(kept);
  }
};

// Writing always succeeds (what does not leave at once is queued), so that one send can carry many records; the session bounds
// what it writes. The port must outlive the BIO. Throws std::bad_alloc.
bio_st* make_record_bio(RecordPort& port);

}  // namespace sally::tls
