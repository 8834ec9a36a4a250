// The commands of sally pki, and what they share.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace pki {

void add_init(CLI::App& pki);
void add_issue(CLI::App& pki);
void add_break(CLI::App& pki);
void add_show(CLI::App& pki);

enum ExitCode { done = 0, failed = 1, unusable = 2 };
// For the end of each help text.
inline constexpr char exit_codes[] =
    "Exit codes: 0 done, 1 it could not be done, 2 wrong usage, or a file that cannot be used.";

// Has a command run when it was asked for. What it throws is told on stderr and becomes the exit
// code.
void on_call(CLI::App& command, std::function<int()> run);

void add_dir(CLI::App& command, std::string& dir);
void add_days(CLI::App& command, int& days, const std::string& of_what);
void add_force(CLI::App& command, bool& force);

}  // namespace pki
