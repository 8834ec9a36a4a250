#include "tls/signer.h"

#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>
#include <openssl/rsa.h>

namespace sally::tls {

namespace {

constexpr std::array schemes = {
    SignatureScheme{0x0401, "rsa_pkcs1_sha256", "RSA", "SHA2-256", false},
    SignatureScheme{0x0501, "rsa_pkcs1_sha384", "RSA", "SHA2-384", false},
    SignatureScheme{0x0601, "rsa_pkcs1_sha512", "RSA", "SHA2-512", false},
    SignatureScheme{0x0403, "ecdsa_secp256r1_sha256", "EC", "SHA2-256", false},
    SignatureScheme{0x0503, "ecdsa_secp384r1_sha384", "EC", "SHA2-384", false},
    SignatureScheme{0x0603, "ecdsa_secp521r1_sha512", "EC", "SHA2-512", false},
    SignatureScheme{0x0804, "rsa_pss_rsae_sha256", "RSA", "SHA2-256", true},
    SignatureScheme{0x0805, "rsa_pss_rsae_sha384", "RSA", "SHA2-384", true},
    SignatureScheme{0x0806, "rsa_pss_rsae_sha512", "RSA", "SHA2-512", true},
    SignatureScheme{0x0807, "ed25519", "ED25519", "", false}};

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using DigestContextOwner = std::unique_ptr<EVP_MD_CTX, DigestContextDeleter>;

}  // namespace

const SignatureScheme* find_scheme(std::string_view key_type, std::string_view digest, bool pss) {
  const auto found = std::ranges::find_if(schemes, [&](const SignatureScheme& scheme) {
    return scheme.key_type == key_type && scheme.digest == digest && scheme.pss == pss;
  });
  return found != schemes.end() ? &*found : nullptr;
}

bool can_be_remote(std::string_view key_type) {
  return std::ranges::any_of(
      schemes, [&](const SignatureScheme& scheme) { return scheme.key_type == key_type; });
}

bool verifies(EVP_PKEY* public_half, const SignatureRequest& request, std::string_view signature) {
  clear_errors();
  const DigestContextOwner context(checked(EVP_MD_CTX_new()));
  const SignatureScheme& scheme = *request.scheme;
  const char* digest = *scheme.digest != '\0' ? scheme.digest : nullptr;
  EVP_PKEY_CTX* settings = nullptr;  // the digest context's own
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const bool ready =
      EVP_DigestVerifyInit_ex(context.get(), &settings, digest, library_context(), nullptr,
                              public_half, nullptr) == 1 &&
      (!scheme.pss || (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1));
  const bool good = ready && EVP_DigestVerify(context.get(), bytes(signature), signature.size(),
                                              bytes(request.content), request.content.size()) == 1;
  clear_errors();
  return good;
}

}  // namespace sally::tls
