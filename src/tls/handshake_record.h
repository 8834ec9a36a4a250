// What a session's callbacks saw, kept for its facts and its errors.
#pragma once

#include "status/error.h"
#include "status/ref.h"
#include "tls/hello_facts.h"
#include "tls/openssl_types.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sally::tls {

class Config;
class Inquiry;
class Tracer;

// The name that the peer's certificate must bear; empty for clients of a server, who have none.
struct PeerName {
  std::string text{};
  bool is_ip = false;
  bool is_email = false;
};

struct GoodChain;

struct HandshakeRecord {
  PeerName peer_name;
  std::optional<std::string>
      server_name;          // server: as the client asked for it, once its hello came
  Ref<Config> host;         // server: which is to serve this client from now on
  bool host_found = false;  // server: and does
  int alert_received = -1;  // the fatal one
  int alert_sent = -1;
  bool canceled = false;  // the peer said so, by an alert that is not fatal: the end is to follow
  bool renegotiation_refused = false;  // and nothing was read since
  bool certificate_requested = false;  // client: the server asked for one; server: after that
  bool certificate_sent = false;       // client: and got one
  bool certificate_shown = false;      // by this side, whichever it is
  HelloFacts hellos;
  std::vector<std::string> acceptable_cas;  // client: as the server named them, the first few
  std::vector<std::string> passed_over;     // this side's credentials that did not fit, and why
  bool peer_verified = false;
  std::uint64_t judgements = 0;  // how often a peer's certificate was judged
  bool session_came = false;     // client: the server gave it one
  // The peer's chain where it was found good, now or when a session was about to be resumed.
  std::shared_ptr<const GoodChain> good;
  ErrorRef verdict;            // why the peer's certificate was refused
  ErrorRef findings;           // what was found of one that was let in against the verdict
  Inquiry* inquiry = nullptr;  // where the program decides, while the handshake lasts
  Tracer* trace = nullptr;     // whom it is told to, where there is anybody
};

}  // namespace sally::tls
