// What a session's callbacks saw, kept for its facts and its errors.
#pragma once

#include "status/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sally::tls {

class Inquiry;

// The name that the peer's certificate must bear; empty for clients of a server, who have none.
struct PeerName {
  std::string text;
  bool is_ip = false;
};

struct HandshakeRecord {
  PeerName peer_name;
  int alert_received = -1;  // the fatal one
  int alert_sent = -1;
  bool certificate_requested = false;       // client: the server asked for one
  bool certificate_sent = false;            // client: and got one
  std::vector<std::string> acceptable_cas;  // client: as the server named them, the first few
  bool peer_verified = false;
  ErrorRef verdict;            // why the peer's certificate was refused
  Inquiry* inquiry = nullptr;  // where the program decides, while the handshake lasts
};

}  // namespace sally::tls
