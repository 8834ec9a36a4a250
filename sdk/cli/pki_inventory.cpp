#include "pki_inventory.h"

#include "pki_encoding.h"
#include "pki_failure.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <openssl/err.h>
#include <stdexcept>
#include <sys/stat.h>

#include <sallyport/sallyport.hpp>

namespace pki {

namespace {

// The way to a sally::Certificate is a verdict on it, whatever the verdict; it is its own trust, so
// that no roots of the system are loaded for it.
sally::Certificate describe(const X509* x509) {
  const std::string der = der_of(x509);
  const sally::Verdict verdict = sally::verify(
      {.trust = sally::TrustStore::from_memory(der), .leaf = der, .purpose = SALLY_PURPOSE_ANY});
  const std::vector<sally::Certificate> chain = verdict.chain();
  if (chain.empty()) throw verdict.error();
  return chain.front();
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

// Not for trust: some tools still call certificates by it.
std::string sha1_of(const X509* certificate) {
  const std::string der = der_of(certificate);
  unsigned char digest[EVP_MAX_MD_SIZE];
  std::size_t size = 0;
  must(EVP_Q_digest(library(), "SHA1", nullptr, der.data(), der.size(), digest, &size) == 1,
       "digest a certificate");
  return hexadecimal(digest, size);
}

std::string pin_of(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  must(length > 0, "encode a public key");
  unsigned char digest[EVP_MAX_MD_SIZE];
  std::size_t size = 0;
  const int result = EVP_Q_digest(library(), "SHA256", nullptr, der,
                                  static_cast<std::size_t>(length), digest, &size);
  OPENSSL_free(der);
  must(result == 1, "digest a public key");
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  const int written = EVP_EncodeBlock(text, digest, static_cast<int>(size));
  return "sha256/" +
         std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(written));
}

std::string kind_of(const EVP_PKEY* key) {
  const char* name = EVP_PKEY_get0_type_name(key);
  std::string kind = name != nullptr ? name : "unknown";
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    char group[64] = {};
    if (EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1) {
      const char* common = EC_curve_nid2nist(OBJ_sn2nid(group));
      kind.append(" ").append(common != nullptr ? common : group);
    }
  } else if (EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1) {
    kind.append(" ").append(std::to_string(EVP_PKEY_get_bits(key)));
  }
  return kind;
}

long long seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

ShownCrl describe(const X509_CRL* crl) {
  ShownCrl shown;
  const BioOwner out = memory();
  // In ASCII: among what is not, much can steer a terminal.
  X509_NAME_print_ex(out.get(), X509_CRL_get_issuer(crl), 0, XN_FLAG_RFC2253);
  const Secret text = bytes_of(out.get());
  shown.issuer.assign(text.begin(), text.end());
  shown.this_update = seconds_of(X509_CRL_get0_lastUpdate(crl));
  shown.next_update = seconds_of(X509_CRL_get0_nextUpdate(crl));
  const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(const_cast<X509_CRL*>(crl)));
  shown.revoked = count > 0 ? static_cast<std::size_t>(count) : 0;
  return shown;
}

ShownFile describe(const std::string& path, const Contents& contents) {
  ShownFile file{.path = path};
  for (const CertificateOwner& each : contents.certificates)
    file.certificates.push_back(
        {.certificate = describe(each.get()), .sha1 = sha1_of(each.get()), .keys = {}});
  for (const KeyOwner& each : contents.keys)
    file.keys.push_back(
        {.kind = kind_of(each.get()), .pin = pin_of(each.get()), .certificates = {}});
  for (const CrlOwner& each : contents.crls) file.crls.push_back(describe(each.get()));
  struct stat status {};
  file.key_for_all = !file.keys.empty() && ::stat(path.c_str(), &status) == 0 &&
                     S_ISREG(status.st_mode) && (status.st_mode & 077) != 0;
  return file;
}

ShownFile look_into(const std::string& path, const std::optional<Secret>& passphrase) {
  ShownFile file{.path = path};
  try {
    return describe(path, read_contents(path, passphrase));
  } catch (const Failure& failure) {
    file.error = failure.what();
    file.hint = failure.hint();
  } catch (const sally::Error& error) {
    file.error = path + ": " + std::string(error.name()) + ": " + std::string(error.message());
    file.hint = error.hint();
  }
  return file;
}

// By their pins: what a public key is, the private one has too.
void match(std::vector<ShownFile>& files) {
  for (std::size_t f = 0; f < files.size(); ++f) {
    for (std::size_t c = 0; c < files[f].certificates.size(); ++c) {
      ShownCertificate& certificate = files[f].certificates[c];
      for (std::size_t g = 0; g < files.size(); ++g) {
        for (std::size_t k = 0; k < files[g].keys.size(); ++k) {
          ShownKey& key = files[g].keys[k];
          if (key.pin != certificate.certificate.spki_pin()) continue;
          certificate.keys.push_back({.file = g, .index = k});
          key.certificates.push_back({.file = f, .index = c});
        }
      }
    }
  }
}

}  // namespace

Inventory::Inventory(const std::vector<std::string>& paths,
                     const std::optional<Secret>& passphrase) {
  for (const std::string& path : paths) files_.push_back(look_into(path, passphrase));
  match(files_);
}

bool Inventory::all_read() const {
  return std::all_of(files_.begin(), files_.end(),
                     [](const ShownFile& file) { return file.error.empty(); });
}

bool Inventory::all_match() const {
  bool certificates = false;
  bool stranger = false;
  for (const ShownFile& file : files_) {
    certificates |= !file.certificates.empty();
    for (const ShownKey& key : file.keys) stranger |= key.certificates.empty();
  }
  return !certificates || !stranger;
}

std::chrono::sys_seconds this_second() {
  return std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now());
}

long long days_left(const sally::Certificate& certificate) {
  const auto left = certificate.not_after() - this_second();
  return std::chrono::floor<std::chrono::days>(left).count();
}

}  // namespace pki
