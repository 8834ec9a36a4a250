// Runs a script, one step a byte or two, against two streams joined in memory on one thread, and holds
// everything that happens against a model: each operation completes once, bytes arrive in order and
// nothing else arrives, what was taken is sent.
#pragma once

#include "lib/tls_pair.h"
#include "socket/stream.h"
#include "transport/runtime.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sallyport/stream.h>

namespace sally::test {

class StreamScript {
 public:
  // Aborts, with `what` on standard error, where the model is broken: for fuzzers as well as tests.
  static void run(std::span<const std::uint8_t> script) { StreamScript().play(script); }

 private:
  using Verb = socket::Verb;

  // What one end has sent, and what the other has received of it.
  struct Direction {
    std::uint64_t taken = 0;    // by completed writes
    std::uint64_t offered = 0;  // to writes, completed or not
    std::uint64_t received = 0;
  };
  struct Pending {
    Ref<socket::StreamOperation> operation;
    Verb verb;
    std::size_t side;
    std::vector<std::byte> buffer;
    bool done = false;
  };
  struct Side {
    Ref<socket::Stream> stream;
    transport::MemoryTransport* wire = nullptr;
    std::uint64_t writing_at = 0;  // the next byte's place in what this side writes
    bool exact = true;             // no write was cut short: places can be compared
    bool closing = false;
  };

  static void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
  static std::byte byte_at(std::uint64_t place) { return static_cast<std::byte>(place * 31 >> 2); }

  StreamScript() : runtime_(transport::Runtime::run_by_caller()) {
    static const auto client = client_config({})->freeze();
    static const auto server = server_config({})->freeze();
    auto [near, far] = transport::make_memory_transports(runtime_->loop(0));
    TlsEnd first(client, tls::PeerName{.text = "localhost"}, std::move(near));
    TlsEnd second(server, {}, std::move(far));
    for (int turn = 0; turn < 4; ++turn) {
      first.shake();
      second.shake();
    }
    require(first.status() == SALLY_OK && second.status() == SALLY_OK, "the handshake is good");
    adopt(sides_[0], first);
    adopt(sides_[1], second);
  }

  ~StreamScript() {
    for (Side& side : sides_) side.stream->abandon();
    serve();
    for (const auto& pending : all_) require(pending->done, "every operation completes in the end");
  }

  void adopt(Side& side, TlsEnd& end) {
    auto transport = end.take_transport();
    auto session = end.take_session();
    side.wire = transport.get();
    side.stream = make_ref<socket::Stream>(socket::Established{
        .transport = std::move(transport), .session = std::move(session), .runtime = runtime_});
  }

  void serve() {
    while (runtime_->loop(0).serve(transport::Clock::now()) != 0) {
    }
  }

  void play(std::span<const std::uint8_t> script) {
    constexpr std::size_t most_steps = 400;
    if (script.size() > 2 * most_steps) script = script.first(2 * most_steps);
    while (script.size() >= 2) {
      step(script[0], script[1]);
      script = script.subspan(2);
    }
    settle_down();
  }

  // Without faults and with readers, all that was taken arrives.
  void settle_down() {
    for (Side& side : sides_) side.wire->set_faults({});
    for (const std::size_t side : {0U, 1U}) submit(side, {.verb = Verb::flush});
    serve();
    for (std::size_t i = 0; i < 2; ++i) {
      if (sides_[0].closing || sides_[1].closing || reset_) return;
      while (!has_reader(1 - i) && received_[i].received < received_[i].taken) {
        const auto before = received_[i].received;
        read(1 - i, Verb::read_some, 255);
        serve();
        require(received_[i].received > before, "what was taken arrives");
      }
    }
  }

  void step(std::uint8_t what, std::uint8_t how) {
    const std::size_t side = what >> 7U;
    Side& here = sides_[side];
    switch (what % 16) {
      case 0:
      case 1:
        return read(side, Verb::read_some, how);
      case 2:
        return read(side, Verb::read_exactly, how);
      case 3:
        return read(side, Verb::read_until, how);
      case 4:
      case 5:
        return write(side, std::size_t{how} * how / 8, (what & 16) != 0);
      case 6:
        return write(side, how, /*more=*/true);
      case 7:
        return submit(side, {.verb = Verb::flush});
      case 8:
        return submit(
            side, {.verb = Verb::wait, .interest = static_cast<transport::Interest>(how % 3 + 1)});
      case 9:
        if (how % 8 != 0) return;
        here.exact = false;
        return submit(side, {.verb = Verb::shutdown});
      case 10:
        if (how % 8 != 0) return;
        here.closing = true;
        return submit(side, {.verb = Verb::close});
      case 11:
        return cancel(how);
      case 12:
        return here.stream->cancel(how % 3 + 1);
      case 13:
        return set_faults(here, how);
      case 14:
        return blocking(side, how);
      default:
        return serve();
    }
  }

  void set_faults(Side& here, std::uint8_t how) {
    if (how == 255) {
      reset_ = true;
      return here.wire->set_faults({.reset_at = 0});
    }
    transport::Faults faults;
    if (how % 4 != 0) faults.capacity = std::size_t{how} * 8 + 1;
    if ((how & 16) != 0) faults.send_limit = how;
    if ((how & 32) != 0) faults.receive_limit = how;
    here.wire->set_faults(faults);
  }

  bool has_reader(std::size_t side) const {
    for (const auto& pending : all_) {
      const bool reads = pending->verb == Verb::read_some || pending->verb == Verb::read_exactly ||
                         pending->verb == Verb::read_until;
      if (!pending->done && reads && pending->side == side) return true;
    }
    return false;
  }

  void read(std::size_t side, Verb verb, std::size_t capacity) {
    const bool busy = has_reader(side);
    auto pending = std::make_shared<Pending>();
    pending->buffer.resize(capacity + 1);
    socket::Request request{.verb = verb, .into = pending->buffer};
    if (verb == Verb::read_until) request.delimiter = {byte_at(capacity), byte_at(capacity + 1)};
    const sally_status refused = submit(side, std::move(request), std::move(pending));
    require(!busy || refused != SALLY_OK, "there is one reader at a time");
  }

  void write(std::size_t side, std::size_t size, bool more) {
    Side& here = sides_[side];
    auto pending = std::make_shared<Pending>();
    pending->buffer.resize(size);
    for (std::size_t i = 0; i < size; ++i) pending->buffer[i] = byte_at(here.writing_at + i);
    socket::Request request{.verb = Verb::write, .data = pending->buffer, .more = more};
    if (submit(side, std::move(request), std::move(pending)) != SALLY_OK) return;
    here.writing_at += size;
    received_[side].offered += size;
  }

  // Attempts on the caller's thread between the turns of the loop.
  void blocking(std::size_t side, std::uint8_t how) {
    Side& here = sides_[side];
    std::array<std::byte, 100> buffer{};
    std::size_t size = 0;
    const auto attempt = socket::Patience::none();
    if (how % 2 == 0) {
      static_cast<void>(here.stream->read_some(buffer, size, attempt));
      return receive(side, std::span(buffer).first(size));
    }
    for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = byte_at(here.writing_at + i);
    auto& sent = received_[side];
    static_cast<void>(here.stream->write(buffer, size, attempt));
    // A part may have been taken; the next write goes on behind it.
    here.writing_at += size;
    sent.offered += size;
    sent.taken += size;
  }

  void submit(std::size_t side, socket::Request request) {
    submit(side, std::move(request), std::make_shared<Pending>());
  }

  sally_status submit(std::size_t side, socket::Request request, std::shared_ptr<Pending> pending) {
    Side& here = sides_[side];
    pending->verb = request.verb;
    pending->side = side;
    pending->operation = make_ref<socket::StreamOperation>(
        here.stream, std::move(request), transport::never,
        socket::told([this, raw = pending.get()](auto& operation) {
          require(!inside_, "never inside the submitting call");
          complete(*raw, operation);
        }));
    inside_ = true;
    sally_status status = SALLY_OK;
    try {
      here.stream->submit(pending->operation);
      all_.push_back(std::move(pending));
    } catch (const Failure& failure) {
      status = failure.error()->status();
    }
    inside_ = false;
    return status;
  }

  void complete(Pending& pending, socket::AsyncOperation& operation) {
    require(!pending.done, "an operation completes once");
    pending.done = true;
    require(operation.outcome.status != SALLY_INTERNAL && operation.outcome.status != SALLY_UNKNOWN,
            "an end has a reason");
    Side& here = sides_[pending.side];
    switch (pending.verb) {
      case Verb::read_some:
      case Verb::read_exactly:
      case Verb::read_until:
        return receive(pending.side, std::span(pending.buffer).first(operation.size));
      case Verb::write:
        require(operation.size <= pending.buffer.size(), "no more is taken than was offered");
        require(!operation.outcome.ok() || operation.size == pending.buffer.size(),
                "a write that succeeds has taken all");
        if (operation.size < pending.buffer.size()) here.exact = false;
        received_[pending.side].taken += operation.size;
        return;
      default:
        return;
    }
  }

  // By `side`, of what the other wrote.
  void receive(std::size_t side, std::span<const std::byte> bytes) {
    Direction& direction = received_[1 - side];
    const Side& writer = sides_[1 - side];
    for (const std::byte byte : bytes) {
      if (writer.exact) require(byte == byte_at(direction.received), "bytes arrive in their order");
      ++direction.received;
    }
    require(direction.received <= direction.offered, "nothing arrives that was not written");
  }

  void cancel(std::uint8_t which) {
    if (all_.empty()) return;
    all_[which % all_.size()]->operation->cancel();
  }

  Ref<transport::Runtime> runtime_;
  std::array<Side, 2> sides_;
  std::array<Direction, 2> received_;  // by the side that writes
  std::vector<std::shared_ptr<Pending>> all_;
  bool reset_ = false;
  bool inside_ = false;
};

}  // namespace sally::test
