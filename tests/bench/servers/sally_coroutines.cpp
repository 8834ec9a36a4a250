// Sallyport through its C++ wrappers: a coroutine a connection.
#include "program.h"

#include <algorithm>
#include <array>
#include <span>
#include <unistd.h>
#include <vector>

#include <sallyport/sallyport.hpp>

namespace bench {

namespace {

using Bytes = std::span<std::byte>;

sally::Task<> answer(sally::StreamSocket& peer) {
  static const std::array<std::byte, 1> yes{std::byte{'y'}};
  co_await peer.async_write(std::span(yes));
}

sally::Task<> echo(sally::StreamSocket& peer, Bytes buffer) {
  while (const std::size_t size = co_await peer.async_read_some(buffer))
    co_await peer.async_write(buffer.first(size));
}

sally::Task<> take(sally::StreamSocket& peer, Bytes buffer, std::uint64_t count) {
  while (count > 0) {
    const std::size_t size = co_await peer.async_read_some(buffer);
    if (size == 0) co_return;
    count -= std::min<std::uint64_t>(count, size);
  }
  co_await answer(peer);
}

sally::Task<> give(sally::StreamSocket& peer, Bytes buffer, std::uint64_t count) {
  while (count > 0) {
    const std::size_t size = std::min<std::uint64_t>(buffer.size(), count);
    co_await peer.async_write(buffer.first(size));
    count -= size;
  }
}

// A write each; they share records and system calls because each says that more follow.
sally::Task<> give_messages(sally::StreamSocket& peer, Bytes message, std::uint64_t count) {
  for (; count > 0; --count) {
    Bytes rest = message;
    while (rest = rest.subspan(peer.try_write(rest, sally::more)), !rest.empty())
      co_await peer.async_wait(SALLY_DIRECTION_WRITE);
  }
}

// Many in one write.
sally::Task<> give_batches(sally::StreamSocket& peer, Bytes messages, std::size_t size,
                           std::uint64_t count) {
  while (count > 0) {
    const std::size_t now = std::min<std::uint64_t>(Command::batch, count);
    for (std::size_t at = 0; at < now * size;) {
      std::vector<sally::ConstBuffer> pieces;
      for (std::size_t next = at; next < now * size;) {
        const std::size_t length = size - next % size;
        pieces.push_back(messages.subspan(next, length));
        next += length;
      }
      at += peer.try_writev(pieces, sally::more);
      if (at < now * size) co_await peer.async_wait(SALLY_DIRECTION_WRITE);
    }
    count -= now;
  }
}

sally::Task<> serve(sally::StreamSocket peer) {
  std::array<std::byte, Command::size_on_wire> header;
  std::vector<std::byte> buffer;
  for (;;) {
    const auto got = co_await peer.async_read_exactly(header).as_result();
    if (!got) co_return;
    const Command command = Command::parse(header.data());
    if (command.work == Work::idle) {
      co_await answer(peer);
      continue;
    }
    if (buffer.empty()) buffer.resize(Command::buffer_size);
    const Bytes part = std::span(buffer).first(command.size);
    if (command.work == Work::echo) co_await echo(peer, buffer);
    if (command.work == Work::upload) co_await take(peer, buffer, command.count);
    if (command.work == Work::download) co_await give(peer, part, command.count);
    if (command.work == Work::stream) co_await give_messages(peer, part, command.count);
    if (command.work == Work::batches)
      co_await give_batches(peer, buffer, command.size, command.count);
  }
}

sally::Task<> accept(sally::StreamListener& listener) {
  for (;;) {
    auto peer = co_await listener.async_accept().as_result();
    if (peer) sally::spawn(serve(peer.value()), [](std::exception_ptr) {});
  }
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  const auto tls = sally::TlsConfig::server()
                       .credential(sally::Credential::from_files(options.file("server.pem"),
                                                                 options.file("server.key")))
                       .trust(sally::TrustStore::from_file(options.file("ca.pem")))
                       .client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  auto listener = sally::StreamListener::bind({.host = "127.0.0.1",
                                               .service = "0",
                                               .tls = tls,
                                               .max_unaccepted = 4096,
                                               .runtime = sally::Runtime::threads(options.loops)});
  for (unsigned i = 0; i < options.loops; ++i) sally::spawn(bench::accept(listener));
  bench::announce(listener.port());
  for (;;) ::pause();
}
