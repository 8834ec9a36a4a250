// sally: what Sallyport does, from a shell.
#include "pki.h"

#include <CLI/CLI.hpp>
#include <string>

int main(int argc, char** argv) {
  CLI::App app("Sallyport on the command line.", "sally");
  app.require_subcommand(1);
  add_pki(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return error.get_name() == "RuntimeError" || status == 0 ? status : 2;
  }
}
