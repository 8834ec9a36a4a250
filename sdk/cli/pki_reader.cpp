#include "pki_reader.h"

#include "pki_encoding.h"
#include "pki_failure.h"

#include <algorithm>
#include <cstring>
#include <openssl/err.h>

namespace pki {

namespace {

struct Answer {
  const std::optional<Secret>& passphrase;
  bool asked = false;
};

int give_passphrase(char* buffer, int size, int, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  answer.asked = true;
  if (!answer.passphrase) return -1;
  const std::size_t length = answer.passphrase->size() - 1;
  if (length > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, answer.passphrase->data(), length);
  return static_cast<int>(length);
}

using InfoOwner = Owner<OSSL_STORE_INFO, OSSL_STORE_INFO_free>;
using MethodOwner = Owner<UI_METHOD, UI_destroy_method>;
using StoreOwner = Owner<OSSL_STORE_CTX, OSSL_STORE_close>;

void take(Contents& contents, const OSSL_STORE_INFO* info) {
  switch (OSSL_STORE_INFO_get_type(info)) {
    case OSSL_STORE_INFO_CERT:
      contents.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info));
      break;
    case OSSL_STORE_INFO_PKEY:
      contents.keys.emplace_back(OSSL_STORE_INFO_get1_PKEY(info));
      break;
    case OSSL_STORE_INFO_CRL:
      contents.crls.emplace_back(OSSL_STORE_INFO_get1_CRL(info));
      break;
    default:  // public keys and parameters
      break;
  }
}

[[noreturn]] void refuse(const std::string& path, const Answer& answer) {
  ERR_clear_error();
  if (answer.asked && !answer.passphrase)
    throw Unusable(path + " is encrypted",
                   "Give its passphrase with --passphrase-file or --passphrase-env.");
  if (answer.asked) throw Unusable(path + " does not open with this passphrase");
  throw Unusable(path + " holds something that does not decode as a certificate, a key or a CRL");
}

}  // namespace

Contents read_contents(const std::string& path, const std::optional<Secret>& passphrase) {
  const Secret bytes = read_file(path);
  const BioOwner in = reading(view(bytes));
  Answer answer{.passphrase = passphrase};
  const MethodOwner method(
      made(UI_UTIL_wrap_read_pem_callback(give_passphrase, 0), "allocate memory"));
  const StoreOwner store(OSSL_STORE_attach(in.get(), "file", library(), nullptr, method.get(),
                                           &answer, nullptr, nullptr, nullptr));
  if (!store) refuse(path, answer);
  Contents contents;
  while (OSSL_STORE_eof(store.get()) != 1) {
    const InfoOwner info(OSSL_STORE_load(store.get()));
    if (info)
      take(contents, info.get());
    else if (OSSL_STORE_error(store.get()) == 1)
      refuse(path, answer);
  }
  ERR_clear_error();
  if (contents.certificates.empty() && contents.keys.empty() && contents.crls.empty())
    throw Unusable(path + " holds no certificate, private key or CRL");
  return contents;
}

}  // namespace pki
