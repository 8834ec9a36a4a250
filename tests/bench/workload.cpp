#include "bench/workload.h"

#include <array>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace sally::bench {

namespace {

constexpr std::size_t message_size = 64;
constexpr std::size_t block_size = 1 << 20;
constexpr std::size_t read_size = 1 << 16;
constexpr std::byte go_on{'c'};
constexpr std::byte is_over{'q'};

void tell(std::uint64_t number) {
  if (::send(control_descriptor, &number, sizeof number, 0) != sizeof number)
    throw std::runtime_error("nobody listens");
}

// False at the end.
bool ask(std::uint64_t& number) {
  return ::recv(control_descriptor, &number, sizeof number, MSG_WAITALL) == sizeof number;
}

// False where the peer closed.
bool read_exactly(Connection& connection, std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const std::size_t size = connection.read_some(buffer);
    if (size == 0) return false;
    buffer = buffer.subspan(size);
  }
  return true;
}

void require(bool good) {
  if (!good) throw std::runtime_error("the peer closed");
}

void serve_echo(Connection& connection) {
  std::array<std::byte, message_size> message;
  while (read_exactly(connection, message)) connection.write(message);
}

// Each batch says how long it is, and is acknowledged by one byte.
void serve_stream(Connection& connection) {
  std::vector<std::byte> buffer(read_size);
  std::array<std::byte, sizeof(std::uint64_t)> announced;
  while (read_exactly(connection, announced)) {
    std::uint64_t left = 0;
    std::memcpy(&left, announced.data(), sizeof left);
    while (left > 0) {
      const std::size_t size = connection.read_some(buffer);
      require(size > 0);
      left -= size;
    }
    connection.write({&go_on, 1});
  }
}

std::byte answer_byte(Connection& connection) {
  std::byte said{};
  require(read_exactly(connection, {&said, 1}));
  connection.write({&said, 1});
  return said;
}

void expect_end(Connection& connection) {
  std::byte byte{};
  require(connection.read_some({&byte, 1}) == 0);
  connection.close();
}

void exchange_byte(Connection& connection, std::byte said) {
  connection.write({&said, 1});
  std::byte heard{};
  require(read_exactly(connection, {&heard, 1}));
}

void call_echo(Connection& connection, std::uint64_t count) {
  std::array<std::byte, message_size> message{};
  for (; count > 0; --count) {
    connection.write(message);
    require(read_exactly(connection, message));
  }
}

void call_stream(Connection& connection, std::uint64_t count) {
  static const std::vector<std::byte> block(block_size);
  const std::uint64_t total = count * block_size;
  connection.write(std::as_bytes(std::span(&total, 1)));
  for (; count > 0; --count) connection.write(block);
  std::byte heard{};
  require(read_exactly(connection, {&heard, 1}));
}

}  // namespace

void serve(Contender& contender, Workload workload) {
  tell(contender.listen());
  if (workload == Workload::echo || workload == Workload::stream) {
    const auto connection = contender.accept();
    workload == Workload::echo ? serve_echo(*connection) : serve_stream(*connection);
    return connection->close();
  }
  std::vector<std::unique_ptr<Connection>> idle;
  while (true) {
    auto connection = contender.accept();
    const bool over = answer_byte(*connection) == is_over;
    if (workload == Workload::handshake || over) {
      expect_end(*connection);
    } else {
      connection->park();
      idle.push_back(std::move(connection));
    }
    if (over) return ::_exit(0);  // what is idle goes as it is
  }
}

void call(Contender& contender, Workload workload, std::uint16_t port) {
  std::uint64_t count = 0;
  if (workload == Workload::echo || workload == Workload::stream) {
    const auto connection = contender.connect(port);
    while (ask(count)) {
      workload == Workload::echo ? call_echo(*connection, count) : call_stream(*connection, count);
      tell(count);
    }
    return connection->close();
  }
  std::vector<std::unique_ptr<Connection>> idle;
  while (ask(count)) {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto connection = contender.connect(port);
      exchange_byte(*connection, go_on);
      if (workload == Workload::handshake) {
        connection->close();
      } else {
        connection->park();
        idle.push_back(std::move(connection));
      }
    }
    tell(count);
  }
  const auto last = contender.connect(port);
  exchange_byte(*last, is_over);
  last->close();
  ::_exit(0);
}

}  // namespace sally::bench
