// Sallyport without its C ABI: what that costs is the difference. Completions are told to
// functions.
#include "abi/handles.h"
#include "sally_c.h"
#include "socket/listener.h"
#include "socket/stream.h"
#include "transport/runtime.h"

#include <span>
#include <unistd.h>

namespace bench {

namespace {

using sally::make_ref;
using sally::Ref;
using sally::socket::AsyncOperation;
using sally::socket::Completion;
using sally::socket::Patience;
using sally::socket::Request;
using sally::socket::Stream;
using sally::socket::StreamOperation;
using sally::socket::Verb;

class InsideSocket {
 public:
  using Waiter = Session<InsideSocket>;
  using Piece = sally::socket::Piece;
  static Piece piece(const void* data, std::size_t size) {
    return {static_cast<const std::byte*>(data), size};
  }

  explicit InsideSocket(Ref<Stream> stream) : stream_(std::move(stream)) {}
  InsideSocket(const InsideSocket&) = delete;
  InsideSocket& operator=(const InsideSocket&) = delete;
  ~InsideSocket() { stream_->abandon(); }

  void read_some(void* buffer, std::size_t size, Waiter* waiter) {
    submit({.verb = Verb::read_some, .into = {static_cast<std::byte*>(buffer), size}}, waiter);
  }
  void read_exactly(void* buffer, std::size_t size, Waiter* waiter) {
    submit({.verb = Verb::read_exactly, .into = {static_cast<std::byte*>(buffer), size}}, waiter);
  }
  void write(const void* data, std::size_t size, Waiter* waiter) {
    submit({.verb = Verb::write, .data = {static_cast<const std::byte*>(data), size}}, waiter);
  }
  void wait_writable(Waiter* waiter) {
    submit({.verb = Verb::wait, .interest = sally::transport::Interest::write}, waiter);
  }
  std::size_t try_write_more(const void* data, std::size_t size) {
    std::size_t taken = 0;
    static_cast<void>(stream_->run(
        {.verb = Verb::write, .data = {static_cast<const std::byte*>(data), size}, .more = true},
        Patience::none(), taken));
    return taken;
  }

  std::size_t try_writev_more(const Piece* pieces, std::size_t count) {
    std::size_t taken = 0;
    static_cast<void>(
        stream_->run({.verb = Verb::write, .pieces = {pieces, pieces + count}, .more = true},
                     Patience::none(), taken));
    return taken;
  }

 private:
  void submit(Request request, Waiter* waiter) {
    auto operation = make_ref<StreamOperation>(
        stream_, std::move(request), sally::transport::never,
        Completion{
            .tell =
                [](const Completion& self, AsyncOperation& done) {
                  static_cast<Waiter*>(self.context)->completed(done.outcome.status, done.size);
                },
            .context = waiter});
    operation->reserve();
    stream_->submit(std::move(operation));
  }

  const Ref<Stream> stream_;
};

using sally::socket::Listener;
using sally::socket::ListenerOperation;
using sally::socket::ListenerVerb;

void accept_next(Listener& listener) {
  auto operation = make_ref<ListenerOperation>(
      Ref<Listener>::share(&listener), ListenerVerb::accept, sally::transport::never,
      sally::socket::told([&listener](AsyncOperation& done) {
        if (done.outcome.ok()) new Session<InsideSocket>(std::move(done.accepted));
        accept_next(listener);
      }));
  operation->reserve();
  listener.submit(std::move(operation));
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  sally_tls_config* config = bench::make_config(options);
  static_cast<void>(config->object->freeze());
  const auto listener =
      bench::Listener::bind({.host = "127.0.0.1",
                             .service = "0",
                             .config = config->object,
                             .limits = {.handshake_timeout_ms = 10000,
                                        .pending_handshakes = 4096,
                                        .unaccepted = 4096,
                                        .refusals = 64},
                             .runtime = sally::transport::Runtime::with_threads(options.loops)});
  for (unsigned i = 0; i < options.loops; ++i) bench::accept_next(*listener);
  bench::announce(listener->port());
  for (;;) ::pause();
}
