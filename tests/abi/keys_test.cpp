// Policies, keys that are exported and renewed, key logs and stapling, as a program meets them.
#include "abi/cpp_support.h"
#include "lib/secure.h"
#include "lib/zoo.h"

#include <array>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace sally::test;

namespace {

std::string exported(const Stream& stream, const char* label, const char* context) {
  std::string key(32, '\0');
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_stream_export_key(stream.get(), label, context,
                                             context != nullptr ? std::strlen(context) : 0,
                                             key.data(), key.size(), error);
            }),
            SALLY_OK);
  return key;
}

Result binding(const Stream& stream, const char* type, std::string& value) {
  Owned<sally_bytes> bytes;
  Result result = called([&](sally_error** error) {
    return sally_stream_channel_binding(stream.get(), type, Out(bytes), error);
  });
  if (result.ok())
    value.assign(static_cast<const char*>(sally_bytes_data(bytes.get())),
                 sally_bytes_size(bytes.get()));
  return result;
}

Result update_keys(const Stream& stream, bool request_peer) {
  return called([&](sally_error** error) {
    return sally_stream_update_keys(stream.get(), request_peer ? 1 : 0, error);
  });
}

nlohmann::json settings_of(sally_tls_config* config) {
  Owned<sally_bytes> json;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_tls_config_to_json(config, Out(json), error);
            }),
            SALLY_OK);
  return nlohmann::json::parse(static_cast<const char*>(sally_bytes_data(json.get())));
}

class KeysOfVersion : public testing::TestWithParam<std::int32_t> {};
INSTANTIATE_TEST_SUITE_P(Tls, KeysOfVersion, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& version) {
                           return version.param == SALLY_TLS_1_2 ? "1_2" : "1_3";
                         });

}  // namespace

TEST_P(KeysOfVersion, AreExportedAlikeOnBothSides) {
  Pair pair = tls_pair(GetParam());
  for (const char* context : {static_cast<const char*>(nullptr), "", "context"}) {
    EXPECT_EQ(exported(pair.client, "EXPERIMENTAL test", context),
              exported(pair.server, "EXPERIMENTAL test", context));
  }
  const bool same = exported(pair.client, "EXPERIMENTAL test", nullptr) ==
                    exported(pair.client, "EXPERIMENTAL test", "");
  EXPECT_EQ(same, GetParam() == SALLY_TLS_1_3);
}

TEST_P(KeysOfVersion, BindTheChannelAlikeOnBothSides) {
  Pair pair = tls_pair(GetParam());
  std::string near, far;
  for (const char* type : {"tls-exporter", "tls-server-end-point"}) {
    EXPECT_EQ(binding(pair.client, type, near), SALLY_OK);
    EXPECT_EQ(binding(pair.server, type, far), SALLY_OK);
    EXPECT_EQ(near, far);
    EXPECT_EQ(near.size(), 32u);
  }
  EXPECT_EQ(binding(pair.client, "tls-unique", near), SALLY_NOT_SUPPORTED);
}

TEST_P(KeysOfVersion, AreNotToBeHadOfAClosedStream) {
  Pair pair = tls_pair(GetParam());
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  std::string value;
  EXPECT_EQ(binding(pair.client, "tls-exporter", value), SALLY_CLOSED);
  EXPECT_EQ(update_keys(pair.client, false), SALLY_CLOSED);
}

TEST(Keys, AreRenewedBetweenWhatIsSaid) {
  Pair pair = tls_pair(SALLY_TLS_1_3);
  const std::string sent = pattern(100'000);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(update_keys(pair.client, /*request_peer=*/true), SALLY_OK);
    ASSERT_EQ(pair.client.write(sent), SALLY_OK);
    ASSERT_EQ(pair.server.read_text(sent.size()), sent);
    ASSERT_EQ(pair.server.write(sent), SALLY_OK);
    ASSERT_EQ(pair.client.read_text(sent.size()), sent);
  }
}

TEST(Keys, AreRenewedWithNothingSaidAfterwards) {
  Pair pair = tls_pair(SALLY_TLS_1_3);
  const auto received = [&] {
    const auto info = pair.server.info();
    return sally_stream_info_bytes(info.get(), SALLY_BYTES_WIRE_RECEIVED);
  };
  const std::uint64_t before = received();
  ASSERT_EQ(update_keys(pair.client, false), SALLY_OK);
  // A key update is no data: the read that takes it in finds none, and ends with what follows it.
  ASSERT_EQ(pair.client.shutdown(), SALLY_OK);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
  EXPECT_GT(received(), before + 24) << "more than the close_notify";
}

TEST(Keys, CannotBeRenewedInTls12NorAfterTheEnd) {
  Pair old = tls_pair(SALLY_TLS_1_2);
  EXPECT_EQ(update_keys(old.client, false), SALLY_NOT_SUPPORTED);
  Pair pair = tls_pair(SALLY_TLS_1_3);
  ASSERT_EQ(pair.client.shutdown(), SALLY_OK);
  EXPECT_EQ(update_keys(pair.client, false), SALLY_INVALID_STATE);
}

TEST(Policy, IsChosenByNameAndTold) {
  auto config = client_config();
  for (const char* name : {"modern-2026", "compatible-2026", "default-2026", "default"}) {
    ASSERT_EQ(called([&](sally_error** error) {
                return sally_tls_config_set_policy(config.get(), name, error);
              }),
              SALLY_OK);
  }
  const Result refused = called([&](sally_error** error) {
    return sally_tls_config_set_policy(config.get(), "newest", error);
  });
  EXPECT_EQ(refused, SALLY_INVALID_ARGUMENT);
  EXPECT_NE(std::string(sally_error_message(refused.error.get())).find("compatible-2026"),
            std::string::npos);
  EXPECT_EQ(settings_of(config.get()).at("policy"), "default-2026");
}

TEST(Policy, ThatLeavesNoVersionIsTheConfigsFault) {
  auto config = client_config({.max_version = SALLY_TLS_1_2});
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_tls_config_set_policy(config.get(), "modern-2026", error);
            }),
            SALLY_OK);
  Owned<sally_bytes> json;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_tls_config_to_json(config.get(), Out(json), error);
            }),
            SALLY_INVALID_STATE);
}

TEST(Policy, OfPostQuantumKeysIsKeptOrRefusedAtOnce) {
  auto config = client_config();
  const Result result =
      called([&](sally_error** error) { return sally_tls_config_require_pq(config.get(), error); });
  const auto settings = settings_of(config.get());
  EXPECT_EQ(settings.at("post_quantum_required"), result.ok());
  if (!result.ok()) {
    EXPECT_EQ(result, SALLY_NOT_SUPPORTED);
    return;
  }
  Listener listener(server_config());
  const Pair pair = connect_pair(listener, config.get());
  EXPECT_STREQ(sally_stream_info_group(pair.client.info().get()), "X25519MLKEM768");
  EXPECT_STREQ(sally_stream_info_group(pair.server.info().get()), "X25519MLKEM768");
}

TEST(KeyLog, IsWrittenOnlyForTheConfigThatAsks) {
  const std::string path = testing::TempDir() + "sallyport-abi-keys-" + std::to_string(::getpid());
  auto config = client_config();
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_tls_config_insecure_log_keys(config.get(), path.c_str(), error);
            }),
            SALLY_OK);
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0) << "opened at the call";
  EXPECT_EQ(facts.st_mode & 07777u, 0600u);
  Listener listener(server_config());
  connect_pair(listener, client_config().get());
  EXPECT_EQ(read_file(path), "");
  connect_pair(listener, config.get());
  EXPECT_NE(read_file(path).find("CLIENT_TRAFFIC_SECRET_0 "), std::string::npos);
  std::filesystem::remove(path);
}

namespace {

// The status of a client that demands a staple, with a server that was given this one.
sally_status meet_with_staple(const std::string& file) {
  const auto credential = Zoo::credential("server-good");
  const std::string staple = file.empty() ? "" : read_file(SALLYPORT_ZOO_DIR "/" + file);
  const Result set = called([&](sally_error** error) {
    return sally_credential_set_ocsp_response(credential.get(), staple.data(), staple.size(),
                                              error);
  });
  if (!set.ok()) return set.status;
  auto server = server_config({});
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_tls_config_add_credential(server.get(), credential.get(), error);
            }),
            SALLY_OK);
  auto client = client_config({});
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_tls_config_set_ocsp(client.get(), SALLY_OCSP_REQUIRE, error);
            }),
            SALLY_OK);
  Listener listener(server);
  Stream stream = listener.stream(client.get());
  return stream.connect().status;
}

}  // namespace

TEST(Stapling, OfAGoodResponseSatisfiesAClientThatDemandsOne) {
  EXPECT_EQ(meet_with_staple("ocsp-good.der"), SALLY_OK);
  EXPECT_EQ(meet_with_staple(""), SALLY_OCSP_RESPONSE_MISSING);
}

TEST(Stapling, OfAResponseThatRevokesIsRefusedAtTheServer) {
  EXPECT_EQ(meet_with_staple("ocsp-revoked.der"), SALLY_OCSP_RESPONSE_INVALID);
}

// --- The wrappers.
// ---------------------------------------------------------------------------------

namespace sally::cpp {

TEST(CppKeys, AreExportedBoundAndRenewed) {
  Pair pair;
  std::array<std::byte, 16> near{}, far{};
  const std::string context = "context";
  pair.client.export_key("EXPERIMENTAL test", near);
  pair.server.export_key("EXPERIMENTAL test", far);
  EXPECT_EQ(near, far);
  pair.client.export_key("EXPERIMENTAL test", std::as_bytes(std::span(context)), near);
  EXPECT_NE(near, far);
  pair.server.export_key("EXPERIMENTAL test", std::as_bytes(std::span(context)), far);
  EXPECT_EQ(near, far);
  EXPECT_EQ(pair.client.channel_binding("tls-exporter").text(),
            pair.server.channel_binding("tls-exporter").text());
  pair.client.update_keys(true);
  pair.client.write("hello");
  std::string text(5, '\0');
  pair.server.read_exactly(text, soon);
  EXPECT_EQ(text, "hello");
}

TEST(CppPolicy, IsSetWithTheOthers) {
  const auto config =
      client_config().policy("modern-2026").provider("provider=default").ocsp(SALLY_OCSP_OFF);
  const auto settings = nlohmann::json::parse(config.json().text());
  EXPECT_EQ(settings.at("policy"), "modern-2026");
  EXPECT_EQ(settings.at("provider"), "provider=default");
  EXPECT_EQ(settings.at("verification").at("ocsp"), "off");
  EXPECT_EQ(status_of([] { sally::library_load_provider("no-such-provider"); }),
            SALLY_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status_of([] { client_config().insecure_log_keys("/no/such/folder/keys"); }),
            SALLY_FILE_NOT_FOUND);
  const auto shown = credential("server-good");
  const std::string staple = read_file(SALLYPORT_ZOO_DIR "/ocsp-good.der");
  EXPECT_NO_THROW(shown.set_ocsp_response(std::as_bytes(std::span(staple))));
  EXPECT_NO_THROW(shown.set_ocsp_response({}));
}

}  // namespace sally::cpp
