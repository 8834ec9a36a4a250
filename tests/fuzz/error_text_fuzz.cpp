// Hostile text in every field of an error: what is shown is one line of UTF-8, and its JSON parses
// to the same.
#include "fuzz/support.h"
#include "status/text.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sally;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string half = text.substr(size / 2);
  const int number = size > 0 ? data[0] : 0;
  const ErrorRef cause = make_error(SALLY_CONNECTION_RESET, {.message = half, .address = text});
  const ErrorRef error = make_error(number * 8, {.message = text,
                                                 .hint = half,
                                                 .native_domain = number % 9,
                                                 .native_code = number,
                                                 .native_name = text,
                                                 .alert_direction = number % 3,
                                                 .alert = number,
                                                 .depth = number,
                                                 .subject = text,
                                                 .issuer = half,
                                                 .expected = text,
                                                 .found = half,
                                                 .source = text,
                                                 .address = half,
                                                 .correlation_id = text,
                                                 .phase = half,
                                                 .cause = cause});
  const auto json = nlohmann::json::parse(error->json());
  fuzz::require(json.at("message").get<std::string>() == error->message(),
                "the JSON says what the error says");
  fuzz::require(error->message().find_first_of("\r\n") == std::string::npos,
                "a message is one line");
  fuzz::require(nlohmann::json(error->message()).dump().size() > 0, "a message is UTF-8");
  const std::string shown = status::one_line(text);
  fuzz::require(status::one_line(shown) == shown, "shown twice, a text stays the same");
  return 0;
}
