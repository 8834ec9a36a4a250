// Encrypted keys that would take minutes to open are refused before anything is derived.
#include "lib/made_chain.h"
#include "tls/credential.h"
#include "tls/pem.h"
#include "tls/pkcs11.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

namespace sally::test {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class T>
using Owner = std::unique_ptr<T, void (*)(T*)>;
using Encrypted = Owner<X509_SIG>;

std::string taken_from(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Sixteen bytes that no passphrase opens; making them takes no time.
Encrypted encrypted_by(X509_ALGOR* scheme) {
  const Owner<X509_ALGOR> owner(tls::checked(scheme), &X509_ALGOR_free);
  Encrypted encrypted(X509_SIG_new(), &X509_SIG_free);
  X509_ALGOR* algorithm = nullptr;
  ASN1_OCTET_STRING* bytes = nullptr;
  X509_SIG_getm(encrypted.get(), &algorithm, &bytes);
  EXPECT_EQ(X509_ALGOR_copy(algorithm, owner.get()), 1);
  EXPECT_EQ(
      ASN1_OCTET_STRING_set(bytes, reinterpret_cast<const unsigned char*>("0123456789abcdef"), 16),
      1);
  return encrypted;
}

Encrypted by_pbkdf2(int iterations) {
  return encrypted_by(
      PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, nullptr, 0, nullptr, NID_hmacWithSHA256));
}

Encrypted by_scrypt(std::uint64_t n, std::uint64_t r, std::uint64_t p) {
  return encrypted_by(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, n, r, p));
}

Encrypted by_pkcs12(int iterations) {
  return encrypted_by(
      PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, iterations, nullptr, 0));
}

std::string pem_of(const Encrypted& key) {
  const tls::BioOwner bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8(bio.get(), key.get());
  return taken_from(bio.get());
}

std::string der_of(const Encrypted& key) {
  const tls::BioOwner bio(BIO_new(BIO_s_mem()));
  i2d_PKCS8_bio(bio.get(), key.get());
  return taken_from(bio.get());
}

// With a bag for the key, and no MAC.
std::string pkcs12_of(Encrypted key) {
  const Owner<STACK_OF(PKCS12_SAFEBAG)> bags(
      sk_PKCS12_SAFEBAG_new_null(),
      [](STACK_OF(PKCS12_SAFEBAG) * all) { sk_PKCS12_SAFEBAG_pop_free(all, PKCS12_SAFEBAG_free); });
  sk_PKCS12_SAFEBAG_push(bags.get(), PKCS12_SAFEBAG_create0_pkcs8(key.release()));
  const Owner<STACK_OF(PKCS7)> safes(
      sk_PKCS7_new_null(), [](STACK_OF(PKCS7) * all) { sk_PKCS7_pop_free(all, PKCS7_free); });
  sk_PKCS7_push(safes.get(), PKCS12_pack_p7data(bags.get()));
  const Owner<PKCS12> file(PKCS12_init(NID_pkcs7_data), &PKCS12_free);
  EXPECT_EQ(PKCS12_pack_authsafes(file.get(), safes.get()), 1);
  const tls::BioOwner bio(BIO_new(BIO_s_mem()));
  i2d_PKCS12_bio(bio.get(), file.get());
  return taken_from(bio.get());
}

std::string why_not(const std::string& key) {
  try {
    tls::read_private_key(tls::PemSource::from_memory(key, "slow.key"), "sallyport");
  } catch (const Failure& failure) {
    return failure.error()->message();
  }
  return "it was read";
}

constexpr int too_many = 50'000'000;

TEST(SlowKey, IsRefusedForItsIterations) {
  for (const std::string& key : {pem_of(by_pbkdf2(too_many)), der_of(by_pbkdf2(too_many)),
                                 der_of(by_pkcs12(too_many)), pkcs12_of(by_pbkdf2(too_many))}) {
    EXPECT_THAT(why_not(key), HasSubstr("'slow.key' asks for too many iterations"));
  }
}

TEST(SlowKey, IsRefusedForTheStepsOfScrypt) {
  EXPECT_THAT(why_not(pem_of(by_scrypt(1 << 14, 8, 200))), HasSubstr("too many iterations"));
}

TEST(SlowKey, IsNoneThatIsEncryptedAsUsual) {
  for (const std::string& key : {pem_of(by_pbkdf2(2048)), der_of(by_pbkdf2(2048)),
                                 pem_of(by_scrypt(1 << 14, 8, 1)), pkcs12_of(by_pbkdf2(2048))}) {
    EXPECT_THAT(why_not(key), Not(HasSubstr("iterations")));
  }
}

TEST(PinOfAToken, IsInNoErrorWhereverItWasWritten) {
  for (const std::string uri : {"pkcs11:token=a?pin-value=4711", "pkcs11:token=a;pin-value=4711",
                                "PKCS11:token=a?pin-value=4711"}) {
    try {
      const tls::CredentialInput input{.chain = tls::MaterialSource::at(uri)};
      make_ref<tls::Credential>(input);
      ADD_FAILURE() << uri << " was read";
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.error()->json(), Not(HasSubstr("4711"))) << uri;
    }
  }
}

}  // namespace
}  // namespace sally::test
