#include "pki.h"

#include "pki_commands.h"
#include "pki_failure.h"
#include "pki_text.h"

#include <exception>
#include <iostream>
#include <utility>

#include <sallyport/error.hpp>

namespace pki {

namespace {

void complain(std::string_view what, std::string_view hint) {
  std::cerr << coloured("error:", Colour::red, stderr) << ' ' << what << '\n';
  if (!hint.empty()) std::cerr << "hint: " << hint << '\n';
}

int guarded(const std::function<int()>& run) {
  try {
    const int status = run();
    // A full disk, or a pipe that nobody reads, must not pass for success.
    if (!std::cout.flush()) throw Failure("the output cannot be written");
    return status;
  } catch (const Unusable& error) {
    complain(error.what(), error.hint());
    return unusable;
  } catch (const Failure& failure) {
    complain(failure.what(), failure.hint());
  } catch (const sally::Error& error) {
    complain(std::string(error.name()).append(": ").append(error.message()), error.hint());
  } catch (const std::exception& error) {
    complain(error.what(), "");
  }
  return failed;
}

}  // namespace

void on_call(CLI::App& command, std::function<int()> run) {
  command.callback([run = std::move(run)] {
    if (const int status = guarded(run); status != done) throw CLI::RuntimeError(status);
  });
}

void add_dir(CLI::App& command, std::string& dir) {
  command.add_option("--dir", dir, "the folder of the CA; default pki")->type_name("FOLDER");
}

void add_days(CLI::App& command, int& days, const std::string& of_what) {
  constexpr int most = 36500;
  command.add_option("--days", days, of_what + "; default " + std::to_string(days))
      ->check(CLI::Range(1, most).description("[1 - 36500]"))
      ->type_name("N");
}

void add_force(CLI::App& command, bool& force) {
  command.add_flag("--force", force, "replace files that are there");
}

}  // namespace pki

void add_pki(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("pki",
                         "Make a development CA and certificates, good ones and broken ones, "
                         "and show what is in a file.");
  command->require_subcommand(1);
  command->footer(
      "A server and a client in three commands, in the folder pki:\n"
      "  sally pki init && sally pki issue server localhost && sally pki issue client alice\n" +
      std::string(pki::exit_codes));
  pki::add_init(*command);
  pki::add_issue(*command);
  pki::add_break(*command);
  pki::add_show(*command);
}
