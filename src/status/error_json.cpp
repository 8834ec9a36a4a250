#include "status/error_json.h"

#include "status/handshake_json.h"
#include "status/table.h"

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

namespace sally::status {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<std::int32_t, const char*> text_fields[] = {
    {SALLY_ERROR_FIELD_SUBJECT, "subject"},
    {SALLY_ERROR_FIELD_ISSUER, "issuer"},
    {SALLY_ERROR_FIELD_EXPECTED, "expected"},
    {SALLY_ERROR_FIELD_FOUND, "found"},
    {SALLY_ERROR_FIELD_SOURCE, "source"},
    {SALLY_ERROR_FIELD_ADDRESS, "address"},
    {SALLY_ERROR_FIELD_CORRELATION_ID, "correlation_id"},
    {SALLY_ERROR_FIELD_PHASE, "phase"},
};

constexpr std::array layer_words{"general", "transport", "tls", "certificate", "credential"};
constexpr std::array domain_words{"none",    "errno",   "getaddrinfo", "winsock",
                                  "hresult", "openssl", "x509",        "alert"};
constexpr std::array direction_words{"none", "sent", "received"};

static_assert(layer_words.size() == SALLY_LAYER_CREDENTIAL + 1);
static_assert(domain_words.size() == SALLY_DOMAIN_ALERT + 1);
static_assert(direction_words.size() == SALLY_ALERT_RECEIVED + 1);

template <std::size_t size>
const char* word(const std::array<const char*, size>& words, std::int32_t index) {
  const auto position = static_cast<std::size_t>(index);
  return position < size ? words[position] : "unknown";
}

Json alert_of(const sally_error& error) {
  Json alert;
  if (const char* name = error.text(SALLY_ERROR_FIELD_ALERT_NAME)) alert["name"] = name;
  alert["number"] = error.detail().alert;
  alert["direction"] = word(direction_words, error.detail().alert_direction);
  return alert;
}

Json native_of(const sally_error& error) {
  Json native;
  native["domain"] = word(domain_words, error.detail().native_domain);
  if (const char* name = error.text(SALLY_ERROR_FIELD_NATIVE_NAME)) native["name"] = name;
  native["code"] = error.detail().native_code;
  return native;
}

Json faults_of(const ErrorDetail& detail) {
  Json list = Json::array();
  for (const Fault& fault : detail.faults) {
    const Row* row = find(fault.status);
    Json json;
    json["status"] = row != nullptr ? row->name : "SALLY_UNKNOWN";
    json["code"] = fault.status;
    json["depth"] = fault.depth;
    if (!fault.subject.empty()) json["subject"] = fault.subject;
    if (!fault.native_name.empty()) json["native"] = fault.native_name;
    json["message"] = fault.message;
    json["ignored"] = fault.ignored;
    list.push_back(std::move(json));
  }
  return list;
}

std::string one_link(const sally_error& error) {
  const Row* row = find(error.status());
  Json json;
  json["status"] = row != nullptr ? row->name : "SALLY_UNKNOWN";
  json["code"] = error.status();
  json["layer"] = word(layer_words, row != nullptr ? row->layer : SALLY_LAYER_GENERAL);
  json["message"] = error.message();
  if (!error.hint().empty()) json["hint"] = error.hint();
  for (const auto& [field, key] : text_fields) {
    if (const char* text = error.text(field)) json[key] = text;
  }
  const ErrorDetail& detail = error.detail();
  if (detail.alert >= 0) json["alert"] = alert_of(error);
  if (detail.native_domain != SALLY_DOMAIN_NONE) json["native"] = native_of(error);
  if (detail.depth >= 0) json["depth"] = detail.depth;
  if (*detail.whose != '\0') json["whose"] = detail.whose;
  if (detail.judged) add_judged(json, *detail.judged);
  if (detail.handshake) json["handshake"] = to_json(*detail.handshake);
  if (!detail.faults.empty()) json["faults"] = faults_of(detail);
  return json.dump();
}

}  // namespace

// Link by link: a nested value would be built, printed and destroyed by recursion.
std::string to_json(const sally_error& error) {
  std::string json = one_link(error);
  std::size_t open = 1;
  for (const sally_error* cause = error.detail().cause.get(); cause != nullptr;
       cause = cause->detail().cause.get()) {
    json.pop_back();
    json += ",\"cause\":";
    json += one_link(*cause);
    ++open;
  }
  return json.append(open - 1, '}');
}

}  // namespace sally::status
