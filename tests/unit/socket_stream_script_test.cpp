// Sequences of operations, cancels and faults that nobody thought of, always the same ones.
#include "lib/stream_script.h"

#include <gtest/gtest.h>
#include <random>

namespace sally::test {
namespace {

TEST(StreamScript, OfRandomStepsKeepsEveryPromise) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr unsigned scripts = 100;
#else
  constexpr unsigned scripts = 1000;
#endif
  for (unsigned seed = 1; seed <= scripts; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<std::uint8_t> script(2 * (20 + seed % 200));
    for (std::uint8_t& byte : script) byte = static_cast<std::uint8_t>(random());
    StreamScript::run(script);
  }
}

}  // namespace
}  // namespace sally::test
