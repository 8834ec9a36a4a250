// sally pki show: what is in files. Private keys are compared, never shown.
#include "pki_commands.h"
#include "pki_failure.h"
#include "pki_inventory.h"
#include "pki_text.h"

#include <iostream>
#include <memory>

namespace pki {

namespace {

struct Options {
  std::vector<std::string> files;
  PassphraseSource passphrase;
  bool json = false;
};

int run(const Options& options) {
  const Inventory inventory(options.files, options.passphrase.read());
  if (options.json) {
    print_json(inventory, std::cout);
  } else {
    print_text(inventory, std::cout);
  }
  for (const ShownFile& file : inventory.files()) {
    if (!file.error.empty())
      std::cerr << coloured("error:", Colour::red, stderr) << ' ' << file.error << '\n';
    if (!file.hint.empty()) std::cerr << "hint: " << file.hint << '\n';
  }
  if (!inventory.all_read()) return unusable;
  return inventory.all_match() ? done : failed;
}

}  // namespace

void add_show(CLI::App& pki) {
  CLI::App* command =
      pki.add_subcommand("show", "Show what is in files of certificates, keys and CRLs.");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("file", options->files,
                   "PEM, DER or PKCS#12; give a key with its certificate to see whether they match")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->json, "as one JSON object");
  options->passphrase.add_to(*command, "passphrase of files that are encrypted");
  command->footer(
      "Private keys are compared with the certificates, and never printed.\n"
      "Exit codes: 0 done, 1 a key is that of no certificate beside it, 2 wrong usage, or a file "
      "that cannot be used.");
  on_call(*command, [options] { return run(*options); });
}

}  // namespace pki
