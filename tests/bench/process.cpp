#include "bench/process.h"

#include "bench/workload.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace sally::bench {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void become(std::vector<std::string> arguments, int control) {
  if (control == control_descriptor)
    ::fcntl(control, F_SETFD, 0);
  else
    ::dup2(control, control_descriptor);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  ::execvp(raw[0], raw.data());
  ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::string& strace) {
  std::vector<std::string> command;
  if (!strace.empty()) command = {"strace", "-f", "-c", "-qq", "-o", strace};
  command.push_back(std::filesystem::read_symlink("/proc/self/exe"));
  command.insert(command.end(), arguments.begin(), arguments.end());

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) become(std::move(command), ends[1]);
  ::close(ends[1]);
  control_ = ends[0];
}

Process::~Process() {
  ::close(control_);
  ::waitpid(pid_, nullptr, 0);
}

void Process::tell(std::uint64_t number) const {
  if (::send(control_, &number, sizeof number, MSG_NOSIGNAL) != sizeof number) fail("control");
}

std::uint64_t Process::hear() const {
  std::uint64_t number = 0;
  if (::recv(control_, &number, sizeof number, MSG_WAITALL) != sizeof number)
    throw std::runtime_error("an end of the measurement is gone; it has said why");
  return number;
}

Cost Process::cost() const {
  clockid_t clock{};
  timespec used{};
  if (const int error = ::clock_getcpuclockid(pid_, &clock); error != 0)
    throw std::system_error(error, std::generic_category(), "clock_getcpuclockid");
  if (::clock_gettime(clock, &used) != 0) fail("clock_gettime");
  Cost cost{.cpu_us =
                static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3};
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;) {
      if (word != "voluntary_ctxt_switches:") continue;
      double count = 0;
      status >> count;
      cost.switches += count;
    }
  }
  return cost;
}

double Process::resident_bytes() const {
  double size = 0;
  double resident = 0;
  std::ifstream("/proc/" + std::to_string(pid_) + "/statm") >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

// "100.00    0.123456           1    123456       789 total"
double system_calls_in(const std::string& summary) {
  std::ifstream file(summary);
  for (std::string line; std::getline(file, line);) {
    if (!line.ends_with(" total")) continue;
    double calls = 0;
    std::istringstream words(line);
    std::string word;
    words >> word >> word >> word >> calls;
    return calls;
  }
  throw std::runtime_error("strace left no summary in " + summary);
}

}  // namespace sally::bench
