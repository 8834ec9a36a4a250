// Virtual hosts: the configs by which a server serves clients that ask for certain names.
#pragma once

#include "status/ref.h"
#include "tls/config.h"
#include "tls/name_index.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

class Hosts {
 public:
  // Throws Failure(SALLY_INVALID_ARGUMENT): no such name can be, or it has a config already.
  void check(std::string_view name_or_wildcard) const;
  // One that passes.
  void add(std::string_view name_or_wildcard, Ref<Config> config);

  // For the name that a client asked for: by name before by wildcard. Null: no host.
  Ref<Config> find(std::string_view server_name) const;
  // Throws Failure where one of them cannot be used.
  void freeze() const;
  // In order.
  std::vector<std::string> names() const;
  // Of all of them.
  std::uint32_t questions() const;

 private:
  NameIndex<Ref<Config>> configs_;
};

}  // namespace sally::tls
