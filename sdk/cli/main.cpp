// sally: the command line of Sallyport.
#include "commands.h"
#include "pki.h"
#include "report.h"
#include "terminal.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <clocale>
#include <exception>
#include <fcntl.h>
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

// What is closed when the program begins would be the number of its next connection or file, and what
// is printed would go there. As before nothing can be read from it, nor written to it.
void keep_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    static_cast<void>(
        ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));  // the lowest free
  }
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    if (argc > 1) check_command(app, argv[1]);
    app.parse(argc, argv);
    if (std::cout.flush()) return exit_good;
    // A full disk, or a pipe that nobody reads, must not pass for a good verdict.
    std::cerr << "error: the output cannot be written\n";
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
  keep_standard_descriptors();
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
