// Replaces a server's certificate and key, its trust, its CRL and its ticket keys in turn, over and
// over, while clients come 50 times a second, echo 64 KiB and go: none is dropped, no byte is lost, and whoever comes after a swap meets
// the new generation.
//
//   soak_rotations [--rotations 1000]
//
// The last line is "N passed, N failed".
#include "lib/folder.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"
#include "soak/support.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace sally::test;
using namespace sally::soak;

namespace {

constexpr std::chrono::milliseconds between_clients{20};
constexpr std::array identities = {"server-good", "server-good-ed25519", "server-good-rsa"};

std::string fingerprint_of(const char* identity) {
  const auto credential = Zoo::credential(identity);
  Owned<sally_certificate> certificate;
  require(called([&](sally_error** error) {
            return sally_credential_copy_certificate(credential.get(), Out(certificate), error);
          }),
          SALLY_OK, "certificate");
  return sally_certificate_fingerprint(certificate.get());
}

// What the server shows and whom it trusts, as files.
class Material {
 public:
  Material() {
    for (const char* identity : identities) fingerprints_.push_back(fingerprint_of(identity));
    put_identity(0);
    put_trust(false);
    put_crl(false);
    put_ticket_key(0);
    require(called([&](sally_error** error) {
              return sally_credential_load(folder_.path("tls.crt").c_str(),
                                           folder_.path("tls.key").c_str(), nullptr,
                                           Out(credential), error);
            }),
            SALLY_OK, "credential");
    require(called([&](sally_error** error) {
              return sally_trust_store_load(folder_.path("ca.pem").c_str(), Out(trust), error);
            }),
            SALLY_OK, "trust");
    require({sally_trust_store_add_crl(trust.get(), folder_.path("crl.pem").c_str(), nullptr)},
            SALLY_OK, "CRL");
    require({sally_ticket_keys_load(folder_.path("tickets").c_str(), Out(ticket_keys), nullptr)},
            SALLY_OK, "ticket keys");
  }

  void rotate_identity(std::uint64_t generation) {
    begun = generation;
    put_identity(generation);
    require(called([&](sally_error** error) {
              return sally_credential_reload(credential.get(), error);
            }),
            SALLY_OK, "reload of the credential");
    done = generation;
  }
  void rotate_trust(bool others_too) {
    put_trust(others_too);
    require(
        called([&](sally_error** error) { return sally_trust_store_reload(trust.get(), error); }),
        SALLY_OK, "reload of the trust store");
  }
  void rotate_crl(bool revokes) {
    put_crl(revokes);
    require({sally_trust_store_reload(trust.get(), nullptr)}, SALLY_OK, "reload of the CRL");
  }
  // The key before still decrypts.
  void rotate_ticket_keys(std::uint64_t generation) {
    put_ticket_key(generation);
    require({sally_ticket_keys_reload(ticket_keys.get(), nullptr)}, SALLY_OK,
            "reload of the ticket keys");
  }
  // Whether a generation from `first` to `last` shows this certificate.
  bool is_of(const std::string& fingerprint, std::uint64_t first, std::uint64_t last) const {
    for (std::uint64_t generation = first; generation <= last; ++generation) {
      if (fingerprints_[generation % identities.size()] == fingerprint) return true;
    }
    return false;
  }

  Owned<sally_credential> credential;
  Owned<sally_trust_store> trust;
  Owned<sally_ticket_keys> ticket_keys;
  std::atomic<std::uint64_t> begun = 0;  // generations of the identity
  std::atomic<std::uint64_t> done = 0;

 private:
  void put_identity(std::uint64_t generation) {
    const char* identity = identities[generation % identities.size()];
    folder_.replace("tls.crt", read_file(Zoo::chain_path(identity)));
    folder_.replace("tls.key", read_file(Zoo::key_path(identity)));
  }
  void put_trust(bool others_too) {
    std::string anchors = read_file(Zoo::ca_path("ca-root"));
    if (others_too) anchors += read_file(Zoo::ca_path("ca-other"));
    folder_.replace("ca.pem", anchors);
  }

  void put_crl(bool revokes) {
    folder_.replace("crl.pem", read_file(Zoo::crl_path(revokes ? "file-crl-revoking"
                                                               : "file-crl-none-revoked")));
  }
  void put_ticket_key(std::uint64_t generation) {
    const auto key = [](std::uint64_t number) {
      std::string bytes = std::to_string(number);
      bytes.resize(80, '.');
      return bytes;
    };
    folder_.replace("tickets", key(generation + 1) + key(generation));
  }

  Folder folder_;
  std::vector<std::string> fingerprints_;
};

struct Counts {
  std::atomic<int> echoed = 0;
  std::atomic<int> dropped = 0;
  std::atomic<int> damaged = 0;
  std::atomic<int> stale = 0;
  std::atomic<int> resumed = 0;
};

// Echoes until the listener closes.
void serve(Listener& listener) {
  for (;;) {
    Result result;
    Stream peer = listener.accept(SALLY_TIMEOUT_NEVER, &result);
    if (!result.ok()) return;
    std::string bytes;
    while (peer.read_some(bytes, 65536).ok()) peer.write(bytes);
    peer.close();
  }
}

void visit(Listener& listener, sally_tls_config* config, const Material& material, Counts& counts) {
  static const std::string message = pattern(65536);
  const std::uint64_t first = material.done;
  Stream client = listener.stream(config);
  const Result connected = client.connect();
  const std::uint64_t last = material.begun;
  if (!connected.ok() || !client.write(message).ok()) {
    ++counts.dropped;
    std::printf("dropped: %s\n", sally_error_json(connected.error.get()));
    return;
  }
  if (client.read_text(message.size()) != message) ++counts.damaged;
  const auto info = client.info();
  // A resumed session is known by the certificate that it began with: none is shown.
  const bool resumed = sally_stream_info_resumed(info.get()) == 1;
  if (resumed) ++counts.resumed;
  const std::string seen =
      sally_certificate_fingerprint(sally_stream_info_peer_certificate(info.get(), 0));
  if (!resumed && !material.is_of(seen, first, last)) ++counts.stale;
  ++counts.echoed;
  client.close();
}

// A client of the other CA, or one that may be revoked, finds out which trust is in force.
bool lets_in(Listener& listener, sally_tls_config* config) {
  Stream client = listener.stream(config);
  return client.connect().ok() && client.write("?").ok() && client.read_text(1) == "?";
}

int run(int rotations) {
  Material material;
  auto config =
      server_config({.credential = "", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  require({sally_tls_config_add_credential(config.get(), material.credential.get(), nullptr)},
          SALLY_OK, "config");
  require({sally_tls_config_set_trust(config.get(), material.trust.get(), nullptr)}, SALLY_OK,
          "config");
  require({sally_tls_config_set_ticket_keys(config.get(), material.ticket_keys.get(), nullptr)},
          SALLY_OK, "config");
  Listener listener(config);
  const auto good = client_config();
  const auto other = client_config({.credential = "client-other"});
  const auto revoked = client_config({.credential = "client-good-ed25519"});

  Counts counts;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { serve(listener); });
  threads.emplace_back([&] {
    auto next = std::chrono::steady_clock::now();
    while (!over) {
      visit(listener, good.get(), material, counts);
      std::this_thread::sleep_until(next += between_clients);
    }
  });

  const StopWatch watch;
  int wrong_trust = 0;
  std::uint64_t generation = 0;
  for (int i = 0; i < rotations; ++i) {
    const bool odd_turn = i / 4 % 2 == 1;
    switch (i % 4) {
      case 0:
        material.rotate_identity(++generation);
        break;
      case 1:
        material.rotate_trust(odd_turn);
        if (lets_in(listener, other.get()) != odd_turn) ++wrong_trust;
        break;
      case 2:
        material.rotate_crl(odd_turn);
        if (lets_in(listener, revoked.get()) == odd_turn) ++wrong_trust;
        break;
      default:
        material.rotate_ticket_keys(generation);
        std::this_thread::sleep_for(between_clients);
    }
  }
  over = true;
  threads.back().join();
  threads.pop_back();
  listener.close();
  for (std::thread& thread : threads) thread.join();

  std::printf("%d rotations, %d echoes of 64 KiB in %.1f s\n", rotations, counts.echoed.load(),
              static_cast<double>(watch.milliseconds()) / 1000);
  Verdict verdict;
  verdict.check(counts.echoed > 0, "connections echoed: " + std::to_string(counts.echoed));
  verdict.check(counts.dropped == 0, "connections dropped: " + std::to_string(counts.dropped));
  verdict.check(counts.damaged == 0, "echoes that differ: " + std::to_string(counts.damaged));
  verdict.check(counts.stale == 0,
                "connections that met an old certificate: " + std::to_string(counts.stale));
  constexpr int telling = 100;  // fewer may all have met a change of the trust
  verdict.check(counts.resumed > 0 || counts.echoed < telling,
                "sessions resumed: " + std::to_string(counts.resumed));
  verdict.check(wrong_trust == 0,
                "swaps after which the old trust or CRL ruled: " + std::to_string(wrong_trust));
  return verdict.conclude();
}

}  // namespace

int main(int argc, char** argv) {
  use_small_pages();
  int rotations = 1000;
  if (argc == 3 && std::strcmp(argv[1], "--rotations") == 0) rotations = std::atoi(argv[2]);
  if ((argc != 1 && argc != 3) || rotations < 1) {
    std::fprintf(stderr, "usage: soak_rotations [--rotations N]\n");
    return 2;
  }
  try {
    return run(rotations);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "soak_rotations: %s\n", failure.what());
    return EXIT_FAILURE;
  }
}
