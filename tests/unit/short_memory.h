// Threads that get no memory.
#pragma once

namespace sally::test {

// Of this thread's own; `new` fails while it is true.
extern constinit thread_local bool memory_is_short;

}  // namespace sally::test
