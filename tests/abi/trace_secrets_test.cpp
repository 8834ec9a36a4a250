// Nothing is in a trace by which somebody else could read a session, or go on with it.
#include "abi/decision_support.h"
#include "abi/trace_support.h"
#include "lib/folder.h"
#include "lib/raw_tcp.h"

#include <algorithm>
#include <cctype>
#include <gtest/gtest.h>
#include <map>
#include <openssl/evp.h>
#include <sstream>

using namespace sally::test;

namespace {

std::string hex(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += {digits[value >> 4], digits[value & 15]};
  }
  return text;
}

std::string unhex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string base64(const std::string& bytes) {
  std::string text(bytes.size() / 3 * 4 + 5, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The part of a number of bytes that is base64 whatever stands before it: of the three ways to cut it into
// groups of three, the letters that no neighbour changes.
std::vector<std::string> base64_forms(const std::string& bytes) {
  std::vector<std::string> forms;
  for (std::size_t skipped = 0; skipped < 3; ++skipped) {
    const std::size_t whole = (bytes.size() - skipped) / 3 * 3;
    forms.push_back(base64(bytes.substr(skipped, whole)));
    std::string url = forms.back();
    std::ranges::replace(url, '+', '-');
    std::ranges::replace(url, '/', '_');
    if (url != forms.back()) forms.push_back(url);
  }
  return forms;
}

// By what it may be found, in any of 16 bytes of it: a part betrays too.
constexpr std::size_t part = 16;

std::vector<std::string> parts_of(const std::string& bytes) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at + part <= bytes.size(); at += part) {
    parts.push_back(bytes.substr(at, part));
  }
  return parts;
}

bool tells(const std::string& text, const std::string& bytes) {
  const std::string lowered = lower(text);
  return std::ranges::any_of(parts_of(bytes), [&](const std::string& one) {
    const auto forms = base64_forms(one);
    return text.find(one) != std::string::npos || lowered.find(hex(one)) != std::string::npos ||
           std::ranges::any_of(forms, [&](const std::string& form) {
             return text.find(form) != std::string::npos;
           });
  });
}

class Reader {
 public:
  explicit Reader(std::string data) : data_(std::move(data)) {}

  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const char byte : take(width)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string take(std::size_t size) {
    std::string taken = data_.substr(0, size);
    data_.erase(0, taken.size());
    return taken;
  }
  std::string sized(std::size_t width) { return take(number(width)); }
  bool empty() const { return data_.empty(); }

 private:
  std::string data_;
};

using Secrets = std::map<std::string, std::string>;

// What a ClientHello resumes a session by: RFC 5246 section 7.4.1.2, RFC 5077, RFC 8446 section 4.2.11.
Secrets offered_by(const std::string& wire) {
  Reader record(wire);
  record.take(3);
  Reader hello(record.sized(2));
  hello.take(4 + 2 + 32);
  Secrets offered{{"session id", hello.sized(1)}};
  hello.sized(2);
  hello.sized(1);
  Reader extensions(hello.sized(2));
  while (!extensions.empty()) {
    const std::size_t kind = extensions.number(2);
    Reader body(extensions.sized(2));
    if (kind == 35) offered["ticket"] = body.take(1 << 16);
    if (kind != 41) continue;
    Reader identities(body.sized(2));
    offered["PSK identity"] = identities.sized(2);
    Reader binders(body.sized(2));
    offered["PSK binder"] = binders.sized(1);
  }
  std::erase_if(offered, [](const auto& one) { return one.second.size() < part; });
  return offered;
}

// The secrets of a key log: each line has a label, the client random, which is none, and the secret.
Secrets logged_in(const std::string& text) {
  Secrets secrets;
  std::istringstream lines(text);
  std::string label, random, secret;
  while (lines >> label >> random >> secret) secrets[label + ' ' + random] = unhex(secret);
  return secrets;
}

struct Kind {
  std::int32_t version;
  bool stateless;  // all of the session is in its ticket
};

class TraceOfAResumption : public testing::TestWithParam<Kind> {
 protected:
  // Says what the client said in the clear, and everything else under keys.
  std::string connect(Listener& listener, sally_tls_config* config, bool expected) {
    Proxy proxy(static_cast<std::uint16_t>(std::stoi(listener.service())));
    Stream client(config, "127.0.0.1", proxy.service());
    auto connecting = sally::test::connecting(client);
    Stream server = listener.accept();
    EXPECT_EQ(connecting.get(), SALLY_OK);
    EXPECT_EQ(server.write("!"), SALLY_OK);
    EXPECT_EQ(client.read_text(1), "!");
    EXPECT_EQ(sally_stream_info_resumed(client.info().get()) == 1, expected);
    client.close(SALLY_TIMEOUT_ATTEMPT);
    server.close(SALLY_TIMEOUT_ATTEMPT);
    proxy.cut();
    return proxy.said_by_client();
  }

  Folder folder;
  Recorder clients, servers;
};
INSTANTIATE_TEST_SUITE_P(OfEachKind, TraceOfAResumption,
                         testing::Values(Kind{SALLY_TLS_1_2, false}, Kind{SALLY_TLS_1_2, true},
                                         Kind{SALLY_TLS_1_3, false}, Kind{SALLY_TLS_1_3, true}),
                         [](const auto& each) {
                           return std::string(each.param.version == SALLY_TLS_1_2 ? "Tls12"
                                                                                  : "Tls13") +
                                  (each.param.stateless ? "ByTicket" : "ByName");
                         });

TEST_P(TraceOfAResumption, HoldsNothingByWhichOthersCouldReadItOrGoOn) {
  const auto server = servers.trace(
      server_config(of_version(GetParam().version, {.credential = "server-good",
                                                    .client_auth = SALLY_CLIENT_AUTH_REQUIRE})));
  const std::string key_bytes(80, 'k');
  Owned<sally_ticket_keys> keys;
  if (GetParam().stateless) {
    ASSERT_EQ(sally_ticket_keys_from_memory(key_bytes.data(), key_bytes.size(), Out(keys), nullptr),
              SALLY_OK);
    ASSERT_EQ(sally_tls_config_set_ticket_keys(server.get(), keys.get(), nullptr), SALLY_OK);
  }
  const auto config = clients.trace(client_config());
  const std::string log = folder.path("keys");
  ASSERT_EQ(sally_tls_config_insecure_log_keys(config.get(), log.c_str(), nullptr), SALLY_OK);
  Listener listener(server);
  connect(listener, config.get(), /*expected=*/false);
  Secrets secrets = offered_by(connect(listener, config.get(), /*expected=*/true));

  const bool of_1_3 = GetParam().version == SALLY_TLS_1_3;
  EXPECT_EQ(secrets.contains("PSK identity"), of_1_3);
  EXPECT_EQ(secrets.contains("ticket"), !of_1_3 && GetParam().stateless);
  EXPECT_TRUE(of_1_3 || secrets.contains("session id"));
  std::ifstream log_file(log);
  const Secrets logged = logged_in({std::istreambuf_iterator<char>(log_file), {}});
  EXPECT_GE(logged.size(), of_1_3 ? 8u : 1u) << "of both connections";
  secrets.insert(logged.begin(), logged.end());

  std::string told;
  for (auto* recorder : {&clients, &servers}) {
    for (const Record& record : recorder->until_end(2)) {
      told +=
          std::string(sally_trace_record_json(record.record.get())) + '\n' + record.text() + '\n';
    }
  }
  EXPECT_NE(told.find("\"accepted\""), std::string::npos) << told;
  for (const auto& [name, bytes] : secrets) {
    EXPECT_GE(bytes.size(), part) << name;
    EXPECT_FALSE(tells(told, bytes)) << name << " in " << told;
    // The search finds what it is to find.
    EXPECT_TRUE(tells(told + hex(bytes), bytes)) << name;
    EXPECT_TRUE(tells(told + base64("x" + bytes), bytes)) << name;
  }
}

}  // namespace
