// Configs that ask the program's own clock, on either side.
#include "abi/decision_support.h"

#include <atomic>
#include <ctime>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

constexpr std::int64_t a_day = 24 * 3600;

// A clock that a test turns. It lives as long as anything asks it, which may be after the test.
class TestClock {
 public:
  void set(sally_tls_config* config) const {
    const auto now = [](void* user) { return (*static_cast<Shared*>(user))->now.load(); };
    const auto drop = [](void* user) {
      ++(*static_cast<Shared*>(user))->frees;
      delete static_cast<Shared*>(user);
    };
    ASSERT_EQ(sally_tls_config_set_clock(config, now, new Shared(state_), drop, nullptr), SALLY_OK);
  }
  void turn(std::int64_t now) const { state_->now = now; }
  int frees() const { return state_->frees; }

 private:
  struct State {
    std::atomic<std::int64_t> now{std::time(nullptr)};
    std::atomic<int> frees{0};
  };
  using Shared = std::shared_ptr<State>;
  const Shared state_ = std::make_shared<State>();
};

std::string effective(sally_tls_config* config) {
  Owned<sally_bytes> json;
  EXPECT_EQ(sally_tls_config_to_json(config, Out(json), nullptr), SALLY_OK);
  return {static_cast<const char*>(sally_bytes_data(json.get())), sally_bytes_size(json.get())};
}

// The parameters: the version of TLS, and the role of the side that has the clock.
class ConfigClock : public testing::TestWithParam<std::tuple<std::int32_t, std::int32_t>> {
 protected:
  bool serves() const { return std::get<1>(GetParam()) == SALLY_ROLE_SERVER; }
  void bind(bool resumes) {
    const std::int32_t version = std::get<0>(GetParam());
    server = server_config(of_version(
        version, {.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE}));
    client = client_config(of_version(version, {.credential = "client-good"}));
    clock.set((serves() ? server : client).get());
    if (!resumes) {
      ASSERT_EQ(sally_tls_config_set_resumption(client.get(), SALLY_RESUMPTION_OFF, 0, nullptr),
                SALLY_OK);
    }
    listener.emplace(server);
  }
  // Whether the session was resumed.
  bool meet() {
    Pair pair = connect_pair(*listener, client.get());
    EXPECT_EQ(pair.server.write("!"), SALLY_OK);
    EXPECT_EQ(pair.client.read_text(1), "!");  // and the ticket before it
    return sally_stream_info_resumed(pair.client.info().get()) == 1;
  }
  sally_status refusal() {
    Stream late = listener->stream(client.get());
    const sally_status seen = refused(late).status;
    EXPECT_NE(seen, SALLY_OK);
    const sally_status judged = listener->next_refusal().status();
    return serves() ? judged : seen;
  }
  std::int64_t peer_expires() const {
    return sally_credential_not_after(
        Zoo::credential(serves() ? "client-good" : "server-good").get());
  }

  TestClock clock;
  Owned<sally_tls_config> server, client;
  std::optional<Listener> listener;
};
INSTANTIATE_TEST_SUITE_P(OnEachVersionAndSide, ConfigClock,
                         testing::Combine(testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                                          testing::Values(SALLY_ROLE_CLIENT, SALLY_ROLE_SERVER)),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param) == SALLY_TLS_1_2 ? "Tls12"
                                                                                       : "Tls13") +
                                  (std::get<1>(each.param) == SALLY_ROLE_CLIENT ? "Client"
                                                                                : "Server");
                         });

}  // namespace

TEST_P(ConfigClock, ThatPassesTheEndOfAChainRefusesItAlsoOutOfTheCache) {
  bind(/*resumes=*/false);
  meet();
  meet();
  const sally_tls_config* judge = (serves() ? server : client).get();
  EXPECT_GT(sally_tls_config_verification_cache_hits(judge), 0u);
  clock.turn(peer_expires() + a_day);
  EXPECT_EQ(refusal(), SALLY_CERTIFICATE_EXPIRED);
  clock.turn(std::time(nullptr));
  EXPECT_FALSE(meet());
}

TEST_P(ConfigClock, ThatPassesTheEndOfAChainRefusesItAtResumption) {
  bind(/*resumes=*/true);
  EXPECT_FALSE(meet());
  EXPECT_TRUE(meet());
  clock.turn(peer_expires() + a_day);
  EXPECT_EQ(refusal(), SALLY_CERTIFICATE_EXPIRED);
}

TEST_P(ConfigClock, BeforeAChainBeginsRefusesIt) {
  bind(/*resumes=*/false);
  for (const std::int64_t early : {std::int64_t{1}, std::int64_t{-1}, INT64_MIN}) {
    clock.turn(early);
    EXPECT_EQ(refusal(), SALLY_CERTIFICATE_NOT_YET_VALID) << early;
  }
  clock.turn(INT64_MAX);
  EXPECT_EQ(refusal(), SALLY_CERTIFICATE_EXPIRED);
}

TEST(ClockOfAConfig, IsSaidInWhatIsInForce) {
  TestClock clock;
  {
    EXPECT_EQ(effective(client_config().get()).find("\"clock\""), std::string::npos);
    const auto config = client_config();
    clock.set(config.get());
    const auto json = nlohmann::json::parse(effective(config.get()));
    EXPECT_NE(json.dump().find("\"clock\":\"program\""), std::string::npos) << json.dump(2);
    EXPECT_EQ(clock.frees(), 0);
  }
  EXPECT_EQ(clock.frees(), 1) << "after the last use";
}

TEST(ClockOfAConfig, GivesWayToAFixedTimeAndBack) {
  TestClock clock;
  const auto config = client_config();
  clock.set(config.get());
  ASSERT_EQ(sally_tls_config_set_verification_time(config.get(), 1, nullptr), SALLY_OK);
  EXPECT_EQ(clock.frees(), 1);
  Listener listener(server_config());
  clock.set(config.get());
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_OK);
}

TEST(ClockOfAConfig, IsAFunctionInCpp) {
  auto calls = std::make_shared<std::atomic<int>>(0);
  Listener listener(server_config({.credential = "server-good"}));
  {
    const auto config = sally::TlsConfig::client()
                            .trust(sally::TrustStore::from_file(Zoo::ca_path("ca-root")))
                            .clock([calls] {
                              ++*calls;
                              return std::chrono::sys_seconds(std::chrono::seconds(1));
                            });
    EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_CERTIFICATE_NOT_YET_VALID);
    EXPECT_GT(*calls, 0);
  }
}
