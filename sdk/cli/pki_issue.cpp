// sally pki issue: certificates with nothing wrong.
#include "pki_commands.h"
#include "pki_encoding.h"
#include "pki_failure.h"
#include "pki_files.h"
#include "pki_judging.h"
#include "pki_key.h"
#include "pki_naming.h"
#include "pki_pkcs12.h"
#include "pki_text.h"

#include <algorithm>
#include <iostream>
#include <memory>

namespace pki {

namespace {

using Path = std::filesystem::path;

struct Options {
  std::string dir = "pki";
  NameOptions names;
  int days = 365;
  std::string key_type = "ecdsa-p256";
  std::string out;
  bool pkcs12 = false;
  PassphraseSource passphrase;
  bool force = false;
};

struct Targets {
  Path chain, key, pkcs12;
};

Targets targets(const Options& options, const std::vector<Name>& names) {
  std::string base = options.out.empty()
                         ? (Path(options.dir) / file_name_of(names.front())).string()
                         : options.out;
  if (base.ends_with(".pem")) base.resize(base.size() - 4);
  if (Path(base).filename().empty())
    throw Unusable("--out " + base + " names a folder, not a file");
  const Targets all{.chain = base + ".pem", .key = base + ".key", .pkcs12 = base + ".p12"};
  // Not by --force either: that would be the end of every certificate there is.
  for (const char* own : {file::root, file::root_key, file::intermediate, file::intermediate_key}) {
    for (const Path& path : {all.chain, all.key}) {
      if (std::filesystem::weakly_canonical(path) ==
          std::filesystem::weakly_canonical(Path(options.dir) / own))
        throw Unusable(path.string() + " is a file of the CA itself",
                       "Name another place with --out.");
    }
  }
  return all;
}

// A certificate that outlives its issuer is of no use then.
Validity within(Validity wanted, const X509* issuer) {
  const Validity bounds = validity_of(issuer);
  if (wanted.until > bounds.until) {
    wanted.until = bounds.until;
    std::cerr << "note: it ends with its CA, on " << utc(bounds.until.time_since_epoch().count())
              << '\n';
  }
  wanted.from = std::max(wanted.from, bounds.from);
  return wanted;
}

void check(const Bundle& bundle, const Asked& asked) {
  const sally::Verdict verdict = judge(bundle, asked);
  if (!verdict.accepted()) throw verdict.error();
  if (const sally_status status = loading_status(bundle); status != SALLY_OK)
    throw Failure("it cannot be loaded: " + std::string(sally::status_name(status)));
}

int run(Role role, const Options& options) {
  const std::vector<Name> names = options.names.read(role);
  if (options.pkcs12 != options.passphrase.given())
    throw Unusable("--pkcs12 and a passphrase (--passphrase-file, --passphrase-env) go together");
  const Authority authority = Authority::load(options.dir);
  const Targets target = targets(options, names);
  FileSet files(options.force);
  files.promise(target.chain);
  files.promise(target.key);
  if (options.pkcs12) files.promise(target.pkcs12);
  const std::optional<Secret> passphrase = options.passphrase.read();

  Recipe recipe = leaf_recipe(
      role, names, within(valid_for(options.days), authority.issuer().certificate.get()));
  Bundle bundle{.leaf = {.key = generate_key(key_type_of(options.key_type))},
                .above = authority.above()};
  bundle.leaf.certificate = make_certificate(recipe, bundle.leaf.key.get(), &authority.issuer());
  check(bundle, {.root = authority.root(), .role = role, .name = names.front()});

  files.add(target.key, Access::owner, key_pem(bundle.leaf.key.get()));
  files.add(target.chain, Access::everybody, chain_pem(bundle));
  if (passphrase)
    files.add(target.pkcs12, Access::owner, to_pkcs12(bundle, names.front().text, *passphrase));
  files.write();

  std::cout << "made a certificate for a " << (role == Role::server ? "server" : "client") << ':';
  for (const Name& name : names) std::cout << ' ' << describe(name);
  std::cout << "\n  --cert " << target.chain.string() << " --key " << target.key.string()
            << " --ca " << (Path(options.dir) / file::root).string() << '\n';
  if (passphrase) std::cout << "  " << target.pkcs12.string() << "  both in PKCS#12\n";
  return done;
}

void add_role(CLI::App& issue, Role role, const std::string& name, const std::string& examples) {
  CLI::App* command = issue.add_subcommand(name, "Make a certificate for a TLS " + name + ".");
  const auto options = std::make_shared<Options>();
  options->names.add_to(*command);
  add_dir(*command, options->dir);
  add_days(*command, options->days, "how long it is valid, but not longer than its CA");
  add_key_type(*command, options->key_type);
  command
      ->add_option("--out", options->out,
                   "where to write: PATH.pem, PATH.key, PATH.p12; default: by the first name, in "
                   "the CA's folder")
      ->type_name("PATH");
  command->add_flag("--pkcs12", options->pkcs12, "write PKCS#12 too, with a passphrase");
  options->passphrase.add_to(*command, "passphrase of the PKCS#12 file");
  add_force(*command, options->force);
  command->footer(
      examples +
      "The .pem file has the whole chain but for the root; the .key file is readable by its "
      "owner only.\n" +
      exit_codes);
  on_call(*command, [role, options] { return run(role, *options); });
}

}  // namespace

void add_issue(CLI::App& pki) {
  CLI::App* command = pki.add_subcommand("issue", "Make a certificate, with its key and chain.");
  command->require_subcommand(1);
  command->footer(exit_codes);
  add_role(*command, Role::server, "server",
           "Examples:\n  sally pki issue server localhost     and 127.0.0.1 and ::1 with it\n"
           "  sally pki issue server www.example.test '*.example.test' 192.0.2.1\n");
  add_role(*command, Role::client, "client",
           "Examples:\n  sally pki issue client alice\n"
           "  sally pki issue client alice@example.test spiffe://example.test/alice\n");
}

}  // namespace pki
