#include "abi/argument_cases.h"
#include "lib/zoo.h"

#include <deque>

namespace sally::test {

namespace {

// The functions that credentials and trust stores have alike.
template <class Handle>
struct SourceFunctions {
  const char* noun;
  sally_status (*reload)(Handle*, sally_error**);
  sally_status (*replace)(Handle*, const Handle*, sally_error**);
  sally_status (*watch)(Handle*, sally_error**);
  sally_status (*reload_status)(const Handle*, sally_error**);
  std::uint64_t (*generation)(const Handle*);
  std::function<Handle*(World&)> of;
};

template <class Handle>
void append_source_cases(ArgumentCases& cases, const SourceFunctions<Handle>& functions) {
  static std::deque<std::string> names;  // the cases keep them by address
  const auto name = [&](const char* verb) {
    return names.emplace_back(std::string("sally_") + functions.noun + "_" + verb).c_str();
  };
  const auto of = functions.of;
  const auto takes_one = [&](const char* verb, auto function) {
    const char* full = name(verb);
    cases.push_back(
        answers(full, "a NULL handle", SALLY_INVALID_ARGUMENT,
                [=](World&, Outputs&, sally_error** error) { return function(nullptr, error); }));
    cases.push_back(answers(
        full, "its handle", SALLY_OK,
        [=](World& world, Outputs&, sally_error** error) { return function(of(world), error); }));
  };
  takes_one("reload", functions.reload);
  takes_one("watch", functions.watch);
  takes_one("reload_status", functions.reload_status);
  const char* replace = name("replace");
  cases.push_back(answers(replace, "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return functions.replace(nullptr, of(world), error);
                          }));
  cases.push_back(answers(replace, "NULL instead of the next", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return functions.replace(of(world), nullptr, error);
                          }));
  cases.push_back(
      answers(replace, "itself", SALLY_OK, [=](World& world, Outputs&, sally_error** error) {
        return functions.replace(of(world), of(world), error);
      }));
  cases.push_back(gives(name("generation"), "NULL and its handle", [=](World& world) {
    EXPECT_EQ(functions.generation(nullptr), 0u);
    EXPECT_GE(functions.generation(of(world)), 1u);
  }));
}

}  // namespace

ArgumentCases source_cases() {
  ArgumentCases cases;
  append_source_cases<sally_credential>(
      cases, {"credential", sally_credential_reload, sally_credential_replace,
              sally_credential_watch, sally_credential_reload_status, sally_credential_generation,
              [](World& world) { return world.credential.get(); }});
  append_source_cases<sally_trust_store>(
      cases, {"trust_store", sally_trust_store_reload, sally_trust_store_replace,
              sally_trust_store_watch, sally_trust_store_reload_status,
              sally_trust_store_generation, [](World& world) { return world.trust.get(); }});
  cases.push_back(gives("sally_credential_not_after", "NULL", [](World& world) {
    EXPECT_EQ(sally_credential_not_after(nullptr), 0);
    EXPECT_GT(sally_credential_not_after(world.credential.get()), 0);
  }));
  return cases;
}

}  // namespace sally::test
