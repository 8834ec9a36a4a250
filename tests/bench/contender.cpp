#include "bench/contender.h"

#include <functional>
#include <stdexcept>
#include <utility>

namespace sally::bench {

namespace {

using Make = std::function<std::unique_ptr<Contender>()>;

const std::vector<std::pair<std::string, Make>>& contenders() {
  static const std::vector<std::pair<std::string, Make>> all = {
      {"openssl", [] { return make_raw_openssl(RawMode::blocking); }},
      {"openssl-poll", [] { return make_raw_openssl(RawMode::non_blocking); }},
      {"openssl-lean", [] { return make_raw_openssl(RawMode::lean); }},
      {"asio", [] { return make_asio(); }},
      {"sally", [] { return make_sallyport(SallyMode::blocking); }},
      {"sally-queue", [] { return make_sallyport(SallyMode::queue); }},
      {"sally-queue-fd", [] { return make_sallyport(SallyMode::watched); }},
      {"sally-caller-run", [] { return make_sallyport(SallyMode::caller_run); }},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& contender_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, make] : contenders()) all.push_back(name);
    return all;
  }();
  return names;
}

std::unique_ptr<Contender> make_contender(const std::string& name) {
  for (const auto& [each, make] : contenders()) {
    if (each == name) return make();
  }
  throw std::runtime_error("there is no contender " + name);
}

}  // namespace sally::bench
