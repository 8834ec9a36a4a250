// serve_server.h: serves any number of clients at once, each by a coroutine.
#pragma once

#include "serve_events.h"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <stop_token>

#include <sallyport/sallyport.hpp>

enum class Mode { echo, sink, source };

class Server {
 public:
  // `bytes`: how many source sends to each client; 0: no end.
  Server(sally::StreamListener listener, Mode mode, std::uint64_t bytes, ServeEvents& events);

  void start();
  // Returns when the last client is gone; those who do not go are sent away after two seconds.
  void stop();

 private:
  sally::Task<> accept_all();
  sally::Task<> tell_refusals();
  sally::Task<> serve(sally::StreamSocket peer, std::shared_ptr<Served> served);
  sally::Task<> echo(sally::StreamSocket& peer, Served& served);
  sally::Task<> send(sally::StreamSocket& peer, Served& served);

  // Runs a coroutine that stop() waits for.
  template <class OnEnd>
  void launch(sally::Task<> task, OnEnd on_end);
  void closed(const Served& served, const std::exception_ptr& why);

  sally::StreamListener listener_;
  const Mode mode_;
  const std::uint64_t bytes_;
  ServeEvents& events_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
};
