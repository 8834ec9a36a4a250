// sally pki: a development CA, certificates of it, broken ones, and what is in a file.
#pragma once

#include <CLI/CLI.hpp>

// Adds the command. One that fails says why on stderr and throws CLI::RuntimeError with the exit
// code, which CLI::App::exit hands on.
void add_pki(CLI::App& app);
