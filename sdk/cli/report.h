// report.h: connections, certificates and errors, for people and as JSON.
#pragma once

#include "terminal.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include <sallyport/sallyport.hpp>

// In the order in which it is written: a person reads it too. Bytes that are no UTF-8 are replaced.
using Json = nlohmann::ordered_json;
std::string dump(const Json& json, int indent = -1);

// What sally_error_json and sally_certificate_copy_json describe.
Json to_json(const sally::Error& error);
Json to_json(const sally::Certificate& certificate);
// The establishment report; sdk/docs/sally.md describes it.
Json to_json(const sally::StreamInfo& info);

// "2026-01-31T12:00:00Z".
std::string rfc3339(std::chrono::sys_seconds time);
std::chrono::sys_seconds now();
// "0.4 ms", "12 s".
std::string readable(std::chrono::microseconds duration);

void print_error(std::ostream& out, const sally::Error& error, const Style& style);
void print_report(std::ostream& out, const sally::StreamInfo& info, const Style& style);
