#include "tls/trust_store.h"

#include "status/error.h"
#include "tls/certificate.h"
#include "tls/encoding.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/trust_folder.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>

namespace sally::tls {

namespace {

// Where the systems of the field keep their bundle; the first that is there counts.
constexpr std::array system_bundles = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // Alpine, the BSDs
};

// Not where a program has more rights than its user, who chooses the environment: whom it trusts is not
// for them to say.
const char* setting(const char* name) {
  return ::secure_getenv(name);
}

// Null where there is none.
const char* system_bundle() {
  const auto bundle = std::ranges::find_if(system_bundles, [](const char* path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
  });
  return bundle != system_bundles.end() ? *bundle : nullptr;
}

template <class Owner>
void append(std::vector<Owner>& objects, std::vector<Owner> more) {
  std::ranges::move(more, std::back_inserter(objects));
}

// In a folder lies much else. PEM says what it is; DER of another kind does not decode.
template <class Read>
auto read_if_any(const PemSource& file, Read&& read) -> decltype(read(file)) {
  const Encoding encoding = encoding_of(file.bytes());
  if (encoding == Encoding::pem) return read(file);
  if (encoding != Encoding::signed_object) return {};
  try {
    return read(file);
  } catch (const Failure& failure) {
    if (!failure.error()->detail().found.empty()) throw;  // it decoded, and was refused
    return {};
  }
}

template <class Read>
auto read_all(const MaterialSource& source, std::string& name, Read&& read)
    -> decltype(read(source.read())) {
  decltype(read(source.read())) all;
  if (const auto folder = source.folder()) {
    name = *folder;
    for (const PemSource& file : read_folder(*folder)) append(all, read_if_any(file, read));
    return all;
  }
  const PemSource file = source.read();
  name = file.name();
  return read(file);
}

std::vector<X509Owner> anchors_of(const PemSource& file) {
  return read_certificates(file, SALLY_TRUST_STORE_BAD_FORMAT);
}

// A folder of the system's. What cannot be read is passed over: the user may never have heard of it.
void append_system_folder(std::vector<X509Owner>& anchors, const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    try {
      append(anchors, anchors_of(PemSource::from_uri("file:" + entry.path().string())));
    } catch (const Failure&) {
      continue;
    }
  }
}

// Links and files of a hashed folder, and the stores that are joined, repeat one another. `compare`
// is one of OpenSSL's, which order by a digest of the whole.
template <class Owner, class Compare>
std::vector<Owner> each_once(std::vector<Owner> objects, Compare compare) {
  using Object = typename Owner::element_type;
  const auto before = [compare](const Object* a, const Object* b) { return compare(a, b) < 0; };
  std::set<const Object*, decltype(before)> seen(before);
  std::erase_if(objects, [&](const Owner& object) { return !seen.insert(object.get()).second; });
  return objects;
}

void add_name(std::string& all, const std::string& name) {
  if (!all.empty()) all += "' and '";
  all += name;
}

}  // namespace

TrustStore::TrustStore(const TrustInput& input) : TrustStore(read(input)) {}

TrustStore::TrustStore(const PemSource& source, std::vector<CrlOwner> crls)
    : TrustStore(Contents{anchors_of(source), std::move(crls), source.name(), /*system=*/false}) {}

TrustStore::TrustStore(Contents contents)
    : store_(checked(X509_STORE_new())),
      anchors_(each_once(std::move(contents.anchors), &X509_cmp)),
      crls_(each_once(std::move(contents.crls), &X509_CRL_match)),
      source_(std::move(contents.source)),
      system_(contents.system) {
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

TrustStore::Contents TrustStore::read(const TrustInput& input) {
  Contents contents;
  if (input.system) contents = read_system();
  for (const MaterialSource& source : input.anchors) {
    std::string name;
    std::vector<X509Owner> anchors = read_all(source, name, &anchors_of);
    if (anchors.empty()) {
      throw Failure(SALLY_TRUST_STORE_EMPTY,
                    {.message = "'" + name + "'", .source = name, .phase = "load"});
    }
    append(contents.anchors, std::move(anchors));
    add_name(contents.source, name);
  }
  for (const MaterialSource& source : input.crls) {
    std::string name;
    std::vector<CrlOwner> crls = read_all(source, name, &read_crls);
    if (crls.empty()) {
      throw Failure(SALLY_CRL_EMPTY,
                    {.message = "'" + name + "'", .source = name, .phase = "load"});
    }
    append(contents.crls, std::move(crls));
  }
  return contents;
}

TrustStore::Contents TrustStore::copy() const {
  Contents contents{{}, {}, source_, system_};
  for (const X509Owner& anchor : anchors_) {
    X509_up_ref(anchor.get());
    contents.anchors.emplace_back(anchor.get());
  }
  for (const CrlOwner& crl : crls_) {
    X509_CRL_up_ref(crl.get());
    contents.crls.emplace_back(crl.get());
  }
  return contents;
}

Ref<TrustStore> TrustStore::joined(const TrustStore& one, const TrustStore& other) {
  Contents contents = one.copy();
  Contents more = other.copy();
  append(contents.anchors, std::move(more.anchors));
  append(contents.crls, std::move(more.crls));
  add_name(contents.source, more.source);
  contents.system = contents.system || more.system;
  return Ref<TrustStore>::adopt(new TrustStore(std::move(contents)));
}

Ref<TrustStore> TrustStore::with_crls(const MaterialSource& source) const {
  Contents contents = copy();
  append(contents.crls, read({.crls = {source}}).crls);
  return Ref<TrustStore>::adopt(new TrustStore(std::move(contents)));
}

Ref<TrustStore> TrustStore::system() {
  return make_ref<TrustStore>(TrustInput{.system = true});
}

TrustStore::Contents TrustStore::read_system() {
  Contents contents;
  contents.system = true;
  const char* file = setting(X509_get_default_cert_file_env());
  const char* folder = setting(X509_get_default_cert_dir_env());
  if (file != nullptr) append(contents.anchors, anchors_of(PemSource::from_uri(file)));
  if (folder != nullptr) append_system_folder(contents.anchors, folder);
  if (file != nullptr || folder != nullptr) {
    contents.source = "SSL_CERT_FILE and SSL_CERT_DIR";
    return contents;
  }

  if (const char* bundle = system_bundle()) {
    contents.anchors = anchors_of(PemSource::from_uri(bundle));
    contents.source = bundle;
    return contents;
  }
  contents.source = "the system's CA certificates";
  return contents;
}

namespace {

// 0 stands for no time.
std::int64_t earlier(std::int64_t one, std::int64_t other) noexcept {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

std::int64_t TrustStore::not_after() const noexcept {
  std::int64_t first = 0;
  for (const X509Owner& anchor : anchors_) first = earlier(first, not_after_of(anchor.get()));
  return first;
}

std::int64_t TrustStore::next_update() const noexcept {
  std::int64_t first = 0;
  for (const CrlOwner& crl : crls_) {
    first = earlier(first, seconds_of(X509_CRL_get0_nextUpdate(crl.get())));
  }
  return first;
}

std::vector<std::string> TrustStore::system_files() {
  std::vector<std::string> files;
  for (const char* name : {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env()}) {
    if (const char* value = setting(name)) files.emplace_back(value);
  }
  if (!files.empty()) return files;
  if (const char* bundle = system_bundle()) files.emplace_back(bundle);
  return files;
}

}  // namespace sally::tls
