// echo_server: sends back what its clients send, to those that show a certificate of the right CA.
//
// It shows how to accept streams and serve each on a thread of its own, how to learn of the clients
// that were turned away, and how to tell a proper end from a cut connection.
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <thread>

#include <sallyport/sallyport.hpp>

namespace {

struct Options : TlsOptions {
  std::string listen = "127.0.0.1:4433";
  std::int32_t client_auth = SALLY_CLIENT_AUTH_REQUIRE;
  std::uint64_t count = 0;  // 0: no end
};

std::string describe(const sally::StreamInfo& info) {
  std::ostringstream line;
  line << info.peer_address() << ' ' << info.version_name() << ' ' << info.suite() << ' '
       << or_dash(info.group()) << " alpn=" << or_dash(info.alpn())
       << " sni=" << or_dash(info.server_name()) << " client=";
  const auto certificate = info.peer_certificate();
  if (certificate) {
    line << '"' << certificate->subject() << '"';
  } else {
    line << '-';
  }
  line << " id=" << info.correlation_id();
  return line.str();
}

sally::TlsConfig make_tls(const Options& options) {
  // A config can be shared by any number of listeners and streams; what it refers to is loaded
  // once.
  auto tls = sally::TlsConfig::server()
                 .client_auth(options.client_auth)
                 .versions(options.min_version, options.max_version)
                 .credential(options.key.empty()
                                 ? sally::Credential::from_file(options.cert)
                                 : sally::Credential::from_files(options.cert, options.key));
  if (!options.ca.empty()) tls.trust(sally::TrustStore::from_file(options.ca));
  if (!options.alpn.empty()) tls.alpn(options.alpn);
  return tls;
}

class Server {
 public:
  explicit Server(const Options& options) : options_(options), listener_(bind(options)) {}

  void run() {
    say("listening on " + std::string(listener_.address()));
    std::jthread refusals([this] { until_closed([this] { report(listener_.next_refusal()); }); });
    until_closed([this] { take(listener_.accept()); });
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return serving_ == 0; });
  }

 private:
  static sally::StreamListener bind(const Options& options) {
    const Endpoint endpoint = split_endpoint(options.listen);
    return sally::StreamListener::bind(endpoint.host, endpoint.port, make_tls(options));
  }

  // Does it again and again. Closing the listener ends what waits for it, on any thread.
  template <class Step>
  void until_closed(Step step) {
    try {
      while (true) step();
    } catch (const sally::Error& error) {
      if (error.status() != SALLY_CLOSED) ::report(error, options_.json);
    }
    listener_.close();
  }

  // False when the last client that may be counted was counted before.
  bool count_client() {
    const std::lock_guard lock(mutex_);
    if (options_.count != 0 && counted_ == options_.count) return false;
    if (++counted_ == options_.count) listener_.close();
    return true;
  }

  void take(sally::StreamSocket socket) {
    if (!count_client()) return;
    const std::lock_guard lock(mutex_);
    std::thread([this, socket = std::move(socket)]() mutable {
      serve(std::move(socket));
      const std::lock_guard done(mutex_);
      --serving_;
      idle_.notify_all();
    }).detach();
    ++serving_;
  }

  void serve(sally::StreamSocket socket) {
    const sally::StreamInfo info = socket.info();
    say("accepted " + describe(info));

    std::uint64_t total = 0;
    std::array<std::byte, 16384> buffer;
    std::optional<sally::Error> failure;
    try {
      // 0 is the peer's own word that it has sent everything. A connection that is cut off throws
      // SALLY_TRUNCATED instead.
      while (const std::size_t size = socket.read_some(buffer)) {
        total += size;
        socket.write(std::span(buffer).first(size));
      }
      socket.close();
    } catch (const sally::Error& error) {
      failure = error;
    }
    const std::string_view status = failure ? failure->name() : "SALLY_END_OF_STREAM";
    std::string line =
        "closed " + std::string(info.peer_address()) + ' ' + std::to_string(total) + " bytes: ";
    line += status;
    if (failure && options_.json) line.append("\n").append(failure->json());
    say(line);
  }

  // The peer was told no more than an alert; the reason is for this side's log.
  void report(const sally::Refusal& refusal) {
    if (!count_client()) return;
    std::string line = "refused " + std::string(refusal.peer.text()) + ' ';
    line.append(refusal.reason.name()).append(": ").append(refusal.reason.message());
    if (!refusal.reason.hint().empty()) line.append("\n  hint: ").append(refusal.reason.hint());
    if (options_.json) line.append("\n").append(refusal.reason.json());
    say(line);
  }

  void say(const std::string& line) {
    const std::lock_guard lock(output_);
    std::cout << line << std::endl;
  }

  const Options& options_;
  sally::StreamListener listener_;
  std::mutex output_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::uint64_t counted_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Echoes what its clients send, over TLS with client certificates.");
  const std::map<std::string, std::int32_t> modes{{"none", SALLY_CLIENT_AUTH_NONE},
                                                  {"request", SALLY_CLIENT_AUTH_REQUEST},
                                                  {"require", SALLY_CLIENT_AUTH_REQUIRE}};
  add_options(app, options);
  app.get_option("--cert")->required();
  app.add_option("--listen", options.listen, "HOST:PORT; port 0 picks one")
      ->check(check_endpoint)
      ->capture_default_str();
  app.add_option("--client-auth", options.client_auth,
                 "whether clients need a certificate; default require")
      ->transform(CLI::CheckedTransformer(modes).description("{none,request,require}"));
  app.add_option("--count", options.count, "end after so many clients, accepted or refused");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  try {
    Server(options).run();
  } catch (const sally::Error& error) {
    report(error, options.json);
    return 1;
  }
}
