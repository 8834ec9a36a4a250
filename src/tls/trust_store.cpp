#include "tls/trust_store.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iterator>

namespace sally::tls {

namespace {

// Where the systems of the field keep their bundle; the first that is there counts.
constexpr std::array system_bundles = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // Alpine, the BSDs
};

// Null where there is none.
const char* system_bundle() {
  const auto bundle = std::ranges::find_if(system_bundles, [](const char* path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  });
  return bundle != system_bundles.end() ? *bundle : nullptr;
}

void append(std::vector<X509Owner>& anchors, std::vector<X509Owner> more) {
  std::ranges::move(more, std::back_inserter(anchors));
}

// A folder of single certificates, as c_rehash keeps them. What is no PEM is passed over: such
// folders hold other files too.
void append_folder(std::vector<X509Owner>& anchors, const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    try {
      append(anchors, read_certificates(PemSource::from_uri(entry.path().string()),
                                        SALLY_TRUST_STORE_BAD_FORMAT));
    } catch (const Failure&) {
      continue;
    }
  }
}

}  // namespace

TrustStore::TrustStore(const PemSource& source, std::vector<CrlOwner> crls)
    : TrustStore(read_certificates(source, SALLY_TRUST_STORE_BAD_FORMAT), source.name(),
                 std::move(crls)) {}

TrustStore::TrustStore(std::vector<X509Owner> anchors, std::string source,
                       std::vector<CrlOwner> crls)
    : store_(checked(X509_STORE_new())),
      anchors_(std::move(anchors)),
      crls_(std::move(crls)),
      source_(std::move(source)) {
  if (anchors_.empty()) {
    throw Failure(SALLY_TRUST_STORE_EMPTY,
                  {.message = "'" + source_ + "'", .source = source_, .phase = "load"});
  }
  clear_errors();
  for (const X509Owner& anchor : anchors_) {
    if (X509_STORE_add_cert(store_.get(), anchor.get()) != 1) throw std::bad_alloc();
  }
  for (const CrlOwner& crl : crls_) {
    if (X509_STORE_add_crl(store_.get(), crl.get()) != 1) throw std::bad_alloc();
  }
}

Ref<TrustStore> TrustStore::system() {
  std::vector<X509Owner> anchors;
  const char* file = std::getenv(X509_get_default_cert_file_env());
  const char* folder = std::getenv(X509_get_default_cert_dir_env());
  if (file != nullptr) {
    append(anchors, read_certificates(PemSource::from_uri(file), SALLY_TRUST_STORE_BAD_FORMAT));
  }
  if (folder != nullptr) append_folder(anchors, folder);
  if (file != nullptr || folder != nullptr) {
    return Ref<TrustStore>::adopt(
        new TrustStore(std::move(anchors), "SSL_CERT_FILE and SSL_CERT_DIR"));
  }

  if (const char* bundle = system_bundle()) {
    return make_ref<TrustStore>(PemSource::from_uri(bundle));
  }
  return Ref<TrustStore>::adopt(new TrustStore({}, "the system's CA certificates"));
}

std::vector<std::string> TrustStore::system_files() {
  std::vector<std::string> files;
  for (const char* name : {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env()}) {
    if (const char* value = std::getenv(name)) files.emplace_back(value);
  }
  if (!files.empty()) return files;
  if (const char* bundle = system_bundle()) files.emplace_back(bundle);
  return files;
}

}  // namespace sally::tls
