#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/peer_name.h"
#include "tls/offline.h"
#include "tls/peer_policy.h"

#include <cstddef>

#include <sallyport/verify.h>

using sally::abi::copy_options;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::Purpose;

namespace {

static_assert(sizeof(sally_verify_options) == 2 * sizeof(std::uint32_t) + 5 * sizeof(void*) +
                                                  2 * sizeof(std::size_t) +
                                                  2 * sizeof(std::int32_t) + sizeof(std::int64_t),
              "no padding");

sally::tls::PeerName to_name(const sally_verify_options& options) {
  if (options.name == nullptr) return {};
  require(*options.name != '\0', "name is empty");
  if (options.name_kind == SALLY_NAME_EMAIL) {
    const auto allowed = sally::tls::to_allowed_peer(SALLY_NAME_EMAIL, options.name);
    return {.text = allowed.pattern, .is_email = true};
  }
  sally::tls::PeerName name = sally::abi::to_peer_name(options.name);
  require(options.name_kind == 0 || name.is_ip == (options.name_kind == SALLY_NAME_IP),
          "name is not of the kind that name_kind says");
  return name;
}

Purpose to_purpose(std::int32_t purpose, std::int32_t role) {
  switch (purpose) {
    case SALLY_PURPOSE_DEFAULT:
      return role == SALLY_ROLE_SERVER ? Purpose::client : Purpose::server;
    case SALLY_PURPOSE_SERVER:
      return Purpose::server;
    case SALLY_PURPOSE_CLIENT:
      return Purpose::client;
    default:
      return Purpose::any;
  }
}

std::string_view to_view(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

void check(const sally_verify_options& options) {
  require(options.flags == 0, "a flag is set that does not exist");
  require(options.leaf != nullptr, "leaf is NULL");
  require(options.intermediates != nullptr || options.intermediates_size == 0,
          "intermediates is NULL with a size");
  require(options.purpose >= SALLY_PURPOSE_DEFAULT && options.purpose <= SALLY_PURPOSE_ANY,
          "purpose is not a SALLY_PURPOSE_*");
  require(options.name_kind >= 0 && options.name_kind <= SALLY_NAME_EMAIL,
          "name_kind is not SALLY_NAME_DNS, _IP or _EMAIL");
  require(options.time >= 0 && options.time <= sally::tls::latest_time,
          "time is negative or after the year 9999");
}

}  // namespace

sally_status sally_verify(const sally_verify_options* options, sally_verdict** verdict,
                          sally_error** error) {
  return guarded(error, [&] {
    const sally_verify_options given = copy_options(options);
    require(verdict != nullptr, "verdict is NULL");
    check(given);
    sally::tls::Settings settings;
    if (given.config != nullptr) settings = usable(given.config).object->settings();
    if (given.trust != nullptr) settings.trust = usable(given.trust).object->current();
    if (given.time != 0) settings.rules.time = given.time;
    *verdict = new sally_verdict(sally::tls::judge_offline(
        {.trust = settings.trust,
         .leaf = to_view(given.leaf, given.leaf_size),
         .intermediates = to_view(given.intermediates, given.intermediates_size),
         .purpose = to_purpose(given.purpose, settings.role),
         .name = to_name(given),
         .rules = settings.rules}));
    return SALLY_OK;
  });
}

sally_status sally_verdict_status(const sally_verdict* verdict) {
  return verdict != nullptr ? verdict->data.error->status() : sally_status{SALLY_INVALID_ARGUMENT};
}

const sally_error* sally_verdict_error(const sally_verdict* verdict) {
  return verdict != nullptr ? verdict->data.error.get() : nullptr;
}

size_t sally_verdict_chain_count(const sally_verdict* verdict) {
  return verdict != nullptr ? verdict->data.chain.size() : 0;
}

sally_certificate* sally_verdict_chain(const sally_verdict* verdict, size_t index) {
  return index < sally_verdict_chain_count(verdict) ? verdict->data.chain[index].get() : nullptr;
}

int32_t sally_verdict_pin_matched(const sally_verdict* verdict) {
  return verdict != nullptr && verdict->data.pin_matched ? 1 : 0;
}

const char* sally_verdict_json(const sally_verdict* verdict) {
  return verdict != nullptr ? verdict->data.json.c_str() : "null";
}

sally_verdict* sally_verdict_retain(sally_verdict* verdict) {
  if (verdict != nullptr) verdict->retain();
  return verdict;
}

void sally_verdict_release(sally_verdict* verdict) {
  if (verdict != nullptr) verdict->release();
}
