// doctor_join.h: a client's record and a server's, made one story.
#pragma once

#include "report.h"

#include <ostream>
#include <string>
#include <vector>

// What one side wrote down about one connection.
struct Record {
  std::string file{};
  std::string side{};  // "client", "server", or "" where the record does not say
  std::string correlation_id{};
  std::string what{};               // the handshake, or the event
  Json error{};                     // as sally_error_json has it; null: nothing went wrong
  std::string status{}, message{};  // of the error, printable
};

// All that has a correlation id in JSON, or in lines of it: what doctor --json, connect --json and
// serve --json write, and errors of any program. Throws std::runtime_error where it is not JSON.
std::vector<Record> read_records(const std::string& file);

// One connection, as both sides saw it.
struct Story {
  std::string correlation_id{};
  std::vector<Record> records{};
  std::string sentence{};
  std::string fix{};
  bool is_good = true;
};
// Those that are in both files.
std::vector<Story> join(const std::vector<Record>& first, const std::vector<Record>& second);
Json to_json(const Story& story);
