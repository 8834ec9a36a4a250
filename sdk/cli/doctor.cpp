// sally doctor: finds out what is wrong with a connection, and explains it.
#include "commands.h"
#include "doctor_examination.h"
#include "doctor_finding.h"
#include "doctor_join.h"
#include "doctor_output.h"
#include "options.h"
#include "report.h"
#include "starttls.h"
#include "terminal.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct Options {
  std::string target, name, http, starttls;
  Identity identity;
  double timeout = 5;
  std::int64_t time = 0;
  bool json = false;
};

void run(const Options& options) {
  Patient patient{.endpoint = parse_endpoint(options.target),
                  .identity = options.identity,
                  .timeout = milliseconds(options.timeout),
                  .http_path = options.http,
                  .starttls = options.starttls};
  patient.name = options.name.empty() ? patient.endpoint.host : options.name;
  if (options.time != 0)
    patient.time = std::chrono::sys_seconds(std::chrono::seconds(options.time));
  const Examination examination = examine(patient);
  const std::vector<Finding> findings = diagnose(examination);
  if (options.json) {
    std::cout << dump(to_json(examination, findings), 2) << std::endl;
  } else {
    print_examination(std::cout, examination, findings, Style(STDOUT_FILENO));
    std::cout.flush();
  }
  if (std::ranges::any_of(findings, &Finding::is_problem)) end_with(exit_bad);
}

// RFC 9112 section 3.2.1; nothing that could end the request's first line.
CLI::Validator is_http_path() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const bool is_good = text.starts_with('/') &&
                             std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
        return is_good ? "" : text + " is not a path, /index.html for example";
      },
      "");
}

struct JoinOptions {
  std::string first, second;
  bool json = false;
};

void print(const Story& story, const Style& style) {
  std::cout << style.strong("connection " + printable(story.correlation_id)) << '\n';
  for (const Record& record : story.records) {
    const std::string side = record.side.empty() ? "?" : record.side;
    std::cout << "  " << side << std::string(8 - std::min<std::size_t>(side.size(), 7), ' ')
              << printable(record.what);
    if (record.error.is_object()) {
      std::cout << ": " << record.status << ": " << record.message;
    }
    std::cout << '\n';
  }
  std::cout << (story.is_good ? style.good("Story") : style.bad("Story")) << ": " << story.sentence
            << '\n';
  if (!story.fix.empty()) std::cout << "Fix: " << story.fix << '\n';
}

void run_join(const JoinOptions& options) {
  const std::vector<Story> stories =
      join(read_records(options.first), read_records(options.second));
  if (stories.empty()) {
    throw std::runtime_error("no correlation id is in both '" + options.first + "' and '" +
                             options.second + "': they are not about the same connection");
  }
  if (options.json) {
    Json all = Json::array();
    for (const Story& story : stories) all.push_back(to_json(story));
    std::cout << dump({{"schema", "sallyport-join/1"}, {"connections", all}}, 2) << std::endl;
  } else {
    for (const Story& story : stories) print(story, Style(STDOUT_FILENO));
    std::cout.flush();
  }
  if (std::ranges::any_of(stories, [](const Story& story) { return !story.is_good; })) {
    end_with(exit_bad);
  }
}

CLI::App* add_join(CLI::App& command) {
  auto options = std::make_shared<JoinOptions>();
  auto* join = command.add_subcommand("join", "make one story of a client's and a server's record");
  join->footer(
      "Records are what doctor --json, connect --json and serve --json write, or errors of any\n"
      "program as JSON, one or a line each. Connections are found by their correlation id.\n"
      "Exit codes: 0 none failed; 1 one failed, and is explained; 2 nothing to join.");
  join->add_option("first", options->first, "the record of one side")
      ->type_name("FILE")
      ->required();
  join->add_option("second", options->second, "that of the other")->type_name("FILE")->required();
  join->add_flag("--json", options->json, "the stories as JSON");
  join->callback([options] { run_join(*options); });
  return join;
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("doctor", "find out what is wrong with a connection");
  command->footer(
      "It makes some twenty connections, one after the other, and sends no application data "
      "without\n"
      "--http. The "
      "client certificate is shown only to a server that has proved who it is. Missing issuers "
      "are\n"
      "looked for among the certificates beside the files of --ca and --cert.\n"
      "Exit codes: 0 all is well; 1 a problem was found; 2 bad usage, or a file that is unusable.");
  auto* target = command->add_option("target", options->target, "the server; IPv6 as [::1]:4433")
                     ->check(is_endpoint())
                     ->type_name("HOST:PORT");
  add_trust_option(*command, options->identity, "--ca",
                   "CA of the server, file or folder; repeatable; without it, this machine's");
  add_credential_options(*command, options->identity);
  command->add_option("--name", options->name,
                      "name that the server's certificate must bear, and that is asked for (SNI)");
  command
      ->add_option("--time", options->time,
                   "judge certificates as of then, in seconds since 1970, not by the clock")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{253402300799}))
      ->type_name("UNIX");
  auto* http =
      command
          ->add_option(
              "--http", options->http,
              "ask for this path too, by GET: whom web servers let in tells only their answer")
          ->check(is_http_path())
          ->type_name("PATH");
  command
      ->add_option("--starttls", options->starttls,
                   "each connection begins in plain, in this protocol")
      ->check(CLI::IsMember(starttls_protocols()))
      ->excludes(http)
      ->type_name("PROTOCOL");
  add_timeout_option(*command, options->timeout, "of each step");
  command->add_flag("--json", options->json, "everything that was found out, as JSON");
  CLI::App* join = add_join(*command);
  command->callback([options, join, target] {
    if (join->parsed()) return;
    if (target->count() == 0) throw CLI::RequiredError("target");
    run(*options);
  });
}
