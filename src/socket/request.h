// What an operation on a stream is asked to do, in whatever form it is driven.
#pragma once

#include "tls/config.h"
#include "tls/session.h"
#include "transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sally::socket {

enum class Verb {
  connect,
  upgrade,
  read_some,
  read_exactly,
  read_until,
  authenticate,
  wait,
  write,
  flush,
  shutdown,
  close
};

using Piece = std::span<const std::byte>;

struct Request {
  Verb verb;

  std::span<std::byte> into{};         // reads
  std::vector<std::byte> delimiter{};  // read_until; not empty

  Piece data{};                 // write: one piece,
  std::vector<Piece> pieces{};  // or several,
  std::size_t piece = 0;        // of which this one is being moved,
  std::size_t piece_moved = 0;  // so far
  bool more = false;            // others follow; what is taken may wait for them

  transport::Interest interest{};  // wait: for either of these

  bool unwaited = false;  // close: the rest of one that nobody waits for

  std::int64_t handshake_ms = 0;  // connect: bounds the handshake, from its start; 0: no such bound
  Ref<tls::Config> config{};      // upgrade
  tls::PeerName peer_name{};      // upgrade of a client

  // Bytes read or taken so far; of a wait, the Interest that was found.
  std::size_t moved = 0;

  bool reads() const noexcept {
    return verb == Verb::read_some || verb == Verb::read_exactly || verb == Verb::read_until;
  }
  // What is to be written next, up to the end of its piece; `last` where no other piece follows.
  Piece next_piece(bool& last) const noexcept;
  // Of what next_piece() gave.
  void move_on(std::size_t size) noexcept;
};

}  // namespace sally::socket
