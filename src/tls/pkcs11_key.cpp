// Private keys in tokens, which sign.
#if defined(SALLYPORT_HAS_PKCS11)
#include "tls/openssl.h"
#include "tls/pkcs11.h"
#include "tls/pkcs11_module.h"
#include "tls/signing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <openssl/ecdsa.h>
#include <utility>

namespace sally::tls {

namespace {

using pkcs11::Session;
using pkcs11::Slot;
using pkcs11::Uri;

constexpr std::size_t largest_signature = 2048;  // of an RSA key of 16384 bits

// What a token needs to be told of a digest.
struct Digest {
  std::string_view name;
  CK_MECHANISM_TYPE hash;
  CK_RSA_PKCS_MGF_TYPE mgf;
  // RFC 8017 section 9.2, note 1: what stands before the digest in its DigestInfo.
  std::array<unsigned char, 19> info;
};

constexpr std::array digests = {Digest{"SHA2-256",
                                       CKM_SHA256,
                                       CKG_MGF1_SHA256,
                                       {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}},
                                Digest{"SHA2-384",
                                       CKM_SHA384,
                                       CKG_MGF1_SHA384,
                                       {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30}},
                                Digest{"SHA2-512",
                                       CKM_SHA512,
                                       CKG_MGF1_SHA512,
                                       {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40}}};

const Digest& digest_of(const SignatureScheme& scheme) {
  return *std::ranges::find(digests, std::string_view(scheme.digest), &Digest::name);
}

std::string digested(const SignatureRequest& request) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  std::size_t size = 0;
  if (EVP_Q_digest(library_context(), request.scheme->digest, nullptr, request.content.data(),
                   request.content.size(), bytes.data(), &size) != 1)
    throw std::bad_alloc();
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

// PKCS#11 gives r and s, one after the other and as long as each other; RFC 8446 section 4.2.3 wants
// an ECDSA-Sig-Value.
std::string to_der(std::string_view raw) {
  const std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> pair(checked(ECDSA_SIG_new()),
                                                              &ECDSA_SIG_free);
  const auto number = [](std::string_view bytes) {
    return checked(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()), nullptr));
  };
  BignumOwner r(number(raw.substr(0, raw.size() / 2)));
  BignumOwner s(number(raw.substr(raw.size() / 2)));
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) throw std::bad_alloc();
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) throw std::bad_alloc();
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
  return {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
}

struct Login {
  Session session;
  CK_OBJECT_HANDLE key;
};

template <class Number>
Number number_in(const std::optional<std::string>& value, Number otherwise) {
  if (!value || value->size() != sizeof(Number)) return otherwise;
  Number number{};
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

class Key final : public TokenSigner {
 public:
  Key(const std::string& text, std::shared_ptr<const Secret> pin)
      : uri_(text), pin_(pin ? std::move(pin) : uri_.pin()) {
    const pkcs11::ModuleUse use;
    Login login = open();
    constexpr CK_KEY_TYPE none = CK_UNAVAILABLE_INFORMATION;
    const auto type = number_in(login.session.attribute(login.key, CKA_KEY_TYPE), none);
    if (type == CKK_RSA)
      key_type_ = "RSA";
    else if (type == CKK_EC)
      key_type_ = "EC";
    else
      fail(SALLY_CREDENTIAL_UNSUPPORTED_KEY, uri_, "the key is neither RSA nor ECDSA", CKR_OK);
    asks_each_time_ =
        number_in<CK_BBOOL>(login.session.attribute(login.key, CKA_ALWAYS_AUTHENTICATE),
                            CK_FALSE) != CK_FALSE;
    idle_.push_back(std::move(login));
    pkcs11::watch_for_exit();
  }

  const std::string& key_type() const noexcept override { return key_type_; }

  // Its last reference may go on an event loop, which a token must not keep waiting.
  ~Key() override {
    try {
      const auto left = std::make_shared<std::vector<Login>>(std::move(idle_));
      if (!left->empty()) run_on_worker([left] {});
    } catch (...) {
      // Without a thread they were closed here.
    }
  }

  std::string sign(const SignatureRequest& request) override {
    const pkcs11::ModuleUse use;
    if (!use) fail(SALLY_TOKEN_FAILED, uri_, "the program exits", CKR_OK);
    if (std::optional<Login> idle = take_idle()) {
      std::string signature;
      const CK_RV result = sign_with(*idle, request, signature);
      if (result == CKR_OK) {
        give_back(std::move(*idle));
        return signature;
      }
      if (!may_be_stale(result)) fail_signing(result);
      // The token was taken out, or the module begun anew: what is left of it is of no use.
      const std::lock_guard lock(mutex_);
      idle_.clear();
    }
    Login fresh = open();
    std::string signature;
    const CK_RV result = sign_with(fresh, request, signature);
    if (result != CKR_OK) fail_signing(result);
    give_back(std::move(fresh));
    return signature;
  }

 private:
  // A PIN is tried on one token only: each may lock itself after a few wrong ones.
  Login open() const {
    const std::vector<Slot> slots = find_slots(uri_);
    if (slots.size() > 1) {
      fail(SALLY_INVALID_ARGUMENT, uri_,
           "several tokens are meant: say which one with token= or serial=", CKR_OK);
    }
    const Slot& slot = slots.front();
    Session session(slot, uri_);
    session.log_in(slot, uri_, pin_.get());
    CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    std::vector<CK_ATTRIBUTE> attributes = uri_.object();
    attributes.push_back({CKA_CLASS, &kind, sizeof kind});
    const std::vector<CK_OBJECT_HANDLE> keys = session.find(std::move(attributes), uri_);
    if (keys.size() == 1) return {std::move(session), keys.front()};
    if (keys.size() > 1) {
      fail(SALLY_INVALID_ARGUMENT, uri_,
           "several keys are meant: say which one with object= or id=", CKR_OK);
    }
    // Without a PIN private keys are not seen.
    const bool hidden = !pin_ && (slot.token.flags & CKF_LOGIN_REQUIRED) != 0 &&
                        (slot.token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0;
    if (hidden) fail(SALLY_CREDENTIAL_PASSPHRASE_NEEDED, uri_, "the token wants its PIN", CKR_OK);
    fail(SALLY_CREDENTIAL_NO_KEY, uri_, "the token has no such private key", CKR_OK);
  }

  CK_RV sign_with(const Login& login, const SignatureRequest& request,
                  std::string& signature) const {
    const SignatureScheme& scheme = *request.scheme;
    if (scheme.key_type != key_type_) return CKR_KEY_TYPE_INCONSISTENT;
    const Digest& digest = digest_of(scheme);
    std::string input = digested(request);
    CK_RSA_PKCS_PSS_PARAMS pss{digest.hash, digest.mgf, input.size()};
    CK_MECHANISM mechanism{CKM_ECDSA, nullptr, 0};
    if (scheme.pss) {
      mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    } else if (key_type_ == "RSA") {
      mechanism.mechanism = CKM_RSA_PKCS;
      input.insert(0, reinterpret_cast<const char*>(digest.info.data()), digest.info.size());
    }
    CK_FUNCTION_LIST* module = login.session.module;
    const CK_SESSION_HANDLE session = login.session.handle;
    CK_RV result = module->C_SignInit(session, &mechanism, login.key);
    if (result == CKR_OK && asks_each_time_ && pin_) {
      result = module->C_Login(session, CKU_CONTEXT_SPECIFIC,
                               reinterpret_cast<unsigned char*>(const_cast<char*>(pin_->c_str())),
                               pin_->view().size());
    }
    if (result != CKR_OK) return result;
    std::array<unsigned char, largest_signature> bytes{};
    CK_ULONG size = bytes.size();
    result = module->C_Sign(session, reinterpret_cast<unsigned char*>(input.data()), input.size(),
                            bytes.data(), &size);
    if (result != CKR_OK) return result;
    const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), size);
    signature = key_type_ == "EC" ? to_der(raw) : std::string(raw);
    return CKR_OK;
  }

  static bool may_be_stale(CK_RV result) {
    constexpr std::array stale = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
                                  CKR_DEVICE_REMOVED,         CKR_TOKEN_NOT_PRESENT,
                                  CKR_KEY_HANDLE_INVALID,     CKR_OBJECT_HANDLE_INVALID,
                                  CKR_USER_NOT_LOGGED_IN,     CKR_CRYPTOKI_NOT_INITIALIZED};
    return std::ranges::any_of(stale, [result](auto each) { return each == result; });
  }

  [[noreturn]] void fail_signing(CK_RV result) const {
    fail(SALLY_TOKEN_FAILED, uri_, "the token does not sign", result);
  }

  std::optional<Login> take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {};
    std::optional<Login> taken(std::move(idle_.back()));
    idle_.pop_back();
    return taken;
  }
  void give_back(Login login) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(login));
  }

  const Uri uri_;
  const std::shared_ptr<const Secret> pin_;
  std::string key_type_;
  bool asks_each_time_ = false;  // the PIN, that is
  std::mutex mutex_;
  std::vector<Login> idle_;  // sessions do one thing at a time
};

}  // namespace

std::shared_ptr<TokenSigner> open_token_key(const std::string& uri,
                                            std::shared_ptr<const Secret> pin) {
  return std::make_shared<Key>(uri, std::move(pin));
}

}  // namespace sally::tls
#endif
