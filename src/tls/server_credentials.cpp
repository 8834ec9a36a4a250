#include "tls/server_credentials.h"

#include "tls/openssl.h"
#include "tls/server_name.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sally::tls {

namespace {

struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

// Only alternative names count, as they do for clients (RFC 9525 section 6.1).
std::set<std::string> names_of(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, NamesDeleter> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::set<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
    if (type != GEN_DNS) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    std::string name = to_name_pattern({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                        static_cast<std::size_t>(ASN1_STRING_length(text))});
    if (!name.empty()) names.insert(std::move(name));
  }
  return names;
}

}  // namespace

ServerCredentials::ServerCredentials(std::span<const Ref<Credential>> all) {
  for (const Ref<Credential>& credential : all) {
    all_.add(credential);
    for (const std::string& name : names_of(credential->certificate()))
      by_name_.at(name).add(credential);
  }
}

bool ServerCredentials::bear(std::string_view server_name) const {
  const std::string name = to_name_pattern(server_name);
  return by_name_.exact(name) != nullptr || by_name_.wildcard(name) != nullptr;
}

void ServerCredentials::choose(SSL* ssl, std::string_view server_name,
                               HandshakeRecord& record) const {
  const std::string name = to_name_pattern(server_name);
  std::vector<const CredentialSet*> ranks;
  for (const CredentialSet* found : {by_name_.exact(name), by_name_.wildcard(name)})
    if (found != nullptr) ranks.push_back(found);
  if (ranks.empty()) ranks.push_back(&all_);
  choose_for_server(ssl, ranks, record);
}

}  // namespace sally::tls
