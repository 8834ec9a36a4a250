// As much of JSON Schema (draft 2020-12) as those of sdk/docs use; a word that is not known
// here throws. Members that the schema does not describe are faults, which they are not for others:
// what the library writes is to be documented.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex.h>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sally::test {

class JsonSchema {
 public:
  using Json = nlohmann::json;

  explicit JsonSchema(Json schema) : schema_(std::move(schema)) {}
  static JsonSchema of_errors() { return documented("error"); }
  static JsonSchema of_stream_information() { return documented("stream-info"); }
  static JsonSchema of_traces() { return documented("trace"); }

  // "/alert/number: is not an integer"; empty where all is well.
  std::vector<std::string> faults(const Json& value) const {
    std::vector<std::string> found;
    check(schema_, value, "", found);
    return found;
  }

 private:
  using Faults = std::vector<std::string>;

  static JsonSchema documented(const std::string& name) {
    std::ifstream file(SALLYPORT_SOURCE_DIR "/sdk/docs/" + name + ".schema.json");
    return JsonSchema(Json::parse(file));
  }

  static bool is_of_type(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    throw std::runtime_error("a type that is not known here: " + type);
  }

  static void require_known(const Json& schema) {
    static const std::set<std::string> known = {
        "$schema", "$ref",     "$defs", "title",   "description", "type",    "properties", "anyOf",
        "items",   "required", "enum",  "pattern", "minimum",     "maximum", "maxItems"};
    for (const auto& [word, meaning] : schema.items()) {
      if (!known.contains(word)) throw std::runtime_error("a word that is not known here: " + word);
    }
  }

  static bool matches(const std::string& pattern, const std::string& text) {
    regex_t compiled{};
    if (regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
      throw std::runtime_error("a pattern that is not known here: " + pattern);
    const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return found;
  }

  void check(const Json& schema, const Json& value, const std::string& at, Faults& found) const {
    require_known(schema);
    const auto fault = [&](const std::string& what) { found.push_back(at + ": " + what); };
    if (schema.contains("$ref")) {
      const auto place = schema.at("$ref").get<std::string>().substr(1);
      check(schema_.at(Json::json_pointer(place)), value, at, found);
    }
    if (schema.contains("anyOf") && !fits_any(schema.at("anyOf"), value)) fault("fits nothing");
    if (schema.contains("type") && !is_of_type(schema.at("type"), value)) {
      return fault("is no " + schema.at("type").get<std::string>());
    }
    if (schema.contains("enum")) {
      const Json& allowed = schema.at("enum");
      if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) fault("is no choice");
    }
    if (schema.contains("pattern") && !matches(schema.at("pattern"), value))
      fault("does not match");
    if (schema.contains("minimum") && value < schema.at("minimum")) fault("is too small");
    if (schema.contains("maximum") && value > schema.at("maximum")) fault("is too great");
    if (value.is_array()) check_items(schema, value, at, found);
    if (schema.contains("properties")) check_members(schema, value, at, found);
  }

  bool fits_any(const Json& choices, const Json& value) const {
    for (const Json& choice : choices) {
      Faults found;
      check(choice, value, "", found);
      if (found.empty()) return true;
    }
    return false;
  }

  void check_items(const Json& schema, const Json& value, const std::string& at,
                   Faults& found) const {
    if (schema.contains("maxItems") && value.size() > schema.at("maxItems").get<std::size_t>())
      found.push_back(at + ": is too long");
    for (std::size_t i = 0; i < value.size(); ++i)
      check(schema.at("items"), value[i], at + "/" + std::to_string(i), found);
  }

  void check_members(const Json& schema, const Json& value, const std::string& at,
                     Faults& found) const {
    const Json& members = schema.at("properties");
    for (const auto& [name, member] : value.items()) {
      if (members.contains(name))
        check(members.at(name), member, at + "/" + name, found);
      else
        found.push_back(at + "/" + name + ": is not documented");
    }
    if (!schema.contains("required")) return;
    for (const Json& name : schema.at("required")) {
      if (!value.contains(name.get<std::string>()))
        found.push_back(at + "/" + name.get<std::string>() + ": is missing");
    }
  }

  Json schema_;
};

}  // namespace sally::test
