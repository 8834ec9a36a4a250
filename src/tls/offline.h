// The judgement of a connection without one.
#pragma once

#include "status/error.h"
#include "status/live_count.h"
#include "tls/certificate.h"
#include "tls/handshake_record.h"
#include "tls/trust_store.h"
#include "tls/verifier.h"

#include <string>
#include <string_view>
#include <vector>

#include <sallyport/library.h>

namespace sally::tls {

struct OfflineQuestion {
  Ref<TrustStore> trust;  // null: the system's roots
  // PEM or DER; what follows the first certificate of `leaf` are intermediates too.
  std::string_view leaf{};
  std::string_view intermediates{};
  Purpose purpose = Purpose::any;
  PeerName name{};
  VerificationRules rules{};
};

struct OfflineVerdict {
  ErrorRef error;  // never null; of status SALLY_OK where the chain is accepted
  std::vector<Ref<sally_certificate>> chain{};
  bool pin_matched = false;
  std::string json{};
};

// Throws Failure where something does not decode, or there is no certificate.
OfflineVerdict judge_offline(const OfflineQuestion& question);

}  // namespace sally::tls

// Plain data, so a forked child may go on reading it.
struct sally_verdict final : sally::RefCounted<sally_verdict>,
                             sally::LiveCount<SALLY_HANDLE_VERDICT> {
  explicit sally_verdict(sally::tls::OfflineVerdict content) : data(std::move(content)) {}
  const sally::tls::OfflineVerdict data;
};
