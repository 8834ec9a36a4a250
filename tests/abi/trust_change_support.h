// Connections whose peer may lose this side's trust, for tests.
#pragma once

#include "lib/async.h"
#include "lib/secure.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace sally::test {

inline Owned<sally_tls_config> trusting(Owned<sally_tls_config> config, sally_trust_store* trust,
                                        std::int32_t mode, std::int64_t drain_ms = 0) {
  EXPECT_EQ(sally_tls_config_set_trust(config.get(), trust, nullptr), SALLY_OK);
  EXPECT_EQ(sally_tls_config_set_trust_change(config.get(), mode, drain_ms, nullptr), SALLY_OK);
  return config;
}

// Until the stream was reviewed that may be about to be: its loop has done what was posted before.
inline void let_review(const Stream& stream) {
  Queue queue;
  const sally_completion completion = queue.completion(1);
  ASSERT_EQ(sally_stream_flush_async(stream.get(), 0, &completion, nullptr, nullptr), SALLY_OK);
  ASSERT_EQ(queue.next()->tag, 1u);
}

inline void expect_no_longer_trusted(const Result& result, sally_status status, int generation) {
  EXPECT_EQ(result, status);
  const std::string message = result.error ? sally_error_message(result.error.get()) : "";
  EXPECT_NE(message.find("no longer trusted since generation " + std::to_string(generation)),
            std::string::npos)
      << message;
  EXPECT_EQ(result.phase(), "review");
  EXPECT_FALSE(result.correlation_id().empty());
  EXPECT_FALSE(result.text(SALLY_ERROR_FIELD_ADDRESS).empty());
}

}  // namespace sally::test
