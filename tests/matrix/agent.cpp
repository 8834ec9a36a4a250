// agent: one end of the language matrix in C++, on the wrappers of the C ABI. What it does and prints is in README.md.
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sallyport/sallyport.hpp>

namespace {

using namespace std::chrono_literals;

constexpr unsigned most_seconds = 60;

struct Agent {
  std::filesystem::path zoo;
  std::string mode;
  std::string port;

  void serve() const;
  void connect() const;

 private:
  std::size_t size() const { return mode == "echo" ? std::size_t{1} << 20 : 64; }
  sally::TlsConfig with(sally::TlsConfig tls, const std::string& name) const;
  void echo_back(sally::StreamSocket socket) const;
  void echo(sally::StreamSocket& socket) const;
  void give_up_reading(sally::StreamSocket& socket) const;
  void expect_refusal(const sally::TlsConfig& tls) const;
  sally::StreamSocket dial(const sally::TlsConfig& tls) const {
    return sally::StreamSocket::connect(
        {.host = "127.0.0.1", .service = port, .tls = tls, .verify_name = "localhost"});
  }
};

template <class What>
void say(const char* word, const What& what) {
  std::cout << word << ' ' << what << std::endl;
}

sally::TlsConfig Agent::with(sally::TlsConfig tls, const std::string& name) const {
  return tls.credential(sally::Credential::from_files(zoo / (name + ".pem"), zoo / (name + ".key")))
      .trust(sally::TrustStore::from_file(zoo / "ca-root.pem"));
}

void Agent::serve() const {
  sally::TlsConfig tls = with(sally::TlsConfig::server(), "server-good");
  tls.client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  // A client that knew whom the server trusts would keep another certificate to itself.
  if (mode == "refused") tls.ca_hints(SALLY_CA_HINTS_NONE);
  std::jthread late;
  sally::ListenerOptions options{.host = "127.0.0.1", .service = "0", .tls = tls};
  if (mode == "late") {
    tls.questions(SALLY_QUESTION_PEER);
    options.decisions = sally::Decider([&late](sally::Decision decision) {
      late = std::jthread([decision = std::move(decision)] {
        std::this_thread::sleep_for(200ms);
        decision.accept();
      });
    });
  }
  sally::StreamListener listener = sally::StreamListener::bind(options);
  say("port", listener.port());
  if (mode == "refused") {
    say("status", listener.next_refusal().reason.name());
  } else {
    echo_back(listener.accept());
  }
}

void Agent::echo_back(sally::StreamSocket socket) const {
  std::vector<std::byte> buffer(1 << 16);
  std::size_t total = 0;
  while (const std::size_t came = socket.read_some(buffer)) {
    socket.write(std::span(buffer).first(came));
    total += came;
  }
  socket.close();
  if (total != size()) throw std::runtime_error("another number of bytes came");
  say("ok", total);
}

// The server echoes while this side still sends, so each direction has a thread.
void Agent::echo(sally::StreamSocket& socket) const {
  std::vector<std::byte> sent(size());
  std::vector<std::byte> came(size());
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i * 7);
  std::exception_ptr failure;
  std::jthread writer([&] {
    try {
      socket.write(sent);
      socket.shutdown();
    } catch (...) {
      failure = std::current_exception();
      socket.cancel();
    }
  });
  socket.read_exactly(came);
  std::array<std::byte, 1> more{};
  if (socket.read_some(more) != 0) throw std::runtime_error("more came back than was sent");
  writer.join();
  if (failure) std::rethrow_exception(failure);
  if (came != sent) throw std::runtime_error("other bytes came back");
  say("ok", sent.size());
}

void Agent::give_up_reading(sally::StreamSocket& socket) const {
  std::array<std::byte, 1> buffer{};
  try {
    if (mode == "deadline") {
      static_cast<void>(socket.read_some(buffer, 50ms));
    } else {
      // A cancel ends what is pending, so one that comes too early has to be said again.
      const std::jthread canceler([&socket](const std::stop_token& over) {
        while (!over.stop_requested()) {
          std::this_thread::sleep_for(20ms);
          socket.cancel(SALLY_DIRECTION_READ);
        }
      });
      static_cast<void>(socket.read_some(buffer));
    }
  } catch (const sally::Error& error) {
    return say("status", error.name());
  }
  throw std::runtime_error("a read ended that nothing answers");
}

void Agent::expect_refusal(const sally::TlsConfig& tls) const {
  try {
    sally::StreamSocket socket = dial(tls);
    std::array<std::byte, 1> buffer{};
    static_cast<void>(socket.read_some(buffer));  // in TLS 1.3 this tells
  } catch (const sally::Error& error) {
    return say("status", error.name());
  }
  throw std::runtime_error("nobody was refused");
}

void Agent::connect() const {
  const bool refused = mode == "refused";
  const sally::TlsConfig tls =
      with(sally::TlsConfig::client(), refused ? "client-unknown-ca" : "client-good");
  if (refused) return expect_refusal(tls);
  sally::StreamSocket socket = dial(tls);
  if (mode == "cancel" || mode == "deadline") give_up_reading(socket);
  echo(socket);
  socket.close();
}

}  // namespace

int main(int argc, char** argv) {
  ::alarm(most_seconds);
  try {
    std::map<std::string, std::string> options;
    for (int i = 2; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
    const std::filesystem::path folder = options.at("--dir");
    const Agent agent{.zoo = is_directory(folder / "zoo") ? folder / "zoo" : folder,
                      .mode = options.at("--mode"),
                      .port = options["--port"]};
    std::string(argv[1]) == "server" ? agent.serve() : agent.connect();
  } catch (const std::exception& error) {
    say("error", error.what());
    return 1;
  }
}
