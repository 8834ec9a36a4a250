#include "serve_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece = 16384;  // a TLS record

// Of source: what comes out at the other end can be told from nothing.
std::array<char, piece> pattern() {
  std::array<char, piece> text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = i % 64 == 63 ? '\n' : static_cast<char>('!' + i % 64);
  }
  return text;
}

}  // namespace

Server::Server(sally::StreamListener listener, Mode mode, std::uint64_t bytes, ServeEvents& events)
    : listener_(std::move(listener)), mode_(mode), bytes_(bytes), events_(events) {}

void Server::start() {
  // Their only end is that of the listener.
  launch(accept_all(), [](std::exception_ptr) {});
  launch(tell_refusals(), [](std::exception_ptr) {});
}

void Server::stop() {
  stop_.request_stop();
  static_cast<void>(listener_.try_drain(2s));
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

template <class OnEnd>
void Server::launch(sally::Task<> task, OnEnd on_end) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  sally::spawn(std::move(task), [this, on_end](std::exception_ptr why) {
    on_end(std::move(why));
    const std::lock_guard lock(mutex_);
    --running_;
    idle_.notify_all();
  });
}

sally::Task<> Server::accept_all() {
  while (true) {
    auto peer = co_await listener_.async_accept().cancel_on(stop_.get_token());
    const sally::StreamInfo info = peer.info();
    events_.accepted(info);
    auto served = std::make_shared<Served>();
    served->peer = info.peer_address();
    served->correlation_id = info.correlation_id();
    launch(serve(std::move(peer), served),
           [this, served](std::exception_ptr why) { closed(*served, why); });
  }
}

sally::Task<> Server::tell_refusals() {
  while (true) events_.refused(co_await listener_.async_next_refusal());
}

sally::Task<> Server::serve(sally::StreamSocket peer, std::shared_ptr<Served> served) {
  if (mode_ == Mode::source) {
    co_await send(peer, *served);
  } else {
    co_await echo(peer, *served);
  }
  co_await peer.async_close().cancel_on(stop_.get_token());
}

// Until the client has ended its direction. A sink is an echo that says nothing.
sally::Task<> Server::echo(sally::StreamSocket& peer, Served& served) {
  std::array<char, piece> buffer;
  while (true) {
    const std::size_t size = co_await peer.async_read_some(buffer).cancel_on(stop_.get_token());
    if (size == 0) co_return;
    served.bytes_read += size;
    if (mode_ == Mode::sink) continue;
    served.bytes_written +=
        co_await peer.async_write(std::span(buffer).first(size)).cancel_on(stop_.get_token());
  }
}

sally::Task<> Server::send(sally::StreamSocket& peer, Served& served) {
  static const std::array<char, piece> text = pattern();
  while (bytes_ == 0 || served.bytes_written < bytes_) {
    const std::uint64_t left = bytes_ == 0 ? piece : bytes_ - served.bytes_written;
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece));
    served.bytes_written +=
        co_await peer.async_write(std::span(text).first(size)).cancel_on(stop_.get_token());
  }
}

void Server::closed(const Served& served, const std::exception_ptr& why) {
  std::optional<sally::Error> error;
  try {
    if (why) std::rethrow_exception(why);
  } catch (const sally::Error& failure) {
    error = failure;
  }
  events_.closed(served, error);
}
