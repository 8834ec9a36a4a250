// sally: the command line of Sallyport.
#include "commands.h"
#include "pki.h"
#include "report.h"
#include "terminal.h"

#include <CLI/CLI.hpp>
#include <clocale>
#include <exception>
#include <iostream>
#include <string>
#include <unistd.h>

#include <sallyport/sallyport.hpp>

namespace {

// CLI11 would only say that there is no command.
void check_command(const CLI::App& app, const std::string& word) {
  if (word.starts_with('-')) return;
  try {
    static_cast<void>(app.get_subcommand(word));
  } catch (const CLI::OptionNotFound&) {
    throw CLI::ValidationError("there is no command '" + printable(word) + "'");
  }
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    if (argc > 1) check_command(app, argv[1]);
    app.parse(argc, argv);
    return exit_good;
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_good : exit_unusable;
  } catch (const sally::Error& error) {
    // What a command did not expect to fail: the files that it was given.
    print_error(std::cerr, error, Style(STDERR_FILENO));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
  }
  return exit_unusable;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  CLI::App app("TLS sockets with client certificates, and what is wrong with them.", "sally");
  app.require_subcommand(1);
  app.set_version_flag("--version", "sally " + std::string(sally::library_version()) + ", " +
                                        std::string(sally::library_tls_backend()));
  app.footer(exit_codes_help);
  add_serve(app);
  add_connect(app);
  add_verify(app);
  add_doctor(app);
  add_pki(app);
  return run(app, argc, argv);
}
