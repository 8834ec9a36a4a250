// Key logs: what is written, where, and only when asked for.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace sally::test {
namespace {

class KeyLog : public testing::Test {
 protected:
  KeyLog() { std::filesystem::create_directory(folder); }
  ~KeyLog() override { std::filesystem::remove_all(folder); }

  static std::string failure_of(const std::string& path) {
    const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
    try {
      config->log_keys(path);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.error()->detail().source, path);
      return name_of(failure.error()->status());
    }
    return "no failure";
  }
  static std::set<std::string> lines_of(const std::string& path) {
    std::istringstream text(read_text_file(path));
    std::set<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.insert(line);
    return lines;
  }
  static TlsPair logged_pair(std::int32_t version, const std::string& client_log,
                             const std::string& server_log) {
    const Parties parties{.version = version};
    const auto client = client_config(parties);
    const auto server = server_config(parties);
    client->log_keys(client_log);
    server->log_keys(server_log);
    return {client->freeze(), server->freeze()};
  }

  const std::string folder = testing::TempDir() + "sallyport-keys-" + std::to_string(::getpid());
  const std::string near = folder + "/near";
  const std::string far = folder + "/far";
};

TEST_F(KeyLog, HasTheSecretsOfBothSidesForTheirOwnerOnly) {
  ::umask(0);
  logged_pair(SALLY_TLS_1_3, near, far).established();
  const std::set<std::string> lines = lines_of(near);
  EXPECT_EQ(lines_of(far), lines) << "both sides have the same secrets";
  std::set<std::string> labels;
  for (const std::string& line : lines) {
    labels.insert(line.substr(0, line.find(' ')));
    EXPECT_EQ(std::count(line.begin(), line.end(), ' '), 2) << line;
  }
  EXPECT_EQ(labels, (std::set<std::string>{
                        "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                        "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"}));
  struct stat facts {};
  ASSERT_EQ(::stat(near.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777u, 0600u);
}

TEST_F(KeyLog, IsAppendedTo) {
  logged_pair(SALLY_TLS_1_2, near, near).established();
  const std::set<std::string> first = lines_of(near);
  ASSERT_EQ(first.size(), 1u) << "the two sides' are the same";
  EXPECT_TRUE(first.begin()->starts_with("CLIENT_RANDOM "));
  logged_pair(SALLY_TLS_1_2, near, near).established();
  const std::set<std::string> both = lines_of(near);
  EXPECT_EQ(both.size(), 2u);
  EXPECT_TRUE(both.contains(*first.begin()));
}

TEST_F(KeyLog, ThatCannotBeKeptIsRefusedAtTheCall) {
  EXPECT_EQ(failure_of(folder + "/none/keys"), "SALLY_FILE_NOT_FOUND");
  EXPECT_EQ(failure_of(folder), "SALLY_FILE_UNREADABLE");
  EXPECT_EQ(failure_of("/dev/null"), "SALLY_FILE_UNREADABLE");
  std::ofstream(near) << "";
  for (const unsigned mode : {0644u, 0640u, 0602u}) {
    ASSERT_EQ(::chmod(near.c_str(), mode), 0);
    EXPECT_EQ(failure_of(near), "SALLY_ACCESS_DENIED");
  }
  ASSERT_EQ(::chmod(near.c_str(), 0600), 0);
  EXPECT_EQ(failure_of(near), "no failure");
  ASSERT_EQ(::mkfifo(far.c_str(), 0600), 0);
  EXPECT_EQ(failure_of(far), "SALLY_FILE_UNREADABLE") << "and nobody waits for a reader";
}

TEST_F(KeyLog, IsInTheEffectiveSettings) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->skip_verification();
  config->log_keys(near);
  const auto settings = nlohmann::json::parse(tls::effective_settings(*config->freeze()));
  EXPECT_EQ(settings.at("insecure_key_log"), near);
  EXPECT_EQ(read_text_file(near), "") << "printing settings is no session";
}

TEST_F(KeyLog, IsNotForTheEnvironmentToAskFor) {
  ::setenv("SSLKEYLOGFILE", near.c_str(), 1);
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    TlsPair pair(Parties{.version = version});
    pair.established();
  }
  ::unsetenv("SSLKEYLOGFILE");
  EXPECT_FALSE(std::filesystem::exists(near));
}

}  // namespace
}  // namespace sally::test
