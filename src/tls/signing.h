// Signatures within a handshake: the job that OpenSSL's call runs in is suspended until whoever has
// the private key has answered.
#pragma once

#include "tls/signer.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sally::tls {

struct HandshakeRecord;

// While it lives, what OpenSSL signs on this thread is for this handshake.
class SigningFor {
 public:
  explicit SigningFor(HandshakeRecord& record) noexcept;
  ~SigningFor();
  SigningFor(const SigningFor&) = delete;
  SigningFor& operator=(const SigningFor&) = delete;

 private:
  HandshakeRecord* const before_;
};

// Nothing: there is none, and the handshake's record says why.
std::optional<std::string> sign_in_handshake(std::shared_ptr<const RemoteKey> key,
                                             SignatureRequest request);

class Decision;

// On a thread that may be blocked. Throws Failure where there is no thread to be had.
void run_on_worker(std::function<void()> task);

// Has the decision answered by the signer, on a thread that may be blocked. Throws Failure where
// there is no thread to be had.
void sign_on_worker(Ref<Decision> decision, std::shared_ptr<Signer> signer);

}  // namespace sally::tls
