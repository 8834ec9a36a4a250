// sally verify: judges a certificate chain without a connection.
#include "commands.h"
#include "options.h"
#include "report.h"
#include "terminal.h"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <sallyport/sallyport.hpp>

namespace {

struct Options {
  Identity identity;
  std::string leaf, name;
  std::vector<std::string> untrusted, crl;
  std::int32_t name_kind = 0;
  std::int32_t purpose = SALLY_PURPOSE_SERVER;
  std::int32_t revocation = SALLY_REVOCATION_SOFT;
  std::int64_t time = 0;
  std::int32_t max_depth = -1;
  bool json = false;
};

sally::TrustStore trust_of(const Options& options) {
  auto trust = load_trust(options.identity.ca);
  if (!trust) trust = sally::TrustStore::system();
  for (const std::string& file : options.crl) trust->add_crl(file);
  return *trust;
}

sally::Verdict judge(const Options& options) {
  auto config = sally::TlsConfig::client().revocation(options.revocation);
  if (options.max_depth >= 0) config.max_depth(options.max_depth);
  const std::string leaf = read_file(options.leaf);
  std::string untrusted;
  for (const std::string& file : options.untrusted) untrusted += read_file(file);
  sally::VerifyOptions question{.config = config,
                                .trust = trust_of(options),
                                .leaf = leaf,
                                .intermediates = untrusted,
                                .name = options.name,
                                .name_kind = options.name_kind,
                                .purpose = options.purpose};
  if (options.time != 0) {
    question.time = std::chrono::sys_seconds(std::chrono::seconds(options.time));
  }
  return sally::verify(question);
}

void print(const sally::Verdict& verdict, const Style& style) {
  const sally::Error error = verdict.error();
  if (verdict.accepted()) {
    std::cout << style.good("accepted") << '\n';
  } else {
    std::cout << style.bad("refused") << ": " << error.name() << ": " << error.message() << '\n';
    if (!error.hint().empty()) std::cout << "hint: " << error.hint() << '\n';
  }
  for (const sally::Fault& fault : verdict.faults()) {
    std::cout << (fault.ignored ? "  let pass  " : "  fault     ") << "depth " << fault.depth
              << ": " << sally::status_name(fault.status) << ": " << fault.message << '\n';
  }
  std::size_t depth = 0;
  for (const sally::Certificate& certificate : verdict.chain()) {
    std::cout << "  chain     depth " << depth++ << ": " << certificate.subject() << ", until "
              << rfc3339(certificate.not_after()) << '\n';
  }
}

void run(const Options& options) {
  const sally::Verdict verdict = judge(options);
  if (options.json) {
    std::cout << verdict.json() << '\n';
  } else {
    print(verdict, Style(STDOUT_FILENO));
  }
  if (!verdict.accepted()) end_with(exit_bad);
}

void add_rules(CLI::App& command, Options& options) {
  const std::map<std::string, std::int32_t> kinds{
      {"dns", SALLY_NAME_DNS}, {"ip", SALLY_NAME_IP}, {"email", SALLY_NAME_EMAIL}};
  const std::map<std::string, std::int32_t> purposes{{"server", SALLY_PURPOSE_SERVER},
                                                     {"client", SALLY_PURPOSE_CLIENT},
                                                     {"any", SALLY_PURPOSE_ANY}};
  const std::map<std::string, std::int32_t> modes{{"soft", SALLY_REVOCATION_SOFT},
                                                  {"leaf", SALLY_REVOCATION_LEAF},
                                                  {"chain", SALLY_REVOCATION_CHAIN}};
  auto* name = command.add_option("--name", options.name, "name that the certificate must bear");
  command
      .add_option("--name-kind", options.name_kind,
                  "what the name is; without it an address is ip, all else dns")
      ->transform(CLI::CheckedTransformer(kinds).description("{dns,ip,email}"))
      ->needs(name)
      ->type_name("KIND");
  command.add_option("--purpose", options.purpose, "whose certificate it is; default server")
      ->transform(CLI::CheckedTransformer(purposes).description("{server,client,any}"))
      ->type_name("PURPOSE");
  command
      .add_option("--revocation", options.revocation,
                  "whose CRL must be there: nobody's (soft, the default), the leaf's, the chain's")
      ->transform(CLI::CheckedTransformer(modes).description("{soft,leaf,chain}"))
      ->type_name("MODE");
  command
      .add_option("--time", options.time,
                  "judge as of then, in seconds since 1970, not by the clock")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{253402300799}))
      ->type_name("UNIX");
  command
      .add_option("--max-depth", options.max_depth,
                  "how many CA certificates between leaf and anchor; default 10")
      ->check(CLI::Range(0, 100))
      ->type_name("N");
}

}  // namespace

void add_verify(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("verify", "judge a certificate chain, with all its faults");
  command->footer(
      "Exit codes: 0 accepted; 1 refused; 2 cannot tell: bad usage, or a file that is unusable.");
  add_trust_option(*command, options->identity, "--ca",
                   "CA certificates, file or folder; repeatable; without it, this machine's");
  command
      ->add_option("--leaf", options->leaf,
                   "the certificate, PEM or DER; what follows it counts as --untrusted")
      ->type_name("FILE")
      ->required();
  command->add_option("--untrusted", options->untrusted, "intermediate certificates; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_option("--crl", options->crl, "revocation lists, file or folder; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_rules(*command, *options);
  command->add_flag("--json", options->json, "the verdict as JSON");
  command->callback([options] { run(*options); });
}
