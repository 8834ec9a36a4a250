// doctor_handshake.h: handshakes by the library, of which every part is kept.
#pragma once

#include "doctor_examination.h"

#include <chrono>
#include <cstdint>
#include <string>

struct HandshakePlan {
  std::string what{};
  std::int32_t version = 0;       // this one only, a SALLY_TLS_*; 0: any
  bool with_certificate = false;  // shows it; not to be combined with is_lenient
  // Takes the server for what it says, whatever is wrong with its certificate: nothing is entrusted
  // to it.
  bool is_lenient = false;
  // Waits until the server has accepted the certificate, or the lack of one. From a server that is
  // taken for what it says there is no proof of that: there, a refusal is waited for, for a while.
  bool awaits_opinion = false;
  bool is_nameless = false;  // without SNI
};

// `began` is when the examination did.
Handshake shake_hands(const Examination& examination, const HandshakePlan& plan,
                      std::chrono::steady_clock::time_point began);

// How the library is told to make it, but for the questions.
sally::StreamOptions options_of(const Examination& examination, const HandshakePlan& plan);

// Connects as they say, and as --starttls does. Throws sally::Error, and std::runtime_error where the
// server does not agree to begin with TLS.
sally::StreamSocket connect(const Examination& examination, const sally::StreamOptions& options);

// Whether the server, which has accepted this side before, resumes a session.
Resumption try_resumption(const Examination& examination);
