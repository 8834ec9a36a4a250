// Arbitrary sequences of operations, cancels and faults on the two ends of a connection.
#include "lib/stream_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sally::test::StreamScript::run({data, size});
  return 0;
}
