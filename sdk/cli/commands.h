// commands.h: the commands of sally. Each adds itself to the program, and its callback ends well by
// returning, and otherwise by end_with().
#pragma once

#include <CLI/CLI.hpp>

void add_serve(CLI::App& app);
void add_connect(CLI::App& app);
void add_verify(CLI::App& app);
void add_doctor(CLI::App& app);

// The same for every command; sdk/docs/sally.md tells what each means there.
enum ExitCode {
  exit_good = 0,      // it was done; the chain is accepted; nothing is wrong
  exit_bad = 1,       // it failed; the chain is refused; something is wrong
  exit_unusable = 2,  // bad usage, or a file that cannot be used: nothing was found out
};

// Ends the program from within a callback.
[[noreturn]] inline void end_with(ExitCode code) {
  throw CLI::RuntimeError(code);
}

// What every command says of its exit codes below its --help.
inline constexpr const char* exit_codes_help =
    "Exit codes: 0 all is well; 1 it failed, or something is wrong; 2 bad usage or an unusable "
    "file.";
