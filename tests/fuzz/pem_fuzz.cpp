// Arbitrary bytes as a trust store, CRLs, a chain and a key: PEM, DER or PKCS#12, as they look. The
// zoo's files are the seeds.
#include "fuzz/support.h"
#include "tls/certificate.h"

#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace sally;

// True where it loaded.
template <class Load>
bool loads(Load&& load) {
  try {
    load();
    return true;
  } catch (const Failure& failure) {
    fuzz::require_explained(failure.error());
    return false;
  }
}

void describe_all(const std::vector<tls::X509Owner>& certificates) {
  for (const tls::X509Owner& certificate : certificates) {
    loads([&] {
      const Ref<sally_certificate> described = tls::describe(certificate.get());
      const std::string pem = tls::to_pem(described->data);
      const auto again =
          tls::read_certificates(tls::PemSource::from_memory(pem), SALLY_TRUST_STORE_BAD_FORMAT);
      fuzz::require(again.size() == 1, "what was written is read again");
      fuzz::require(tls::describe(again.front().get())->data.der == described->data.der,
                    "and is the same");
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto source = [&] { return tls::PemSource::from_memory(text); };
  loads([&] { describe_all(make_ref<tls::TrustStore>(source())->anchors()); });
  loads([&] { describe_all(make_ref<tls::Credential>(source(), source(), nullptr)->chain()); });
  loads([&] { make_ref<tls::Credential>(source(), source(), "sallyport"); });
  loads([&] {
    // One source for both, as where no key is given: PKCS#12 is opened once.
    const tls::CredentialInput input{.chain = tls::MaterialSource::memory(text),
                                     .passphrase = std::make_shared<tls::Secret>("sallyport")};
    const auto credential = make_ref<tls::Credential>(input);
    fuzz::require(credential->linked() <= credential->chain().size(), "the chain is within it");
    for (const std::string& warning : credential->warnings())
      fuzz::require(!warning.empty(), "a warning says something");
  });
  loads([&] { tls::read_crls(source()); });
  return 0;
}
