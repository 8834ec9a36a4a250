// Runs the table of argument cases, and holds it against the symbols that the library exports.
#include "abi/argument_cases.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <set>

using namespace sally::test;

namespace {

void run(const ArgumentCases& cases) {
  World world;
  for (const ArgumentCase& argument_case : cases) {
    SCOPED_TRACE(std::string(argument_case.function) + " with " + argument_case.what);
    argument_case.check(world);
  }
}

std::set<std::string> functions_with_cases() {
  std::set<std::string> names;
  for (const ArgumentCases& cases :
       {plain_cases(), material_cases(), verification_cases(), runtime_cases(), stream_cases(),
        stream_verb_cases(), listener_cases(), async_cases(), source_cases(), key_cases(),
        decision_cases(), identity_cases(), trace_cases()}) {
    for (const ArgumentCase& argument_case : cases) names.insert(argument_case.function);
  }
  return names;
}

// Lines such as "00000000000827f0 T sally_bytes_data@@SALLYPORT_0.1".
std::set<std::string> exported_functions() {
  const std::unique_ptr<FILE, int (*)(FILE*)> output(
      ::popen("nm -D --defined-only '" SALLYPORT_LIBRARY "'", "r"), &::pclose);
  std::set<std::string> names;
  char line[512];
  while (std::fgets(line, sizeof line, output.get()) != nullptr) {
    const std::string text = line;
    const std::size_t name = text.find(" T ");
    if (name != std::string::npos)
      names.insert(text.substr(name + 3, text.find_first_of("@\n") - name - 3));
  }
  return names;
}

}  // namespace

TEST(Arguments, OfFunctionsOnPlainDataAreChecked) {
  run(plain_cases());
}
TEST(Arguments, OfFunctionsOnCredentialsAndConfigsAreChecked) {
  run(material_cases());
}
TEST(Arguments, OfFunctionsOnTracesAreChecked) {
  run(trace_cases());
}
TEST(Arguments, OfFunctionsThatReloadAreChecked) {
  run(source_cases());
}
TEST(Arguments, OfFunctionsOnVerificationAreChecked) {
  run(verification_cases());
}
TEST(Arguments, OfFunctionsOnStreamsAreChecked) {
  run(stream_cases());
}
TEST(Arguments, OfFunctionsOnRuntimesAndQueuesAreChecked) {
  run(runtime_cases());
}
TEST(Arguments, OfFurtherVerbsOfStreamsAreChecked) {
  run(stream_verb_cases());
}
TEST(Arguments, OfAsynchronousFunctionsAreChecked) {
  run(async_cases());
}
TEST(Arguments, OfFunctionsOnPoliciesAndKeysAreChecked) {
  run(key_cases());
}
TEST(Arguments, OfFunctionsOnDecisionsAreChecked) {
  run(decision_cases());
}
TEST(Arguments, OfFunctionsOnWhoASideIsAreChecked) {
  run(identity_cases());
}
TEST(Arguments, OfFunctionsOnListenersAreChecked) {
  run(listener_cases());
}

TEST(Arguments, HaveACaseForEveryExportedFunctionAndForNoOther) {
  const std::set<std::string> exported = exported_functions();
  ASSERT_GT(exported.size(), 50u) << "nm did not tell";
  EXPECT_EQ(functions_with_cases(), exported);
}
