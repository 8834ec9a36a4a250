// What is known about a stream, as JSON.
#include "lib/async.h"
#include "lib/json_schema.h"
#include "lib/secure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

#include <sallyport/stream_info.hpp>

using namespace sally::test;
using testing::IsEmpty;

namespace {

using Json = nlohmann::json;

Json json_of(const Stream& stream) {
  const auto info = sally::StreamInfo::adopt(stream.info().release());
  const Json json = Json::parse(info.json().text());
  EXPECT_THAT(JsonSchema::of_stream_information().faults(json), IsEmpty()) << json.dump(2);
  return json;
}

}  // namespace

TEST(StreamInfoJson, SaysWhatTheFieldsSay) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.write("hello"), SALLY_OK);
  ASSERT_EQ(pair.server.read_text(5), "hello");
  const Json client = json_of(pair.client);
  const Json server = json_of(pair.server);
  EXPECT_EQ(client["secured"], true);
  EXPECT_EQ(client["local_address"], server["peer_address"]);
  EXPECT_EQ(client["tls"]["version"], "TLSv1.3");
  EXPECT_EQ(client["tls"]["server_name"], "localhost");
  EXPECT_EQ(client["tls"]["correlation_id"], server["tls"]["correlation_id"]);
  EXPECT_EQ(client["tls"]["peer_verified"], true);
  EXPECT_EQ(client["tls"]["client_certificate_sent"], true);
  EXPECT_EQ(client["tls"]["own_certificate"], server["tls"]["peer_chain"][0]);
  EXPECT_GE(client["tls"]["verified_chain"].size(), 2u);
  EXPECT_EQ(client["tls"]["peer_findings"], nullptr);
  EXPECT_EQ(client["establishment"]["round_trips"], 1);
  EXPECT_EQ(client["establishment"]["attempts"].back()["status"], "SALLY_OK");
  EXPECT_THAT(server["establishment"]["attempts"], IsEmpty());
  EXPECT_EQ(client["bytes"]["written"], 5);
  EXPECT_EQ(server["bytes"]["read"], 5);
}

TEST(StreamInfoJson, HasNoTlsOnAPlainStream) {
  Pair pair = plain_pair();
  const Json json = json_of(pair.client);
  EXPECT_EQ(json["secured"], false);
  EXPECT_EQ(json["tls"], nullptr);
}
