// Bytes that go to and come from a peer, secured or plain: attempts only, no waiting, no locking.
#pragma once

#include "status/error.h"
#include "transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sally::transport {

// What an attempt came to.
struct Progress {
  enum class State {
    done,
    waiting,  // for `interest` on the channel; then try again
    failed    // `error` says why, SALLY_END_OF_STREAM among the reasons
  };
  State state = State::waiting;
  std::size_t size = 0;  // bytes read or taken
  Interest interest = Interest::none;
  ErrorRef error{};
};

// Totals over a flow's life. What was taken is sealed into records, which are queued, then sent.
struct Traffic {
  std::uint64_t taken = 0;        // bytes of the user's
  std::uint64_t sealed = 0;       // of these, in records already
  std::uint64_t given = 0;        // bytes handed to the user
  std::uint64_t wire_queued = 0;  // bytes of records
  std::uint64_t wire_sent = 0;
  std::uint64_t wire_received = 0;
};

struct FlowLimits {
  std::size_t high_watermark = 64 * 1024;  // with so much waiting to be sent, nothing is taken,
  std::size_t low_watermark = 16 * 1024;   // until no more than this waits
  bool low_latency = false;                // small records where a burst begins
};

class Flow {
 public:
  virtual ~Flow() = default;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // At least one byte, or waiting, or failed. A failure is final. Where it waits, it flushes.
  virtual Progress read(std::span<std::byte> buffer) = 0;
  // Whether more has come with what was read, part of a message at least.
  virtual bool has_more() const { return has_unread(); }
  // Done where a read would not wait.
  virtual Progress peek() = 0;
  // Gives bytes back, which the next read will bring again.
  void unread(std::span<const std::byte> bytes);
  bool has_unread() const noexcept { return head_ < unread_.size(); }

  // Done: `size` bytes were taken, which may be less than all. With `more` they stay here to fill a
  // record; otherwise they are tried to be sent. Waiting: the channel must take what is queued
  // first, or bring the rest of a message of the peer's. A failure is final.
  virtual Progress write(std::span<const std::byte> data, bool more) = 0;
  // write() with `more` of what only joins what was taken before: true where that was done, which
  // takes neither memory nor a record.
  virtual bool pack(std::span<const std::byte> /*data*/) noexcept { return false; }
  // Seals what is left over and sends. Done when nothing is pending.
  virtual Progress flush() = 0;
  // Puts the end of this direction behind what was written. Once.
  virtual void end_sending() = 0;
  // Whether a message of the peer's has come only in part, for the rest of which write() waits.
  virtual bool within_message() const { return false; }
  // Bytes that wait to be sent.
  virtual std::size_t pending_output() const noexcept = 0;
  // Whether write() would take something.
  bool is_writable() const noexcept {
    return pending_output() <= limits_.low_watermark ||
           (!full_ && pending_output() < limits_.high_watermark);
  }

  virtual Traffic traffic() const noexcept = 0;
  void set_limits(const FlowLimits& limits) noexcept { limits_ = limits; }

 protected:
  Flow() = default;

  // Moves what was unread; 0 where there is nothing.
  std::size_t reread(std::span<std::byte> buffer) noexcept;
  std::size_t unread_size() const noexcept { return unread_.size() - head_; }
  void append_unread(std::span<const std::byte> bytes);
  void drop_unread() noexcept;

  FlowLimits limits_;
  std::uint64_t given_ = 0;

  // Between the two watermarks: records of the little room that comes with each send would be tiny.
  bool has_room() noexcept {
    full_ = !is_writable();
    return !full_;
  }
  // After a write that took less than was asked for.
  void note_full() noexcept { full_ = true; }

 private:
  bool full_ = false;
  std::vector<std::byte> unread_;  // empty most of the time, and then without memory
  std::size_t head_ = 0;
};

}  // namespace sally::transport
