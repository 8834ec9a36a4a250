#include "tls/credential.h"

#include "status/error.h"
#include "tls/encoding.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/own_chain.h"
#include "tls/peer_policy.h"
#include "tls/pkcs11.h"
#include "tls/pkcs12.h"
#include "tls/signer_provider.h"

#include <algorithm>
#include <array>

namespace sally::tls {

namespace {

// NIST SP 800-57: below it a key is no longer fit for use; also what the handshake's security level
// demands.
constexpr int least_security_bits = 112;

std::string signing_type(const EVP_PKEY* key, const std::string& source) {
  constexpr std::array types = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"};
  const auto found = std::ranges::find_if(
      types, [key](const char* type) { return EVP_PKEY_is_a(key, type) == 1; });
  if (found != types.end()) return *found;
  const char* type = EVP_PKEY_get0_type_name(key);
  throw Failure(SALLY_CREDENTIAL_UNSUPPORTED_KEY, {.expected = "RSA, ECDSA, Ed25519 or Ed448",
                                                   .found = type != nullptr ? type : "unknown",
                                                   .source = source,
                                                   .phase = "load"});
}

ErrorDetail about(X509* certificate, const std::string& source) {
  return {.message = "'" + subject_of(certificate) + "' of '" + source + "'",
          .subject = subject_of(certificate),
          .issuer = issuer_of(certificate),
          .expected = "at least " + std::to_string(least_security_bits) + " bits of security",
          .source = source,
          .phase = "load"};
}

// What every peer will check, said before the first of them refuses.
void check_strength(X509* certificate, const std::string& source) {
  ErrorDetail detail = about(certificate, source);
  if ((X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
    detail.expected.clear();
    detail.found = "an extension that does not decode";
    throw Failure(SALLY_CREDENTIAL_BAD_FORMAT, std::move(detail));
  }
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  const int key_bits = key != nullptr ? EVP_PKEY_get_security_bits(key) : 0;
  if (key_bits < least_security_bits) {
    detail.found = key_of(certificate) + ", " + std::to_string(key_bits) + " bits of security";
    throw Failure(SALLY_CREDENTIAL_WEAK_KEY, std::move(detail));
  }
  int digest = NID_undef;
  int signature_bits = 0;
  const bool known =
      X509_get_signature_info(certificate, &digest, nullptr, &signature_bits, nullptr) == 1;
  const bool self_signed =
      (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;  // nobody relies on that signature
  if (known && signature_bits < least_security_bits && !self_signed) {
    const char* name = OBJ_nid2ln(digest);
    detail.found = std::string(name != nullptr ? name : "a digest") + ", " +
                   std::to_string(signature_bits) + " bits of security";
    throw Failure(SALLY_CREDENTIAL_WEAK_SIGNATURE, std::move(detail));
  }
}

struct Found {
  bool ordered = true;
  std::vector<X509Owner> certificates{};
  KeyOwner key{};
};

// Each file is read for what it was given for; PKCS#12 that was given for both is opened once.
Found find(const PemSource& chain, const PemSource& key, const char* passphrase) {
  const ErrorDetail none{
      .message = "'" + chain.name() + "'", .source = chain.name(), .phase = "load"};
  Found found{.ordered = encoding_of(chain.bytes()) != Encoding::pkcs12};
  if (found.ordered) {
    found.certificates = read_certificates(chain, SALLY_CREDENTIAL_BAD_FORMAT);
  } else {
    Pkcs12 both = read_pkcs12(chain, passphrase);
    found.certificates = std::move(both.certificates);
    if (&key == &chain) found.key = std::move(both.key);
  }
  if (found.certificates.empty()) throw Failure(SALLY_CREDENTIAL_NO_CERTIFICATE, none);
  if (found.key != nullptr) return found;
  if (&key == &chain && !found.ordered) throw Failure(SALLY_CREDENTIAL_NO_KEY, none);
  found.key = read_private_key(key, passphrase);
  return found;
}

// Two keys of one kind are told apart by what their public halves hash to, as pins are.
[[noreturn]] void fail_mismatch(X509* first, const std::string& chain, const std::string& key,
                                const std::string& kind, const std::string& pin) {
  throw Failure(
      SALLY_CREDENTIAL_KEY_MISMATCH,
      {.message = "the key of '" + key + "' is not the one of the certificate of '" + chain + "'",
       .depth = 0,
       .subject = subject_of(first),
       .issuer = issuer_of(first),
       .expected = "the private key (" + key_of(first) + ") of the public key " +
                   to_text(pin_of(first)) + ", which the certificate has",
       .found = "a private key (" + kind + ")" +
                (pin.empty() ? " of another public key" : " of the public key " + pin),
       .source = key,
       .phase = "load"});
}

// The certificate's key, with its private half somewhere else; null for `signer`: with the program.
KeyOwner remote_key(X509* certificate, std::shared_ptr<Signer> signer, const std::string& source) {
  clear_errors();
  KeyOwner half(X509_get_pubkey(certificate));
  if (half == nullptr) {
    clear_errors();
    throw Failure(SALLY_CREDENTIAL_UNSUPPORTED_KEY,
                  {.expected = "RSA, ECDSA or Ed25519", .source = source, .phase = "load"});
  }
  const std::string type = signing_type(half.get(), source);
  if (!can_be_remote(type)) {
    throw Failure(SALLY_CREDENTIAL_UNSUPPORTED_KEY,
                  {.message = "'" + subject_of(certificate) + "'",
                   .hint = "Keys of this type sign only within this library: load the key itself.",
                   .subject = subject_of(certificate),
                   .expected = "RSA, ECDSA or Ed25519",
                   .found = type,
                   .source = source,
                   .phase = "load"});
  }
  return make_remote_key(std::make_shared<const RemoteKey>(
      RemoteKey{std::move(half), describe(certificate), std::move(signer)}));
}

}  // namespace

Credential::Credential(const CredentialInput& input) {
  constexpr int most_readings = 3;
  for (int reading = 1; !load(input, reading == most_readings); ++reading) continue;
}

// False where a chain and a key that do not match may have been read while both were being replaced.
bool Credential::load(const CredentialInput& input, bool last) {
  const bool in_token = is_token_uri(input.chain.uri());
  const PemSource chain =
      in_token ? read_token_certificates(input.chain.uri()) : input.chain.read();
  const char* passphrase = input.passphrase ? input.passphrase->c_str() : nullptr;
  if (input.asks_program) {
    load_certificates(chain);
    return true;
  }
  const std::string& key_uri = (input.key ? *input.key : input.chain).uri();
  if (is_token_uri(key_uri)) {
    load_token_key(chain, !in_token, key_uri, input.passphrase);
    return true;
  }
  try {
    if (input.key)
      load(chain, input.key->read(), passphrase);
    else
      load(chain, chain, passphrase);
    return true;
  } catch (const Failure& failure) {
    const bool torn = failure.error()->status() == SALLY_CREDENTIAL_KEY_MISMATCH;
    if (!torn || !input.key || last) throw;
    return false;
  }
}

Credential::Credential(const PemSource& chain, const PemSource& key, const char* passphrase) {
  load(chain, key, passphrase);
}

void Credential::load(const PemSource& chain, const PemSource& key, const char* passphrase) {
  Found found = find(chain, key, passphrase);
  key_ = std::move(found.key);
  key_type_ = signing_type(key_.get(), key.name());

  clear_errors();
  const auto own = std::ranges::find_if(found.certificates, [this](const X509Owner& certificate) {
    return X509_check_private_key(certificate.get(), key_.get()) == 1;
  });
  clear_errors();
  if (own == found.certificates.end()) {
    fail_mismatch(found.certificates.front().get(), chain.name(), key.name(), key_of(key_.get()),
                  to_text(pin_of(key_.get())));
  }
  const auto index = static_cast<std::size_t>(own - found.certificates.begin());
  settle_chain(std::move(found.certificates), index, found.ordered, chain.name());
}

// Whose the key is nothing can tell, so that the first certificate is its own.
void Credential::load_certificates(const PemSource& chain) {
  std::vector<X509Owner> found = read_certificates(chain, SALLY_CREDENTIAL_BAD_FORMAT);
  if (found.empty()) {
    throw Failure(SALLY_CREDENTIAL_NO_CERTIFICATE,
                  {.message = "'" + chain.name() + "'", .source = chain.name(), .phase = "load"});
  }
  X509* own = found.front().get();
  key_ = remote_key(own, nullptr, chain.name());
  key_type_ = signing_type(key_.get(), chain.name());
  signs_elsewhere_ = asks_program_ = true;
  settle_chain(std::move(found), 0, /*ordered=*/true, chain.name());
}

// Not every token tells a private key's public half, but each can sign.
void Credential::load_token_key(const PemSource& chain, bool ordered, const std::string& uri,
                                const std::shared_ptr<const Secret>& pin) {
  std::vector<X509Owner> found = read_certificates(chain, SALLY_CREDENTIAL_BAD_FORMAT);
  if (found.empty()) {
    throw Failure(SALLY_CREDENTIAL_NO_CERTIFICATE,
                  {.message = "'" + chain.name() + "'", .source = chain.name(), .phase = "load"});
  }
  const std::shared_ptr<TokenSigner> signer = open_token_key(uri, pin);
  const std::string& type = signer->key_type();
  const SignatureRequest proof{find_scheme(type, "SHA2-256", type == "RSA"),
                               "Sallyport asks whether this key is that of its certificate"};
  const std::string signature = signer->sign(proof);
  const auto own = std::ranges::find_if(found, [&](const X509Owner& certificate) {
    EVP_PKEY* half = X509_get0_pubkey(certificate.get());
    return half != nullptr && EVP_PKEY_is_a(half, type.c_str()) == 1 &&
           verifies(half, proof, signature);
  });
  if (own == found.end())
    fail_mismatch(found.front().get(), chain.name(), shown_uri(uri), type, "");
  key_ = remote_key(own->get(), signer, shown_uri(uri));
  key_type_ = type;
  signs_elsewhere_ = true;
  const auto index = static_cast<std::size_t>(own - found.begin());
  settle_chain(std::move(found), index, ordered, chain.name());
}

void Credential::settle_chain(std::vector<X509Owner> found, std::size_t own, bool ordered,
                              const std::string& source) {
  OwnChain arranged = arrange(std::move(found), own, ordered);
  chain_ = std::move(arranged.certificates);
  linked_ = arranged.linked;
  warnings_ = std::move(arranged.warnings);
  for (const X509Owner& member : chain_) check_strength(member.get(), source);
}

std::int64_t Credential::not_after() const noexcept {
  std::int64_t first = not_after_of(certificate());
  for (const X509Owner& member : chain_) first = std::min(first, not_after_of(member.get()));
  return first;
}

}  // namespace sally::tls
