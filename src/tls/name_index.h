// Values by the DNS names that they are for, one name or all of a wildcard: a look-up costs a hash or
// two, however many there are.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sally::tls {

// Names and patterns are those of server_name.h.
template <class Value>
class NameIndex {
 public:
  // What the pattern stands for; made where there is nothing yet.
  Value& at(const std::string& pattern) { return values_[pattern]; }
  bool has(const std::string& pattern) const { return values_.contains(pattern); }

  // What was added for this very name; null: nothing.
  const Value* exact(std::string_view name) const {
    return name.starts_with('*') ? nullptr : find(std::string(name));
  }
  // RFC 9525 section 6.3: a wildcard stands for one whole label, the left-most.
  const Value* wildcard(std::string_view name) const {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || name.starts_with('*')) return nullptr;
    return find("*" + std::string(name.substr(dot)));
  }

  bool empty() const noexcept { return values_.empty(); }
  auto begin() const noexcept { return values_.begin(); }
  auto end() const noexcept { return values_.end(); }

 private:
  const Value* find(const std::string& pattern) const {
    const auto found = values_.find(pattern);
    return found != values_.end() ? &found->second : nullptr;
  }

  std::unordered_map<std::string, Value> values_;
};

}  // namespace sally::tls
