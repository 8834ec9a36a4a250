// Sallyport through its C++ wrappers: a coroutine a connection.
#include "crowd.h"

#include <sallyport/sallyport.hpp>

namespace bench {

namespace {

sally::TlsConfig make_config(const Options& options, bool resumes) {
  return sally::TlsConfig::client()
      .credential(
          sally::Credential::from_files(options.file("client.pem"), options.file("client.key")))
      .trust(sally::TrustStore::from_file(options.file("ca.pem")))
      .resumption(resumes);
}

struct World {
  explicit World(const Options& options)
      : full{.host = "127.0.0.1",
             .service = std::to_string(options.port),
             .tls = make_config(options, false),
             .verify_name = "localhost",
             .runtime = sally::Runtime::threads(1)},
        resuming(full) {
    resuming.tls = make_config(options, true);
  }
  void wait(Plan& plan) { plan.wait(); }

  sally::StreamOptions full, resuming;
};

class Peer {
 public:
  Peer(World& world, bool strict) : world_(world), talk_(strict) {}

  void start(Plan& plan) { run(begin(plan), plan); }
  void go_on(Plan& plan) { run(talk(plan), plan); }

 private:
  void run(sally::Task<> task, Plan& plan) {
    sally::spawn(std::move(task), [this, &plan](std::exception_ptr why) {
      try {
        if (why) std::rethrow_exception(why);
      } catch (const std::exception& error) {
        fail(error.what());
      }
      plan.done(*this);
    });
  }

  sally::Task<> begin(Plan& plan) {
    socket_.emplace(sally::StreamSocket::create(plan.resume ? world_.resuming : world_.full));
    co_await socket_->async_connect();
    if (plan.kind == Plan::Kind::handshakes)
      co_await socket_->async_close();
    else
      co_await talk(plan);
  }

  sally::Task<> talk(Plan& plan) {
    talk_.begin(plan.job);
    if (plan.job.at_once) {
      std::vector<sally::ConstBuffer> pieces;
      for (Bytes piece; !(piece = talk_.next()).empty();) pieces.push_back(std::as_bytes(piece));
      co_await socket_->async_writev(pieces);
    } else {
      for (Bytes piece; !(piece = talk_.next()).empty();)
        co_await socket_->async_write(std::as_bytes(piece));
    }
    if (plan.job.needs_buffer() && buffer_.empty()) buffer_.resize(Command::buffer_size);
    const auto buffer = buffer_.empty() ? std::span(&answer_, 1) : std::span(buffer_);
    std::size_t size = 0;
    do {
      size = co_await socket_->async_read_some(buffer);
    } while (!talk_.received(reinterpret_cast<const unsigned char*>(buffer.data()), size));
  }

  World& world_;
  Talk talk_;
  std::optional<sally::StreamSocket> socket_;
  std::byte answer_{};
  std::vector<std::byte> buffer_;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::World world(options);
  return bench::Crowd<bench::Peer, bench::World>(world, options).obey_all();
}
