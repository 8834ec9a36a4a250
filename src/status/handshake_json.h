// What an error tells of a handshake, as JSON: sdk/docs/error-json.md.
#pragma once

#include "status/handshake_facts.h"

#include <nlohmann/json.hpp>

namespace sally::status {

nlohmann::ordered_json to_json(const HandshakeFacts& facts);
// "validity" and "chain", where they are there, into the object of a link.
void add_judged(nlohmann::ordered_json& link, const JudgedFacts& judged);

}  // namespace sally::status
