// A refusal that arrives while the event loop is busy with the program's own functions.
#include "lib/async.h"

#include <array>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <utility>

using namespace sally::test;

namespace {

// A client that shows no certificate, all of it within one turn of its loop: it writes, waits until the
// server has refused it and gone, and writes until that fails.
class Refused {
 public:
  Refused() {
    sally_stream_options options{};
    options.struct_size = sizeof options;
    const std::string service = listener_.service();
    options.host = "127.0.0.1";
    options.verify_name = "localhost";
    options.service = service.c_str();
    options.tls = stranger_.get();
    options.runtime = runtime_.get();
    EXPECT_EQ(sally_stream_create(&options, Out(stream_), nullptr), SALLY_OK);
  }

  Event last_write() {
    const sally_completion completion = on_loop(&Refused::connected);
    EXPECT_EQ(sally_stream_connect_async(stream_.get(), generous_ms, &completion, nullptr, nullptr),
              SALLY_OK);
    Event event = failed_.get_future().get();
    read_.get_future().wait();
    return event;
  }

 private:
  using Step = void (Refused::*)(sally_event&);
  struct Next {
    Refused& self;
    Step step;
  };
  sally_completion on_loop(Step step) {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.user = new Next{*this, step};
    completion.function = [](void* user, sally_event* event) {
      const Next& next = *static_cast<Next*>(user);
      (next.self.*next.step)(*event);
    };
    completion.free_user = [](void* user) { delete static_cast<Next*>(user); };
    return completion;
  }

  void connected(sally_event& event) {
    ASSERT_EQ(event.status, SALLY_OK);
    const sally_completion completion = on_loop(&Refused::read);
    ASSERT_EQ(sally_stream_read_some_async(stream_.get(), byte_.data(), byte_.size(), 0,
                                           &completion, nullptr, nullptr),
              SALLY_OK);
    write(&Refused::written);
  }
  // The listener lets nobody else in before it has done with this one.
  void written(sally_event& event) {
    EXPECT_EQ(event.status, SALLY_OK);
    Stream other = listener_.stream(welcome_.get());
    EXPECT_EQ(other.connect(), SALLY_OK);
    write(&Refused::written_again);
  }
  void written_again(sally_event& event) {
    if (event.status == SALLY_OK) return write(&Refused::written_again);
    failed_.set_value(Event(std::exchange(event, {})));
  }
  void read(sally_event& event) {
    EXPECT_EQ(event.status, SALLY_ALERT_CERTIFICATE_REQUIRED);
    read_.set_value();
  }

  void write(Step then) {
    const sally_completion completion = on_loop(then);
    ASSERT_EQ(sally_stream_write_async(stream_.get(), "x", 1, 0, generous_ms, &completion, nullptr,
                                       nullptr),
              SALLY_OK);
  }

  static sally_listener_options one_at_a_time() {
    sally_listener_options options{};
    options.max_connections = 1;
    return options;
  }

  Listener listener_{server_config(), one_at_a_time()};
  Owned<sally_tls_config> stranger_ = client_config({});
  Owned<sally_tls_config> welcome_ = client_config();
  Owned<sally_runtime> runtime_ = make_runtime(0, 1);
  Owned<sally_stream> stream_;
  std::array<char, 16> byte_{};
  std::promise<Event> failed_;
  std::promise<void> read_;
};

}  // namespace

TEST(RefusalOnALoop, IsNamedByTheWriteThatFailsBeforeTheLoopHasLooked) {
  Refused client;
  const Event event = client.last_write();
  EXPECT_EQ(event->status, SALLY_ALERT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(sally_error_status(event->error), SALLY_ALERT_CERTIFICATE_REQUIRED);
}
