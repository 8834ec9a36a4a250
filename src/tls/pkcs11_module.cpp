#if defined(SALLYPORT_HAS_PKCS11)
#include "tls/pkcs11_module.h"

#include "tls/pem.h"
#include "tls/pkcs11.h"
#include "transport/fork.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <new>
#include <openssl/crypto.h>
#include <span>
#include <utility>

namespace sally::tls::pkcs11 {

namespace {

constexpr const char* library_name = "libp11-kit.so.0";

class Library {
 public:
  // Never unloaded: modules have threads and handlers of their own.
  Library() : handle_(::dlopen(library_name, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) fail(std::string(library_name) + " cannot be loaded");
  }
  template <class Function>
  void find(Function& function, const char* name) const {
    function = reinterpret_cast<Function>(::dlsym(handle_, name));
    if (function == nullptr) fail(std::string(library_name) + " has no " + name);
  }

 private:
  [[noreturn]] static void fail(std::string what) {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = std::move(what),
                   .hint = "Tokens are reached through p11-kit: install its library (libp11-kit0).",
                   .phase = "load"});
  }
  void* handle_;
};

transport::PerProcess<Kit> shared_kit;

}  // namespace

namespace {

// How long an exit waits for what tokens are doing just then.
constexpr std::chrono::seconds patience{2};

struct Exit {
  std::mutex mutex;
  std::condition_variable unused;
  std::size_t users = 0;
  bool begun = false;
};
transport::PerProcess<Exit> at_exit;

void end_use() noexcept {
  Exit* exit = at_exit.existing();
  if (exit == nullptr) return;
  std::unique_lock lock(exit->mutex);
  if (std::exchange(exit->begun, true)) return;
  exit->unused.wait_for(lock, patience, [exit] { return exit->users == 0; });
}

}  // namespace

void watch_for_exit() noexcept {
  static_cast<void>(std::atexit(&end_use));
}

ModuleUse::ModuleUse() noexcept {
  Exit* exit = at_exit.existing();
  if (exit == nullptr) return;
  const std::lock_guard lock(exit->mutex);
  usable_ = !exit->begun;
  if (usable_) ++exit->users;
}

ModuleUse::~ModuleUse() {
  if (!usable_) return;
  Exit* exit = at_exit.existing();
  const std::lock_guard lock(exit->mutex);
  if (--exit->users == 0) exit->unused.notify_all();
}

Kit::Kit() {
  const Library library;
  library.find(uri_new, "p11_kit_uri_new");
  library.find(uri_free, "p11_kit_uri_free");
  library.find(uri_parse, "p11_kit_uri_parse");
  library.find(uri_message, "p11_kit_uri_message");
  library.find(uri_any_unrecognized, "p11_kit_uri_any_unrecognized");
  library.find(uri_match_module_info, "p11_kit_uri_match_module_info");
  library.find(uri_match_slot_info, "p11_kit_uri_match_slot_info");
  library.find(uri_match_token_info, "p11_kit_uri_match_token_info");
  library.find(uri_get_slot_id, "p11_kit_uri_get_slot_id");
  library.find(uri_get_attribute, "p11_kit_uri_get_attribute");
  library.find(uri_get_pin_value, "p11_kit_uri_get_pin_value");
  library.find(uri_get_pin_source, "p11_kit_uri_get_pin_source");
  library.find(uri_get_module_path, "p11_kit_uri_get_module_path");
  library.find(modules_load_and_initialize, "p11_kit_modules_load_and_initialize");
  library.find(modules_release, "p11_kit_modules_release");
  library.find(module_load, "p11_kit_module_load");
  library.find(module_initialize, "p11_kit_module_initialize");
  library.find(module_release, "p11_kit_module_release");
  library.find(message, "p11_kit_message");
  library.find(strerror, "p11_kit_strerror");
  at_exit.get();
}

const Kit& kit() {
  return shared_kit.get();
}

Uri::Uri(const std::string& text) : uri_(kit().uri_new(), kit().uri_free), shown_(shown_uri(text)) {
  if (!uri_) throw std::bad_alloc();
  const int result = kit().uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri_.get());
  const bool whole = result == P11_KIT_URI_OK && kit().uri_any_unrecognized(uri_.get()) == 0;
  if (whole) return;
  const char* why = result != P11_KIT_URI_OK ? kit().uri_message(result) : nullptr;
  throw Failure(SALLY_INVALID_ARGUMENT,
                {.message = "'" + shown_ + "' is no PKCS#11 URI that can be understood (RFC 7512)" +
                            (why != nullptr ? std::string(": ") + why : std::string()),
                 .source = shown_,
                 .phase = "load"});
}

std::shared_ptr<const Secret> Uri::pin() const {
  if (const char* value = kit().uri_get_pin_value(get())) {
    return std::make_shared<const Secret>(value);
  }
  const char* place = kit().uri_get_pin_source(get());
  if (place == nullptr) return nullptr;
  if (*place == '|') {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = "a pin-source that is a program", .source = shown_, .phase = "load"});
  }
  const PemSource file = PemSource::from_uri(place);
  std::string_view text = file.bytes();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return std::make_shared<const Secret>(text);
}

std::vector<CK_ATTRIBUTE> Uri::object() const {
  std::vector<CK_ATTRIBUTE> attributes;
  for (const CK_ATTRIBUTE_TYPE type : {CKA_LABEL, CKA_ID}) {
    if (const CK_ATTRIBUTE* given = kit().uri_get_attribute(get(), type))
      attributes.push_back(*given);
  }
  return attributes;
}

void fail(sally_status status, const Uri& uri, const std::string& what, CK_RV result) {
  ErrorDetail detail{
      .message = "'" + uri.shown() + "': " + what, .source = uri.shown(), .phase = "load"};
  if (result != CKR_OK) detail.found = kit().strerror(result);
  throw Failure(status, std::move(detail));
}

void require(CK_RV result, const Uri& uri, const char* what) {
  if (result != CKR_OK) fail(SALLY_TOKEN_FAILED, uri, what, result);
}

namespace {

// Those that p11-kit is configured with, and those that URIs name; never finalized.
class Modules {
 public:
  std::vector<CK_FUNCTION_LIST*> registered() {
    const std::lock_guard lock(mutex_);
    if (registered_.empty()) {
      if (list_ != nullptr) kit().modules_release(list_);  // an empty one
      list_ = kit().modules_load_and_initialize(0);
      for (auto each = list_; each != nullptr && *each != nullptr; ++each) {
        registered_.push_back(*each);
      }
      watch_for_exit();
    }
    return registered_;
  }
  // Null where it cannot be used.
  CK_FUNCTION_LIST* at(const std::string& path) {
    const std::lock_guard lock(mutex_);
    CK_FUNCTION_LIST*& known = named_[path];
    if (known != nullptr) return known;
    CK_FUNCTION_LIST* module = kit().module_load(path.c_str(), 0);
    if (module == nullptr) return nullptr;
    if (kit().module_initialize(module) != CKR_OK) {
      kit().module_release(module);
      return nullptr;
    }
    watch_for_exit();
    return known = module;
  }

  // With which PIN we are logged in, by the token's name for itself; a token does not look at the
  // PIN of who comes second.
  void remember_pin(const std::string& token, const Secret& pin) {
    const std::lock_guard lock(mutex_);
    pins_[token] = std::make_shared<const Secret>(pin.view());
  }
  bool is_another_pin(const std::string& token, const Secret& pin) {
    const std::lock_guard lock(mutex_);
    const auto known = pins_.find(token);
    if (known == pins_.end()) return false;
    const std::string_view before = known->second->view();
    return before.size() != pin.view().size() ||
           CRYPTO_memcmp(before.data(), pin.c_str(), before.size()) != 0;
  }

 private:
  std::mutex mutex_;
  CK_FUNCTION_LIST** list_ = nullptr;  // p11-kit's, which ends the modules with it
  std::vector<CK_FUNCTION_LIST*> registered_;
  std::map<std::string, CK_FUNCTION_LIST*> named_;
  std::map<std::string, std::shared_ptr<const Secret>> pins_;
};

transport::PerProcess<Modules> modules;

std::vector<CK_FUNCTION_LIST*> modules_for(const Uri& uri) {
  const char* path = kit().uri_get_module_path(uri.get());
  if (path == nullptr) {
    auto registered = modules.get().registered();
    if (registered.empty())
      fail(SALLY_TOKEN_MODULE_UNAVAILABLE, uri, "p11-kit is configured with no module", CKR_OK);
    return registered;
  }
  if (CK_FUNCTION_LIST* module = modules.get().at(path)) return {module};
  const char* why = kit().message();
  fail(SALLY_TOKEN_MODULE_UNAVAILABLE, uri,
       std::string("module '") + path + "'" +
           (why != nullptr ? std::string(": ") + why : std::string()),
       CKR_OK);
}

bool matches(const Uri& uri, CK_FUNCTION_LIST* module, CK_SLOT_ID id) {
  const CK_SLOT_ID wanted = kit().uri_get_slot_id(uri.get());
  if (wanted != static_cast<CK_SLOT_ID>(-1) && wanted != id) return false;
  CK_SLOT_INFO info{};
  return module->C_GetSlotInfo(id, &info) == CKR_OK &&
         kit().uri_match_slot_info(uri.get(), &info) == 1;
}

std::vector<CK_SLOT_ID> slots_with_tokens(CK_FUNCTION_LIST* module) {
  CK_ULONG count = 0;
  if (module->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) return {};
  std::vector<CK_SLOT_ID> slots(count);
  if (module->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) return {};
  slots.resize(std::min<std::size_t>(slots.size(), count));
  return slots;
}

}  // namespace

std::vector<Slot> find_slots(const Uri& uri) {
  std::vector<Slot> found;
  for (CK_FUNCTION_LIST* module : modules_for(uri)) {
    CK_INFO info{};
    const bool fits =
        module->C_GetInfo(&info) == CKR_OK && kit().uri_match_module_info(uri.get(), &info) == 1;
    if (!fits) continue;
    for (const CK_SLOT_ID id : slots_with_tokens(module)) {
      Slot slot{module, id};
      const bool is_it = matches(uri, module, id) &&
                         module->C_GetTokenInfo(id, &slot.token) == CKR_OK &&
                         (slot.token.flags & CKF_TOKEN_INITIALIZED) != 0 &&
                         kit().uri_match_token_info(uri.get(), &slot.token) == 1;
      if (is_it) found.push_back(slot);
    }
  }
  if (found.empty()) fail(SALLY_TOKEN_NOT_FOUND, uri, "no slot has such a token", CKR_OK);
  return found;
}

namespace {

std::string name_of(const CK_TOKEN_INFO& token) {
  std::string name;
  for (const std::span<const unsigned char> part :
       {std::span<const unsigned char>(token.label), std::span<const unsigned char>(token.model),
        std::span<const unsigned char>(token.serialNumber)})
    name.append(part.begin(), part.end());
  return name;
}

}  // namespace

Session::Session(const Slot& slot, const Uri& uri) : module(slot.module) {
  require(module->C_OpenSession(slot.id, CKF_SERIAL_SESSION, nullptr, nullptr, &handle), uri,
          "no session with the token");
}

Session::~Session() {
  if (handle == CK_INVALID_HANDLE) return;
  if (const ModuleUse use; use) module->C_CloseSession(handle);
}

Session::Session(Session&& other) noexcept
    : module(other.module), handle(std::exchange(other.handle, CK_INVALID_HANDLE)) {}

void Session::log_in(const Slot& slot, const Uri& uri, const Secret* pin) {
  const bool has_own_keypad = (slot.token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
  if ((slot.token.flags & CKF_LOGIN_REQUIRED) == 0 || (pin == nullptr && !has_own_keypad)) return;
  auto* text =
      pin != nullptr ? reinterpret_cast<unsigned char*>(const_cast<char*>(pin->c_str())) : nullptr;
  const CK_ULONG size = pin != nullptr ? pin->view().size() : 0;
  switch (const CK_RV result = module->C_Login(handle, CKU_USER, text, size)) {
    case CKR_OK:
      if (pin != nullptr) modules.get().remember_pin(name_of(slot.token), *pin);
      return;
    case CKR_USER_ALREADY_LOGGED_IN:
      if (pin == nullptr || !modules.get().is_another_pin(name_of(slot.token), *pin)) return;
      fail(SALLY_CREDENTIAL_WRONG_PASSPHRASE, uri, "this program logged in with another PIN",
           CKR_OK);
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      fail(SALLY_CREDENTIAL_WRONG_PASSPHRASE, uri, "the token refuses the PIN", result);
    case CKR_PIN_LOCKED:
      fail(SALLY_TOKEN_PIN_LOCKED, uri, "the token takes no PIN any more", result);
    default:
      fail(SALLY_TOKEN_FAILED, uri, "the token lets nobody log in", result);
  }
}

std::vector<CK_OBJECT_HANDLE> Session::find(std::vector<CK_ATTRIBUTE> attributes, const Uri& uri) {
  require(module->C_FindObjectsInit(handle, attributes.data(), attributes.size()), uri,
          "the token does not search");
  std::vector<CK_OBJECT_HANDLE> found;
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  CK_ULONG count = 0;
  CK_RV result = CKR_OK;
  do {
    count = 0;
    result = module->C_FindObjects(handle, &object, 1, &count);
    if (result == CKR_OK && count == 1) found.push_back(object);
  } while (result == CKR_OK && count == 1);
  module->C_FindObjectsFinal(handle);
  require(result, uri, "the token does not search");
  return found;
}

std::optional<std::string> Session::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (module->C_GetAttributeValue(handle, object, &wanted, 1) != CKR_OK) return {};
  if (wanted.ulValueLen == static_cast<CK_ULONG>(-1)) return {};
  std::string value(wanted.ulValueLen, '\0');
  wanted.pValue = value.data();
  if (module->C_GetAttributeValue(handle, object, &wanted, 1) != CKR_OK) return {};
  value.resize(wanted.ulValueLen);
  return value;
}

}  // namespace sally::tls::pkcs11
#endif
