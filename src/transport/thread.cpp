#include "transport/thread.h"

#include "status/error.h"

#include <csignal>
#include <pthread.h>
#include <system_error>
#include <utility>

namespace sally::transport {

namespace {

// A thread inherits the signal mask of the one that starts it. To block inside the new thread would
// be too late for a signal that comes in between.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    // A fault of the thread itself is no message to the process: blocked, it would end the program
    // before the handlers of a language runtime or a crash reporter could see it.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS})
      sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_thread(const char* name, std::function<void()> body) {
  const SignalsBlocked blocked;
  try {
    return std::thread([name, run = std::move(body)]() noexcept {
      pthread_setname_np(pthread_self(), name);
      run();
    });
  } catch (const std::system_error& error) {
    // EAGAIN (pthread_create(3)): for who only attempts something it would have another meaning.
    throw Failure(make_error(SALLY_OUT_OF_MEMORY, {.message = "starting a thread",
                                                   .native_domain = SALLY_DOMAIN_ERRNO,
                                                   .native_code = error.code().value()}));
  }
}

}  // namespace sally::transport
