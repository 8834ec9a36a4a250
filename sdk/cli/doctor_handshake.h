// doctor_handshake.h: handshakes by the library, of which every part is kept.
#pragma once

#include "doctor_examination.h"

#include <chrono>
#include <cstdint>
#include <string>

struct HandshakePlan {
  std::string what{};
  std::int32_t version = 0;  // this one only, a SALLY_TLS_*; 0: any
  // Shows the certificate, and only to a server that has proved who it is. Otherwise a server is
  // taken for what it says: nothing is entrusted to it.
  bool with_certificate = false;
  bool confirmed =
      false;              // waits until the server has accepted the certificate, or the lack of one
  bool nameless = false;  // without SNI
};

// `began` is when the examination did.
Handshake shake_hands(const Examination& examination, const HandshakePlan& plan,
                      std::chrono::steady_clock::time_point began);

// Whether the server, which has accepted this side before, resumes a session.
Resumption try_resumption(const Examination& examination);
