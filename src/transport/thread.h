// Threads that belong to the library: they run no signal handlers of the program.
#pragma once

#include <functional>
#include <thread>

namespace sally::transport {

// Starts a thread that blocks all signals. An exception that leaves `body` ends the program.
// `name`: at most 15 characters. Throws Failure where the system gives no thread.
std::thread start_thread(const char* name, std::function<void()> body);

}  // namespace sally::transport
