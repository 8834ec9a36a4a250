// sally pki init: a CA of one's own.
#include "pki_authority.h"
#include "pki_commands.h"
#include "pki_encoding.h"
#include "pki_failure.h"
#include "pki_files.h"
#include "pki_key.h"
#include "pki_name_rules.h"

#include <iostream>
#include <memory>

namespace pki {

namespace {

using Path = std::filesystem::path;

struct Options {
  std::string dir = "pki";
  std::string name = "Sallyport development CA";
  int days = 3650;
  std::string key_type = "ecdsa-p256";
  bool intermediate = false;
  bool force = false;
};

constexpr char of_intermediate[] = " intermediate";

// UTF-8 without control characters.
bool is_text(const std::string& text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  for (auto left = static_cast<int>(text.size()); left > 0;) {
    unsigned long character = 0;
    const int size = UTF8_getc(at, left, &character);
    if (size <= 0 || character < 0x20 || (character >= 0x7f && character < 0xa0)) return false;
    at += size;
    left -= size;
  }
  return true;
}

void check_name(const Options& options) {
  const std::size_t longest = 64 - (options.intermediate ? sizeof of_intermediate - 1 : 0);
  if (options.name.empty() || options.name.size() > longest || !is_text(options.name)) {
    throw Unusable("the name '" + printable(options.name) + "' of a CA has to be 1 to " +
                   std::to_string(longest) + " bytes of text");
  }
}

// Of a CA that was replaced: its intermediate must not stay beside the new root.
void remove_intermediate(const Path& dir) {
  std::filesystem::remove(dir / file::intermediate_key);
  std::filesystem::remove(dir / file::intermediate);
}

int run(const Options& options) {
  check_name(options);
  const Path dir = options.dir;
  FileSet files(options.force);
  for (const char* name : {file::root, file::root_key, file::intermediate, file::intermediate_key})
    files.promise(dir / name);

  const Validity validity = valid_for(options.days);
  Identity root{.key = generate_key(key_type_of(options.key_type))};
  root.certificate =
      make_certificate(authority_recipe(options.name, validity, {}), root.key.get(), nullptr);
  files.add(dir / file::root_key, Access::owner, key_pem(root.key.get()));
  if (options.intermediate) {
    const KeyOwner key = generate_key(key_type_of(options.key_type));
    const CertificateOwner middle = make_certificate(
        authority_recipe(options.name + of_intermediate, validity, 0), key.get(), &root);
    files.add(dir / file::intermediate_key, Access::owner, key_pem(key.get()));
    files.add(dir / file::intermediate, Access::everybody, pem_of(middle.get()));
  }
  files.add(dir / file::root, Access::everybody, pem_of(root.certificate.get()));
  make_private_folder(dir);
  files.write();
  if (!options.intermediate) remove_intermediate(dir);

  std::cout << "made the CA '" << options.name << "' in " << dir.string() << '\n'
            << "  " << (dir / file::root).string() << "  what peers have to trust\n"
            << "  " << (dir / file::root_key).string()
            << "  its key: whoever has it can issue certificates\n";
  if (options.intermediate) {
    std::cout << "  " << (dir / file::intermediate).string()
              << "  the CA that issues certificates\n"
              << "  " << (dir / file::intermediate_key).string() << "  its key\n";
  }
  return done;
}

}  // namespace

void add_init(CLI::App& pki) {
  CLI::App* command = pki.add_subcommand("init", "Make a development CA in a folder.");
  const auto options = std::make_shared<Options>();
  add_dir(*command, options->dir);
  command
      ->add_option("--name", options->name, "common name of the root CA; default " + options->name)
      ->type_name("TEXT");
  add_days(*command, options->days, "how long it is valid");
  add_key_type(*command, options->key_type);
  command->add_flag(
      "--intermediate", options->intermediate,
      "issue certificates with an intermediate CA; the root's key can then be kept elsewhere");
  add_force(*command, options->force);
  command->footer(
      std::string("Makes ca.pem and ca.key; with --intermediate also intermediate.pem and "
                  "intermediate.key.\nKeys are readable by their owner only.\n") +
      exit_codes);
  on_call(*command, [options] { return run(*options); });
}

}  // namespace pki
