// One end of a measurement, in a process of its own, and what it costs as the system sees it.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sally::bench {

struct Cost {
  double cpu_us = 0;    // user and system, of all threads
  double switches = 0;  // how often a thread gave up the processor to wait
};

class Process {
 public:
  // This program again, with these arguments and a control socket. `strace`: under strace, whose
  // summary goes to that file.
  explicit Process(const std::vector<std::string>& arguments, const std::string& strace = {});
  ~Process();  // ends the control socket, and waits for the process
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void tell(std::uint64_t number) const;
  std::uint64_t hear() const;  // throws where the process is gone

  // Not of one under strace.
  Cost cost() const;
  double resident_bytes() const;

 private:
  pid_t pid_ = -1;
  int control_ = -1;
};

// How many system calls are in a summary of strace.
double system_calls_in(const std::string& summary);

}  // namespace sally::bench
