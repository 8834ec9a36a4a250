// Settings turned into an SSL_CTX, every one of them made explicitly. Immutable, shared by any
// number of sessions.
#pragma once

#include "status/ref.h"
#include "tls/config.h"
#include "tls/openssl_types.h"

#include <string>
#include <utility>
#include <vector>

namespace sally::tls {

class Context : public RefCounted<Context> {
 public:
  // Throws Failure where the settings are not complete.
  explicit Context(Settings settings);

  const Settings& settings() const noexcept { return settings_; }
  bool is_server() const noexcept { return settings_.role == SALLY_ROLE_SERVER; }
  ssl_ctx_st* handle() const noexcept { return context_.get(); }
  // The protocols in the wire format of RFC 7301; "" without ALPN.
  const std::string& alpn_wire() const noexcept { return alpn_wire_; }

 private:
  friend class RefCounted<Context>;
  ~Context() = default;

  void check() const;
  // The lowest and the highest: what all that limits them leaves.
  std::pair<std::int32_t, std::int32_t> versions() const;
  void set_protocol();
  void set_verification();
  void set_credentials();
  void set_alpn();

  Settings settings_;
  SslContextOwner context_;
  std::string alpn_wire_;
};

// What is really in force, read back from OpenSSL, as JSON.
std::string effective_settings(const Context& context);

}  // namespace sally::tls
