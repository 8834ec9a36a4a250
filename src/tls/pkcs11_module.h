// p11-kit, the modules that it knows, and the sessions with their tokens. Only where the build has
// p11-kit's headers; the library itself is loaded when it is first needed.
#pragma once

#include "status/error.h"
#include "tls/material.h"

#include <memory>
#include <optional>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <string>
#include <vector>

namespace sally::tls::pkcs11 {

// The functions of p11-kit, by their names there without the prefix.
struct Kit {
  Kit();
  decltype(&::p11_kit_uri_new) uri_new;
  decltype(&::p11_kit_uri_free) uri_free;
  decltype(&::p11_kit_uri_parse) uri_parse;
  decltype(&::p11_kit_uri_message) uri_message;
  decltype(&::p11_kit_uri_any_unrecognized) uri_any_unrecognized;
  decltype(&::p11_kit_uri_match_module_info) uri_match_module_info;
  decltype(&::p11_kit_uri_match_slot_info) uri_match_slot_info;
  decltype(&::p11_kit_uri_match_token_info) uri_match_token_info;
  decltype(&::p11_kit_uri_get_slot_id) uri_get_slot_id;
  decltype(&::p11_kit_uri_get_attribute) uri_get_attribute;
  decltype(&::p11_kit_uri_get_pin_value) uri_get_pin_value;
  decltype(&::p11_kit_uri_get_pin_source) uri_get_pin_source;
  decltype(&::p11_kit_uri_get_module_path) uri_get_module_path;
  decltype(&::p11_kit_modules_load_and_initialize) modules_load_and_initialize;
  decltype(&::p11_kit_modules_release) modules_release;
  decltype(&::p11_kit_module_load) module_load;
  decltype(&::p11_kit_module_initialize) module_initialize;
  decltype(&::p11_kit_module_release) module_release;
  decltype(&::p11_kit_message) message;
  decltype(&::p11_kit_strerror) strerror;
};
// Throws Failure(SALLY_NOT_SUPPORTED).
const Kit& kit();

// A URI that was read. Throws Failure.
class Uri {
 public:
  explicit Uri(const std::string& text);
  P11KitUri* get() const noexcept { return uri_.get(); }
  const std::string& shown() const noexcept { return shown_; }
  // The PIN that it gives or tells the place of; null: neither.
  std::shared_ptr<const Secret> pin() const;
  // What it says of an object: its label and its id.
  std::vector<CK_ATTRIBUTE> object() const;

 private:
  std::unique_ptr<P11KitUri, void (*)(P11KitUri*)> uri_;
  std::string shown_;
};

// Modules end themselves while the program exits, and crash where they are called afterwards: what
// calls them holds one of these. False: there is nothing to be called any more.
class ModuleUse {
 public:
  ModuleUse() noexcept;
  ~ModuleUse();
  ModuleUse(const ModuleUse&) = delete;
  ModuleUse& operator=(const ModuleUse&) = delete;
  explicit operator bool() const noexcept { return usable_; }

 private:
  bool usable_ = false;
};
// Once more after a module was used as far as it will be: what it makes later ends earlier.
void watch_for_exit() noexcept;

// How a call to a token ended, as an error. Throws it.
[[noreturn]] void fail(sally_status status, const Uri& uri, const std::string& what, CK_RV result);
void require(CK_RV result, const Uri& uri, const char* what);

struct Slot {
  CK_FUNCTION_LIST* module = nullptr;
  CK_SLOT_ID id = 0;
  CK_TOKEN_INFO token{};
};
// Those whose token the URI describes, at least one. Throws Failure.
std::vector<Slot> find_slots(const Uri& uri);

class Session {
 public:
  Session(const Slot& slot, const Uri& uri);
  ~Session();
  Session(Session&& other) noexcept;
  Session& operator=(Session&&) = delete;

  // Nothing where it takes no PIN. Throws Failure: see open_token_key.
  void log_in(const Slot& slot, const Uri& uri, const Secret* pin);
  // With these attributes.
  std::vector<CK_OBJECT_HANDLE> find(std::vector<CK_ATTRIBUTE> attributes, const Uri& uri);
  // Nothing: the object has no such attribute.
  std::optional<std::string> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

  CK_FUNCTION_LIST* module = nullptr;
  CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
};

}  // namespace sally::tls::pkcs11
