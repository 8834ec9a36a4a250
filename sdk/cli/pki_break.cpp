// sally pki break: certificates with one thing wrong, to see what a program makes of them.
#include "pki_commands.h"
#include "pki_encoding.h"
#include "pki_failure.h"
#include "pki_files.h"
#include "pki_flaws.h"
#include "pki_name_rules.h"
#include "pki_naming.h"

#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

namespace pki {

namespace {

using Json = nlohmann::ordered_json;
using Path = std::filesystem::path;

struct Options {
  std::vector<std::string> kinds;
  bool list = false;
  std::string dir = "pki";
  std::string role;
  std::string name;
  std::string out;
  bool json = false;
  bool force = false;
};

const char* word_for(Role role) {
  return role == Role::server ? "server" : "client";
}

// The role that was asked for, or the one that the flaw is usually looked at in.
Role role_for(const Flaw& flaw, const Options& options) {
  if (options.role.empty()) return flaw.for_servers ? Role::server : Role::client;
  return options.role == "server" ? Role::server : Role::client;
}

std::string name_of(sally_status status) {
  return std::string(sally::status_name(status));
}

Json json_of(const Flaw& flaw) {
  Json json{{"kind", flaw.kind}, {"flaw", flaw.what}, {"roles", Json::array()}};
  for (const Role role : {Role::server, Role::client}) {
    if (flaw.is_for(role)) json["roles"].push_back(word_for(role));
  }
  json["loading"] = name_of(flaw.loading);
  json["verdict"] = name_of(flaw.verdict);
  return json;
}

int list(bool as_json) {
  Json json = Json::array();
  for (const Flaw& flaw : flaws()) {
    json.push_back(json_of(flaw));
    if (as_json) continue;
    const char* only = !flaw.for_clients ? " (servers)" : !flaw.for_servers ? " (clients)" : "";
    std::cout << std::left << std::setw(27) << flaw.kind << flaw.what << only << '\n'
              << std::setw(27) << "" << name_of(flaw.status());
    if (flaw.verdict != SALLY_OK && flaw.loading != SALLY_OK)
      std::cout << "; when loaded: " << name_of(flaw.loading);
    if (flaw.verdict == SALLY_OK) std::cout << " when loaded";
    std::cout << '\n';
  }
  if (as_json) std::cout << json.dump(2) << '\n';
  return done;
}

std::vector<const Flaw*> wanted(const Options& options) {
  std::vector<const Flaw*> found;
  for (const std::string& kind : options.kinds) {
    if (kind == "all") {
      for (const Flaw& flaw : flaws()) {
        if (flaw.is_for(role_for(flaw, options))) found.push_back(&flaw);
      }
      continue;
    }
    const Flaw* flaw = find_flaw(kind);
    if (flaw == nullptr)
      throw Unusable("nothing can be broken in the way '" + printable(kind) + "'",
                     "sally pki break --list tells how it can.");
    if (!flaw->is_for(role_for(*flaw, options)))
      throw Unusable(kind + " is nothing that a " + options.role + " can have wrong");
    found.push_back(flaw);
  }
  if (found.empty())
    throw Unusable("what is to be broken?", "sally pki break --list tells what can be.");
  return found;
}

struct Broken {
  const Flaw& flaw;
  Workshop shop;
  Bundle bundle;
  Path base;

  std::string path(const char* suffix) const { return base.string() + suffix; }
};

Workshop workshop(const Authority& authority, const Options& options, Role role) {
  const std::string word = !options.name.empty()  ? options.name
                           : role == Role::server ? "localhost"
                                                  : "client";
  Workshop shop{.authority = authority, .role = role, .names = names_for(role, word)};
  const std::int32_t kind = shop.names.front().kind;
  if ((kind != SALLY_NAME_DNS && kind != SALLY_NAME_IP) || word.starts_with("*"))
    throw Unusable("--name takes a host name or an IP address");
  return shop;
}

// What it leads to that it should not: the CA itself may have expired. SALLY_OK where all is as it
// was promised.
sally_status surprise(const Broken& broken) {
  const sally::Verdict verdict = judge(broken.bundle, {.root = broken.shop.authority.root(),
                                                       .role = broken.shop.role,
                                                       .name = broken.shop.names.front()});
  for (const sally::Fault& fault : verdict.faults()) {
    if (!fault.ignored && fault.status != broken.flaw.verdict) return fault.status;
  }
  const sally_status loading = loading_status(broken.bundle);
  if (loading != broken.flaw.loading) return loading != SALLY_OK ? loading : SALLY_INTERNAL;
  return verdict.status() == broken.flaw.verdict ? SALLY_OK : SALLY_INTERNAL;
}

void check(const Broken& broken) {
  const sally_status found = surprise(broken);
  if (found == SALLY_OK) return;
  throw Failure(std::string(broken.flaw.kind) + " would lead to " + name_of(found) + ", not to " +
                    name_of(broken.flaw.status()) + " alone",
                "Is the CA in order? sally pki show tells.");
}

std::vector<Broken> make_all(const Authority& authority, const Options& options, const Path& out,
                             const FileSet& files) {
  std::vector<Broken> all;
  for (const Flaw* flaw : wanted(options)) {
    const Role role = role_for(*flaw, options);
    Broken broken{.flaw = *flaw,
                  .shop = workshop(authority, options, role),
                  .bundle = {},
                  .base = out / (word_for(role) + ("-" + std::string(flaw->kind)))};
    for (const char* suffix : {".pem", ".key", ".crl"}) files.promise(broken.path(suffix));
    broken.bundle = flaw->make(broken.shop);
    check(broken);
    all.push_back(std::move(broken));
  }
  return all;
}

Json json_of(const Broken& broken, const Options& options) {
  Json json{
      {"kind", broken.flaw.kind}, {"flaw", broken.flaw.what}, {"role", word_for(broken.shop.role)}};
  json["chain"] = broken.path(".pem");
  json["key"] = broken.path(".key");
  json["crl"] = broken.bundle.crl ? Json(broken.path(".crl")) : Json();
  json["ca"] = (Path(options.dir) / file::root).string();
  json["verify_name"] =
      broken.shop.role == Role::server ? Json(broken.shop.names.front().text) : Json();
  json["loading"] = name_of(broken.flaw.loading);
  json["verdict"] = name_of(broken.flaw.verdict);
  return json;
}

void tell(const std::vector<Broken>& all, const Options& options) {
  Json json = Json::array();
  for (const Broken& broken : all) {
    json.push_back(json_of(broken, options));
    if (options.json) continue;
    std::cout << broken.flaw.kind << ": " << broken.flaw.what << "\n  --cert "
              << broken.path(".pem") << " --key " << broken.path(".key") << '\n';
    if (broken.bundle.crl)
      std::cout << "  the revocation list of its CA: " << broken.path(".crl") << '\n';
    std::cout << "  must lead to " << name_of(broken.flaw.status()) << '\n';
  }
  if (options.json) std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

int run(const Options& options) {
  if (options.list) return list(options.json);
  static_cast<void>(wanted(options));
  const Authority authority = Authority::load(options.dir);
  const Path out = options.out.empty() ? Path(options.dir) / "broken" : Path(options.out);
  FileSet files(options.force);
  const std::vector<Broken> all = make_all(authority, options, out, files);
  for (const Broken& broken : all) {
    files.add(broken.path(".key"), Access::owner, key_pem(broken.bundle.leaf.key.get()));
    files.add(broken.path(".pem"), Access::everybody, chain_pem(broken.bundle));
    if (broken.bundle.crl)
      files.add(broken.path(".crl"), Access::everybody, pem_of(broken.bundle.crl.get()));
  }
  make_private_folder(out);
  files.write();
  tell(all, options);
  return done;
}

}  // namespace

void add_break(CLI::App& pki) {
  CLI::App* command = pki.add_subcommand(
      "break",
      "Make certificates that are broken on purpose, each in one way, of the CA in the folder.");
  const auto options = std::make_shared<Options>();
  command->add_option("kind", options->kinds, "what is to be wrong (--list), or all")
      ->type_name("KIND");
  command->add_flag("--list", options->list,
                    "tell each kind, what is wrong, and the status that it must lead to");
  add_dir(*command, options->dir);
  command
      ->add_option("--role", options->role,
                   "whose certificate it is; default server, where it can be")
      ->check(CLI::IsMember(std::vector<std::string>{"server", "client"}))
      ->type_name("ROLE");
  command
      ->add_option("--name", options->name,
                   "the host name or address in it; default localhost, or client")
      ->type_name("NAME");
  command
      ->add_option("--out", options->out,
                   "the folder to write to; default broken, in the CA's folder")
      ->type_name("FOLDER");
  command->add_flag("--json", options->json, "tell what was made, or the list, as JSON");
  add_force(*command, options->force);
  command->footer(
      std::string("Writes ROLE-KIND.pem, ROLE-KIND.key and, for revoked, ROLE-KIND.crl. Everything "
                  "but the flaw is in "
                  "order,\nso a peer that trusts ca.pem answers the status that is promised.\n") +
      exit_codes);
  on_call(*command, [options] { return run(*options); });
}

}  // namespace pki
