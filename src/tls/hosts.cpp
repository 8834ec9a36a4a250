#include "tls/hosts.h"

#include "status/error.h"
#include "tls/context.h"
#include "tls/server_name.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sally::tls {

void Hosts::check(std::string_view name_or_wildcard) const {
  const std::string pattern = to_name_pattern(name_or_wildcard);
  if (pattern.empty()) {
    throw Failure(SALLY_INVALID_ARGUMENT,
                  {.message = "a host's name is no DNS name, nor '*.' and one of two labels",
                   .found = std::string(name_or_wildcard.substr(0, 256))});
  }
  if (configs_.has(pattern)) {
    throw Failure(SALLY_INVALID_ARGUMENT,
                  {.message = "the config has a host of this name", .found = pattern});
  }
}

void Hosts::add(std::string_view name_or_wildcard, Ref<Config> config) {
  configs_.at(to_name_pattern(name_or_wildcard)) = std::move(config);
}

Ref<Config> Hosts::find(std::string_view server_name) const {
  const std::string name = to_name_pattern(server_name);
  const Ref<Config>* found = configs_.exact(name);
  if (found == nullptr) found = configs_.wildcard(name);
  return found != nullptr ? *found : Ref<Config>();
}

void Hosts::freeze() const {
  for (const auto& [name, config] : configs_) {
    try {
      config->freeze();
    } catch (const Failure& failure) {
      throw Failure(amend(failure.error(), [&name = name](ErrorDetail& detail) {
        detail.message = "host '" + name + "': " + detail.message;
      }));
    }
  }
}

std::vector<std::string> Hosts::names() const {
  std::vector<std::string> names;
  for (const auto& [name, config] : configs_) names.push_back(name);
  std::ranges::sort(names);
  return names;
}

std::uint32_t Hosts::questions() const {
  std::uint32_t all = 0;
  for (const auto& [name, config] : configs_) all |= config->questions();
  return all;
}

}  // namespace sally::tls
