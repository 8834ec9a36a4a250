#include "doctor_join.h"

#include "options.h"
#include "terminal.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace {

std::string text_of(const Json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Whether an object is an error itself, and not something that has one.
bool is_error(const Json& json) {
  return json.contains("status") && json.contains("message");
}

Record record_of(const Json& json, const std::string& file) {
  Record record{.file = file, .correlation_id = text_of(json, "correlation_id")};
  record.what = text_of(json, "event");
  if (!record.what.empty()) record.side = "server";
  if (record.what.empty()) record.what = text_of(json, "what");
  if (record.what.empty() && json.contains("steps")) record.what = "connected";
  if (is_error(json) && !json.contains("event")) {
    record.error = json;
    record.what = "error";
  } else if (json.contains("error") && json["error"].is_object()) {
    record.error = json["error"];
  }
  if (record.error.is_object()) {
    record.status = printable(text_of(record.error, "status"));
    record.message = printable(text_of(record.error, "message"));
  }
  return record;
}

// Whatever has an id is a record; what is inside of it is a part of that.
void gather(const Json& json, const std::string& file, std::vector<Record>& records,
            std::size_t depth = 0) {
  constexpr std::size_t deepest = 64;
  if (depth == deepest) return;
  // The steps of a trace are not told here.
  if (json.is_object() && json.contains("kind") && json.contains("time_us")) return;
  if (json.is_object() && !text_of(json, "correlation_id").empty()) {
    records.push_back(record_of(json, file));
    return;
  }
  if (!json.is_structured()) return;
  for (const Json& part : json) gather(part, file, records, depth + 1);
}

// What is nested deeper is left out: values are copied and printed by recursion.
Json shallow(const std::string& text) {
  constexpr int deepest = 100;
  const auto is_near = [](int depth, Json::parse_event_t, const Json&) { return depth < deepest; };
  return Json::parse(text, is_near, /*allow_exceptions=*/false);
}

Json parse(const std::string& file, const std::string& text) {
  if (Json whole = shallow(text); !whole.is_discarded()) return whole;
  Json lines = Json::array();
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    Json one = shallow(line);
    // Other programs' logs have other lines between.
    if (!one.is_discarded()) lines.push_back(std::move(one));
  }
  if (lines.empty()) throw std::runtime_error("'" + file + "' holds no JSON");
  return lines;
}

bool sent_alert(const Record& record) {
  if (!record.error.is_object() || !record.error.contains("alert")) return false;
  const Json& alert = record.error["alert"];
  return alert.is_object() && text_of(alert, "direction") == "sent";
}

bool received_alert(const Record& record) {
  if (!record.error.is_object() || !record.error.contains("alert")) return false;
  const Json& alert = record.error["alert"];
  return alert.is_object() && text_of(alert, "direction") == "received";
}

std::string alert_of(const Record& record) {
  return record.error.is_object() && record.error.contains("alert") &&
                 record.error["alert"].is_object()
             ? printable(text_of(record.error["alert"], "name"))
             : "";
}

// Who refused knows why; who was refused knows an alert at most.
int weight(const Record& record) {
  if (record.error.is_null()) return 0;
  if (sent_alert(record)) return 4;
  const std::string layer = text_of(record.error, "layer");
  if (!received_alert(record) && (layer == "certificate" || layer == "credential")) return 3;
  return received_alert(record) ? 1 : 2;
}

std::string side_of(const Record& record) {
  return record.side.empty() ? "the side of '" + record.file + '\'' : "the " + record.side;
}

void tell(Story& story) {
  const auto told = std::ranges::max_element(story.records, {}, weight);
  if (told->error.is_null()) {
    story.sentence = "Both sides took part, and neither tells of a failure.";
    return;
  }
  story.is_good = false;
  const auto other = std::ranges::find_if(story.records, [&](const Record& one) {
    return one.file != told->file && !one.error.is_null();
  });
  std::string who = side_of(*told);
  who.front() = 'T';
  const bool decided = weight(*told) >= 3;
  story.sentence = who + (decided ? " refused: " : " saw it fail: ") + told->message + '.';
  if (other != story.records.end()) {
    const std::string alert = alert_of(*other);
    story.sentence += " What " + side_of(*other) +
                      " saw of that: " + (alert.empty() ? other->message : "alert " + alert) + '.';
  }
  story.fix = printable(text_of(told->error, "hint"));
}

// A side that does not say which it is is what the other one is not.
void name_sides(std::vector<Record>& records) {
  const auto named =
      std::ranges::find_if(records, [](const Record& one) { return !one.side.empty(); });
  if (named == records.end()) return;
  const std::string side = named->side, file = named->file;
  for (Record& record : records) {
    if (record.side.empty() && record.file != file) {
      record.side = side == "server" ? "client" : "server";
    }
  }
}

}  // namespace

std::vector<Record> read_records(const std::string& file) {
  const Json json = parse(file, read_file(file));
  std::vector<Record> records;
  gather(json, file, records);
  const bool is_doctor =
      json.is_object() && text_of(json, "schema").starts_with("sallyport-doctor/");
  for (Record& record : records) {
    if (is_doctor) record.side = "client";
  }
  return records;
}

std::vector<Story> join(const std::vector<Record>& first, const std::vector<Record>& second) {
  std::vector<Story> stories;
  for (const Record& one : first) {
    const bool is_known = std::ranges::any_of(
        stories, [&](const Story& story) { return story.correlation_id == one.correlation_id; });
    if (is_known) continue;
    Story story{.correlation_id = one.correlation_id};
    const auto add = [&](const std::vector<Record>& records) {
      for (const Record& record : records) {
        if (record.correlation_id == one.correlation_id) story.records.push_back(record);
      }
    };
    add(first);
    const std::size_t of_first = story.records.size();
    add(second);
    if (story.records.size() == of_first) continue;
    name_sides(story.records);
    tell(story);
    stories.push_back(std::move(story));
  }
  return stories;
}

Json to_json(const Story& story) {
  Json records = Json::array();
  for (const Record& record : story.records) {
    records.push_back({{"file", record.file},
                       {"side", record.side},
                       {"what", record.what},
                       {"error", record.error}});
  }
  return {{"correlation_id", story.correlation_id},
          {"good", story.is_good},
          {"sentence", story.sentence},
          {"fix", story.fix},
          {"records", records}};
}
