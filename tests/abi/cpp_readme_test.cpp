// What README.md shows must work as it stands.
#include "lib/zoo.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

const std::string top = SALLYPORT_SOURCE_DIR;

// The blocks of a language, between ```LANGUAGE and ```.
std::vector<std::string> snippets(const std::string& language) {
  const std::string text = sally::test::read_file(top + "/README.md");
  const std::string opening = "\n```" + language + "\n";
  std::vector<std::string> found;
  std::size_t at = 0;
  while ((at = text.find(opening, at)) != std::string::npos) {
    at += opening.size();
    found.push_back(text.substr(at, text.find("\n```", at) + 1 - at));
  }
  return found;
}

// Whether the compiler accepts it, with the warnings that a careful user has on.
bool compiles(const std::string& source, const std::string& suffix, const std::string& compiler) {
  const auto file =
      std::filesystem::path(testing::TempDir()) / ("readme_" + std::to_string(::getpid()) + suffix);
  std::ofstream(file) << source;
  const std::string command = compiler + " -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I'" +
                              top + "/include' '" + file.string() + "'";
  const int status = std::system(command.c_str());
  std::filesystem::remove(file);
  return status == 0;
}

TEST(Readme, ShowsCppThatCompiles) {
  const auto found = snippets("cpp");
  ASSERT_FALSE(found.empty());
  for (const std::string& source : found) {
    EXPECT_TRUE(compiles(source, ".cpp", "c++ -std=c++20")) << source;
  }
}

TEST(Readme, ShowsCThatCompiles) {
  const auto found = snippets("c");
  ASSERT_FALSE(found.empty());
  for (const std::string& source : found) {
    EXPECT_TRUE(compiles(source, ".c", "cc -std=c99")) << source;
  }
}

}  // namespace
