// The credentials of a server by the names that they bear.
#pragma once

#include "tls/credential_choice.h"
#include "tls/name_index.h"

#include <span>
#include <string_view>

struct ssl_st;

namespace sally::tls {

class ServerCredentials {
 public:
  ServerCredentials() = default;
  // In the order of adding.
  explicit ServerCredentials(std::span<const Ref<Credential>> all);

  // Whether any bears the name that a client asked for.
  bool bear(std::string_view server_name) const;
  // What fits the client, of those that bear the name: by name before by wildcard. Of all where none
  // bears it, or none was asked for.
  void choose(ssl_st* ssl, std::string_view server_name, HandshakeRecord& record) const;

 private:
  CredentialSet all_;
  NameIndex<CredentialSet> by_name_;
};

}  // namespace sally::tls
