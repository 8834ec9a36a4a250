// A private key that a test has and the library has not: it signs as RFC 8446 section 4.2.3 says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sally::test {

class SigningKey {
 public:
  // Throws where the file holds no key.
  explicit SigningKey(const std::string& path) : key_(nullptr, &EVP_PKEY_free) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_file(path.c_str(), "r"), &BIO_free);
    if (bio) key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!key_) throw std::runtime_error("no key in " + path);
  }

  std::string sign(std::int32_t scheme, std::string_view content) const {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                     &EVP_MD_CTX_free);
    EVP_PKEY_CTX* settings = nullptr;
    require(EVP_DigestSignInit(context.get(), &settings, digest(scheme), nullptr, key_.get()));
    if ((scheme & 0xff00) == 0x0800 && scheme != ed25519) {
      require(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING));
      require(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST));
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, bytes, content.size()));
    std::string signature(size, '\0');
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           bytes, content.size()));
    signature.resize(size);
    return signature;
  }

 private:
  static constexpr std::int32_t ed25519 = 0x0807;

  static void require(int done) {
    if (done != 1) throw std::runtime_error("the key does not sign");
  }
  static const EVP_MD* digest(std::int32_t scheme) {
    switch (scheme) {
      case ed25519:
        return nullptr;
      case 0x0401:
      case 0x0403:
      case 0x0804:
        return EVP_sha256();
      case 0x0501:
      case 0x0503:
      case 0x0805:
        return EVP_sha384();
      case 0x0601:
      case 0x0603:
      case 0x0806:
        return EVP_sha512();
      default:
        throw std::runtime_error("a scheme that is not known");
    }
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
};

}  // namespace sally::test
