#include "abi/argument_cases.h"

namespace sally::test {

namespace {

using Status = const char* (*)(sally_status);
using StatusNumber = std::int32_t (*)(sally_status);

constexpr sally_status unknown_statuses[] = {-1, 9999, INT32_MAX, INT32_MIN};

void append_status_cases(ArgumentCases& cases) {
  const auto text = [&](const char* name, Status function) {
    cases.push_back(gives(name, "numbers that are not in the table", [=](World&) {
      for (const sally_status status : unknown_statuses)
        EXPECT_EQ(function(status), nullptr) << status;
      EXPECT_NE(function(SALLY_OK), nullptr);
      EXPECT_NE(function(SALLY_TRUNCATED), nullptr);
    }));
  };
  text("sally_status_name", sally_status_name);
  text("sally_status_message", sally_status_message);
  text("sally_status_hint", sally_status_hint);

  const auto number = [&](const char* name, StatusNumber function, std::int32_t expected) {
    cases.push_back(gives(name, "numbers that are not in the table", [=](World&) {
      for (const sally_status status : unknown_statuses)
        EXPECT_EQ(function(status), expected) << status;
    }));
  };
  number("sally_status_layer", sally_status_layer, -1);
  number("sally_status_to_socket_error_status", sally_status_to_socket_error_status, 0);
  number("sally_status_to_chain_validation_result", sally_status_to_chain_validation_result, -1);
  number("sally_status_to_socket_ssl_error_severity", sally_status_to_socket_ssl_error_severity, 0);
  number("sally_status_to_web_error_status", sally_status_to_web_error_status, 0);

  const auto from = [&](const char* name, StatusNumber function) {
    cases.push_back(gives(name, "numbers that are no value", [=](World&) {
      for (const std::int32_t value : {-1, 299, 9999, INT32_MAX, INT32_MIN})
        EXPECT_EQ(function(value), SALLY_INVALID_ARGUMENT) << value;
      EXPECT_NE(function(0), SALLY_INVALID_ARGUMENT);
    }));
  };
  from("sally_status_from_socket_error_status", sally_status_from_socket_error_status);
  from("sally_status_from_chain_validation_result", sally_status_from_chain_validation_result);
  from("sally_status_from_web_error_status", sally_status_from_web_error_status);

  const auto value_name = [&](const char* name, const char* (*function)(std::int32_t)) {
    cases.push_back(gives(name, "numbers that are no value", [=](World&) {
      for (const std::int32_t value : {-1, 299, 9999, INT32_MAX, INT32_MIN})
        EXPECT_EQ(function(value), nullptr) << value;
      EXPECT_NE(function(0), nullptr);
    }));
  };
  value_name("sally_socket_error_status_name", sally_socket_error_status_name);
  value_name("sally_socket_ssl_error_severity_name", sally_socket_ssl_error_severity_name);
  value_name("sally_chain_validation_result_name", sally_chain_validation_result_name);
  value_name("sally_web_error_status_name", sally_web_error_status_name);

  cases.push_back(gives("sally_native_name", "domains and codes that do not exist", [](World&) {
    for (const std::int32_t domain : {-1, 0, 8, INT32_MAX, INT32_MIN})
      EXPECT_EQ(sally_native_name(domain, 48), nullptr) << domain;
    for (std::int32_t domain = SALLY_DOMAIN_ERRNO; domain <= SALLY_DOMAIN_ALERT; ++domain) {
      for (const std::int64_t code : {INT64_MAX, INT64_MIN, std::int64_t{-87'654}})
        EXPECT_EQ(sally_native_name(domain, code), nullptr) << domain << " " << code;
    }
  }));
  cases.push_back(
      gives("sally_status_to_native_name", "statuses and domains that do not exist", [](World&) {
        for (const std::int32_t domain : {-1, 0, 8, INT32_MAX, INT32_MIN})
          EXPECT_EQ(sally_status_to_native_name(SALLY_CONNECTION_RESET, domain), nullptr);
        for (const sally_status status : unknown_statuses)
          EXPECT_EQ(sally_status_to_native_name(status, SALLY_DOMAIN_ERRNO), nullptr) << status;
      }));
  cases.push_back(gives("sally_status_to_native", "NULL, and what does not exist", [](World&) {
    std::int64_t code = 77;
    for (const std::int32_t domain : {-1, 0, 8, INT32_MAX, INT32_MIN})
      EXPECT_EQ(sally_status_to_native(SALLY_CONNECTION_RESET, domain, &code), 0) << domain;
    for (const sally_status status : unknown_statuses)
      EXPECT_EQ(sally_status_to_native(status, SALLY_DOMAIN_ERRNO, &code), 0) << status;
    EXPECT_EQ(sally_status_to_native(SALLY_CONNECTION_RESET, SALLY_DOMAIN_ERRNO, nullptr), 0);
    EXPECT_EQ(code, 77) << "written only on success";
  }));

  cases.push_back(
      gives("sally_status_from_native", "domains and codes that do not exist", [](World&) {
        for (const std::int32_t domain : {-1, 0, 8, INT32_MAX, INT32_MIN}) {
          EXPECT_EQ(sally_status_from_native(domain, 1), SALLY_INVALID_ARGUMENT) << domain;
        }
        for (std::int32_t domain = SALLY_DOMAIN_ERRNO; domain <= SALLY_DOMAIN_ALERT; ++domain) {
          for (const std::int64_t code : {INT64_MAX, INT64_MIN, std::int64_t{0x87654321}}) {
            EXPECT_EQ(sally_status_from_native(domain, code), SALLY_UNKNOWN)
                << domain << " " << code;
          }
        }
      }));
  cases.push_back(
      gives("sally_status_from_native_name", "names that do not exist", [](World& world) {
        EXPECT_EQ(sally_status_from_native_name(0, "ECONNREFUSED"), SALLY_INVALID_ARGUMENT);
        EXPECT_EQ(sally_status_from_native_name(8, "ECONNREFUSED"), SALLY_INVALID_ARGUMENT);
        EXPECT_EQ(sally_status_from_native_name(SALLY_DOMAIN_ERRNO, nullptr),
                  SALLY_INVALID_ARGUMENT);
        for (const char* name :
             {"", "WSAECONNREFUSED", world.not_utf8.c_str(), world.long_text.c_str()}) {
          EXPECT_EQ(sally_status_from_native_name(SALLY_DOMAIN_ERRNO, name), SALLY_UNKNOWN);
        }
        EXPECT_EQ(sally_status_from_native_name(SALLY_DOMAIN_ERRNO, "ECONNREFUSED"),
                  SALLY_CONNECTION_REFUSED);
      }));
}

void append_error_cases(ArgumentCases& cases) {
  cases.insert(
      cases.end(),
      {gives("sally_error_status", "NULL",
             [](World&) { EXPECT_EQ(sally_error_status(nullptr), SALLY_OK); }),
       gives("sally_error_layer", "NULL",
             [](World&) { EXPECT_EQ(sally_error_layer(nullptr), SALLY_LAYER_GENERAL); }),
       gives("sally_error_message", "NULL",
             [](World&) { EXPECT_STREQ(sally_error_message(nullptr), ""); }),
       gives("sally_error_hint", "NULL",
             [](World&) { EXPECT_STREQ(sally_error_hint(nullptr), ""); }),
       gives("sally_error_native_domain", "NULL",
             [](World&) { EXPECT_EQ(sally_error_native_domain(nullptr), SALLY_DOMAIN_NONE); }),
       gives("sally_error_native_code", "NULL",
             [](World&) { EXPECT_EQ(sally_error_native_code(nullptr), 0); }),
       gives("sally_error_alert", "NULL and an error without",
             [](World& world) {
               EXPECT_EQ(sally_error_alert(nullptr), -1);
               EXPECT_EQ(sally_error_alert(world.error.get()), -1);
             }),
       gives("sally_error_alert_direction", "NULL",
             [](World&) { EXPECT_EQ(sally_error_alert_direction(nullptr), SALLY_ALERT_NONE); }),
       gives("sally_error_depth", "NULL and an error without",
             [](World& world) {
               EXPECT_EQ(sally_error_depth(nullptr), -1);
               EXPECT_EQ(sally_error_depth(world.error.get()), -1);
             }),
       gives("sally_error_cause", "NULL",
             [](World&) { EXPECT_EQ(sally_error_cause(nullptr), nullptr); }),
       gives("sally_error_json", "NULL",
             [](World&) { EXPECT_STREQ(sally_error_json(nullptr), "null"); }),
       gives("sally_error_text", "NULL and fields that do not exist", [](World& world) {
         for (const std::int32_t field :
              {INT32_MIN, -1, 0, SALLY_ERROR_FIELD_PHASE + 1, INT32_MAX}) {
           EXPECT_EQ(sally_error_text(world.error.get(), field), nullptr) << field;
         }
         EXPECT_EQ(sally_error_text(nullptr, SALLY_ERROR_FIELD_PHASE), nullptr);
       })});
  const char* copy_text = "sally_error_copy_text";
  cases.push_back(answers(copy_text, "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_error_copy_text(nullptr, out.handle<sally_bytes>(), error);
                          }));
  cases.push_back(answers(copy_text, "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_error_copy_text(world.error.get(), nullptr, error);
                          }));
  cases.push_back(
      answers(copy_text, "an error", SALLY_OK, [](World& world, Outputs& out, sally_error** error) {
        return sally_error_copy_text(world.error.get(), out.handle<sally_bytes>(), error);
      }));
  append_lifetime_cases<sally_error, const sally_error>(
      cases, "sally_error_retain", sally_error_retain, "sally_error_release", sally_error_release,
      [](World& world) { return world.error.get(); });
}

template <class Handle>
ArgumentCase empty_text(const char* name, const char* (*function)(const Handle*)) {
  return gives(name, "NULL", [=](World&) { EXPECT_STREQ(function(nullptr), ""); });
}

template <class Handle, class Number>
ArgumentCase zero(const char* name, Number (*function)(const Handle*)) {
  return gives(name, "NULL", [=](World&) { EXPECT_EQ(function(nullptr), Number{0}); });
}

void append_certificate_cases(ArgumentCases& cases) {
  cases.insert(cases.end(),
               {empty_text("sally_certificate_subject", sally_certificate_subject),
                empty_text("sally_certificate_issuer", sally_certificate_issuer),
                empty_text("sally_certificate_serial", sally_certificate_serial),
                empty_text("sally_certificate_key", sally_certificate_key),
                empty_text("sally_certificate_fingerprint", sally_certificate_fingerprint),
                zero("sally_certificate_not_before", sally_certificate_not_before),
                zero("sally_certificate_not_after", sally_certificate_not_after),
                zero("sally_certificate_san_count", sally_certificate_san_count)});
  cases.push_back(
      gives("sally_certificate_san_kind", "NULL and a name that is not there", [](World& world) {
        EXPECT_EQ(sally_certificate_san_kind(nullptr, 0), 0);
        EXPECT_EQ(sally_certificate_san_kind(world.certificate.get(), SIZE_MAX), 0);
      }));
  cases.push_back(
      gives("sally_certificate_san_text", "NULL and a name that is not there", [](World& world) {
        EXPECT_EQ(sally_certificate_san_text(nullptr, 0), nullptr);
        EXPECT_EQ(sally_certificate_san_text(world.certificate.get(), SIZE_MAX), nullptr);
      }));
  using Copy = sally_status (*)(const sally_certificate*, sally_bytes**, sally_error**);
  const auto copy = [&](const char* name, Copy function) {
    cases.push_back(answers(name, "a NULL handle", SALLY_INVALID_ARGUMENT,
                            [=](World&, Outputs& out, sally_error** error) {
                              return function(nullptr, out.handle<sally_bytes>(), error);
                            }));
    cases.push_back(answers(name, "a NULL output", SALLY_INVALID_ARGUMENT,
                            [=](World& world, Outputs&, sally_error** error) {
                              return function(world.certificate.get(), nullptr, error);
                            }));
    cases.push_back(answers(
        name, "a certificate", SALLY_OK, [=](World& world, Outputs& out, sally_error** error) {
          return function(world.certificate.get(), out.handle<sally_bytes>(), error);
        }));
  };
  copy("sally_certificate_copy_der", sally_certificate_copy_der);
  copy("sally_certificate_copy_pem", sally_certificate_copy_pem);
  append_lifetime_cases<sally_certificate, sally_certificate>(
      cases, "sally_certificate_retain", sally_certificate_retain, "sally_certificate_release",
      sally_certificate_release, [](World& world) { return world.certificate.get(); });
}

void append_report_cases(ArgumentCases& cases) {
  cases.push_back(zero("sally_stream_info_secured", sally_stream_info_secured));
  cases.push_back(zero("sally_stream_info_round_trips", sally_stream_info_round_trips));
  cases.push_back(zero("sally_stream_info_attempt_count", sally_stream_info_attempt_count));
  cases.push_back(
      gives("sally_stream_info_duration", "NULL and numbers that mean none", [](World& world) {
        EXPECT_EQ(sally_stream_info_duration(nullptr, SALLY_DURATION_CONNECT), 0);
        for (const std::int32_t number : {INT32_MIN, -1, 0, 4, INT32_MAX})
          EXPECT_EQ(sally_stream_info_duration(world.info.get(), number), 0);
      }));
  cases.push_back(
      gives("sally_stream_info_bytes", "NULL and numbers that mean none", [](World& world) {
        EXPECT_EQ(sally_stream_info_bytes(nullptr, SALLY_BYTES_WIRE_SENT), 0u);
        for (const std::int32_t number : {INT32_MIN, -1, 0, 5, INT32_MAX})
          EXPECT_EQ(sally_stream_info_bytes(world.info.get(), number), 0u);
      }));
  const auto beyond = [&](const char* name,
                          std::function<void(sally_stream_info*, std::size_t)> check) {
    cases.push_back(gives(name, "NULL and an attempt that was not made", [=](World& world) {
      check(nullptr, 0);
      check(world.info.get(), sally_stream_info_attempt_count(world.info.get()));
      check(world.info.get(), SIZE_MAX);
    }));
  };
  beyond("sally_stream_info_attempt_address", [](sally_stream_info* info, std::size_t index) {
    EXPECT_EQ(sally_stream_info_attempt_address(info, index), nullptr);
  });
  beyond("sally_stream_info_attempt_status", [](sally_stream_info* info, std::size_t index) {
    EXPECT_EQ(sally_stream_info_attempt_status(info, index), SALLY_INVALID_ARGUMENT);
  });
  beyond("sally_stream_info_attempt_began", [](sally_stream_info* info, std::size_t index) {
    EXPECT_EQ(sally_stream_info_attempt_began(info, index), 0);
  });
  beyond("sally_stream_info_attempt_duration", [](sally_stream_info* info, std::size_t index) {
    EXPECT_EQ(sally_stream_info_attempt_duration(info, index), 0);
  });
}

void append_stream_info_cases(ArgumentCases& cases) {
  cases.insert(
      cases.end(),
      {zero("sally_stream_info_version", sally_stream_info_version),
       empty_text("sally_stream_info_version_name", sally_stream_info_version_name),
       empty_text("sally_stream_info_suite", sally_stream_info_suite),
       empty_text("sally_stream_info_group", sally_stream_info_group),
       empty_text("sally_stream_info_alpn", sally_stream_info_alpn),
       empty_text("sally_stream_info_server_name", sally_stream_info_server_name),
       zero("sally_stream_info_resumed", sally_stream_info_resumed),
       zero("sally_stream_info_peer_verified", sally_stream_info_peer_verified),
       zero("sally_stream_info_client_certificate_sent", sally_stream_info_client_certificate_sent),
       zero("sally_stream_info_client_certificate_requested",
            sally_stream_info_client_certificate_requested),
       empty_text("sally_stream_info_local_address", sally_stream_info_local_address),
       empty_text("sally_stream_info_peer_address", sally_stream_info_peer_address),
       empty_text("sally_stream_info_correlation_id", sally_stream_info_correlation_id),
       zero("sally_stream_info_peer_certificate_count", sally_stream_info_peer_certificate_count),
       gives("sally_stream_info_peer_certificate", "NULL and one that is not there",
             [](World& world) {
               EXPECT_EQ(sally_stream_info_peer_certificate(nullptr, 0), nullptr);
               const std::size_t count = sally_stream_info_peer_certificate_count(world.info.get());
               EXPECT_EQ(sally_stream_info_peer_certificate(world.info.get(), count), nullptr);
               EXPECT_EQ(sally_stream_info_peer_certificate(world.info.get(), SIZE_MAX), nullptr);
             }),
       gives("sally_stream_info_own_certificate", "NULL",
             [](World& world) {
               EXPECT_EQ(sally_stream_info_own_certificate(nullptr), nullptr);
               EXPECT_NE(sally_stream_info_own_certificate(world.info.get()), nullptr);
             }),
       zero("sally_stream_info_passed_over_count", sally_stream_info_passed_over_count),
       gives("sally_stream_info_passed_over", "NULL and one that is not there", [](World& world) {
         EXPECT_EQ(sally_stream_info_passed_over(nullptr, 0), nullptr);
         EXPECT_EQ(sally_stream_info_passed_over(world.info.get(), 0), nullptr);
         EXPECT_EQ(sally_stream_info_passed_over(world.info.get(), SIZE_MAX), nullptr);
       })});
  append_report_cases(cases);
  append_lifetime_cases<sally_stream_info, sally_stream_info>(
      cases, "sally_stream_info_retain", sally_stream_info_retain, "sally_stream_info_release",
      sally_stream_info_release, [](World& world) { return world.info.get(); });
}

}  // namespace

ArgumentCases plain_cases() {
  ArgumentCases cases;
  append_status_cases(cases);
  append_error_cases(cases);
  append_certificate_cases(cases);
  append_stream_info_cases(cases);
  cases.push_back(gives("sally_bytes_data", "NULL",
                        [](World&) { EXPECT_EQ(sally_bytes_data(nullptr), nullptr); }));
  cases.push_back(
      gives("sally_bytes_size", "NULL", [](World&) { EXPECT_EQ(sally_bytes_size(nullptr), 0u); }));
  append_lifetime_cases<sally_bytes, sally_bytes>(cases, "sally_bytes_retain", sally_bytes_retain,
                                                  "sally_bytes_release", sally_bytes_release,
                                                  [](World& world) { return world.bytes.get(); });
  cases.push_back(gives("sally_library_version", "nothing", [](World&) {
    const std::string expected = std::to_string(SALLY_VERSION_MAJOR) + "." +
                                 std::to_string(SALLY_VERSION_MINOR) + "." +
                                 std::to_string(SALLY_VERSION_PATCH);
    EXPECT_EQ(sally_library_version(), expected);
  }));
  cases.push_back(gives("sally_library_tls_backend", "nothing", [](World&) {
    EXPECT_EQ(std::string(sally_library_tls_backend()).substr(0, 8), "OpenSSL ");
  }));
  cases.push_back(gives("sally_library_live_handles", "kinds that do not exist", [](World&) {
    for (const std::int32_t kind : {-1, SALLY_HANDLE_TRACE_RECORD + 1, INT32_MAX, INT32_MIN}) {
      EXPECT_EQ(sally_library_live_handles(kind), -1) << kind;
    }
  }));
  return cases;
}

}  // namespace sally::test
