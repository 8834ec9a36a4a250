// Policies: what a peer that can do only this or that gets from each of them.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

namespace sally::test {
namespace {

using nlohmann::ordered_json;

constexpr const char* policy_names[] = {"default-2026", "modern-2026", "compatible-2026"};

ErrorRef failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.error();
  }
  return make_error(SALLY_OK);
}

Ref<tls::Config> server_with(const char* policy, const std::string& name = "server-good") {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential(name));
  config->set_policy(tls::find_policy(policy));
  return config;
}

// How a handshake of our server's ends with a client that was told what it can.
std::string met_by(const char* policy, const RawPeer::Configure& client,
                   const std::string& name = "server-good") {
  MixedPair pair(server_with(policy, name)->freeze(), client);
  pair.shake_hands();
  return name_of(pair.ours().status());
}

RawPeer::Configure client_of(int version, const std::function<int(SSL_CTX*)>& limit) {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    if (limit(context) != 1) throw std::runtime_error("OpenSSL does not take what limits the peer");
  };
}

bool has_hybrid_groups() {
  return tls::has_post_quantum(tls::default_policy());
}

TEST(Policy, OfTheAliasesIsTheNewestDefault) {
  EXPECT_EQ(&tls::find_policy(""), &tls::find_policy("default-2026"));
  EXPECT_EQ(&tls::find_policy("default"), &tls::find_policy("default-2026"));
  EXPECT_EQ(&tls::default_policy(), &tls::find_policy("default-2026"));
}

TEST(Policy, ThatDoesNotExistIsRefusedWithThoseThatDo) {
  for (const char* name : {"default-2025", "Modern-2026", "modern", " "}) {
    const ErrorRef error = failure_of([&] { tls::find_policy(name); });
    EXPECT_EQ(name_of(error->status()), "SALLY_INVALID_ARGUMENT");
    for (const char* known : policy_names) {
      EXPECT_NE(error->message().find(known), std::string::npos) << error->message();
    }
    EXPECT_EQ(error->detail().found, name);
  }
}

TEST(Policy, LeavesOnlyVersionsThatTheConfigAllowsToo) {
  const auto config = server_with("modern-2026");
  config->set_versions(SALLY_TLS_1_2, SALLY_TLS_1_2);
  EXPECT_EQ(name_of(failure_of([&] { config->freeze(); })->status()), "SALLY_INVALID_STATE");
  config->set_policy(tls::find_policy("compatible-2026"));
  const auto settings = ordered_json::parse(tls::effective_settings(*config->freeze()));
  EXPECT_EQ(settings.at("policy"), "compatible-2026");
  EXPECT_EQ(settings.at("min_version"), "TLSv1.2");
  EXPECT_EQ(settings.at("max_version"), "TLSv1.2");
}

TEST(Policy, ModernRefusesTls12) {
  const auto client = client_of(TLS1_2_VERSION, [](SSL_CTX*) { return 1; });
  EXPECT_EQ(met_by("modern-2026", client), "SALLY_TLS_VERSION_MISMATCH");
  EXPECT_EQ(met_by("default-2026", client), "SALLY_OK");
}

TEST(Policy, ModernTakesEveryKindOfCertificate) {
  const auto client = client_of(TLS1_3_VERSION, [](SSL_CTX*) { return 1; });
  for (const char* name : {"server-good", "server-good-rsa", "server-good-rsa-issuer",
                           "server-good-p384", "server-good-ed25519"}) {
    EXPECT_EQ(met_by("modern-2026", client, name), "SALLY_OK") << name;
  }
}

TEST(Policy, OfAClientIsKeptToAsWell) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->set_trust(trust("root"));
  config->set_policy(tls::find_policy("modern-2026"));
  MixedPair pair(config->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_2_VERSION);
    use_certificate(context, zoo("server-good"));
  });
  pair.shake_hands();
  // The server has nothing to choose from, and says so.
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_ALERT_PROTOCOL_VERSION");
}

TEST(Policy, CompatibleMeetsAClientThatHasOnlyCcm) {
  const auto old = client_of(TLS1_2_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-CCM");
  });
  EXPECT_EQ(met_by("compatible-2026", old), "SALLY_OK");
  EXPECT_EQ(met_by("default-2026", old), "SALLY_TLS_NO_COMMON_CIPHER");
  const auto recent = client_of(TLS1_3_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set_ciphersuites(context, "TLS_AES_128_CCM_SHA256");
  });
  EXPECT_EQ(met_by("compatible-2026", recent), "SALLY_OK");
  EXPECT_EQ(met_by("modern-2026", recent), "SALLY_TLS_NO_COMMON_CIPHER");
}

TEST(Policy, CompatibleMeetsAClientThatHasOnlyP521) {
  const auto client = client_of(
      TLS1_3_VERSION, [](SSL_CTX* context) { return SSL_CTX_set1_groups_list(context, "P-521"); });
  EXPECT_EQ(met_by("compatible-2026", client), "SALLY_OK");
  EXPECT_EQ(met_by("default-2026", client), "SALLY_TLS_NO_COMMON_GROUP");
  EXPECT_EQ(met_by("modern-2026", client), "SALLY_TLS_NO_COMMON_GROUP");
}

TEST(Policy, NoneIsWorseThanItsTime) {
  for (const char* suite : {"ECDHE-ECDSA-AES128-SHA256",   // CBC
                            "ECDHE-ECDSA-AES256-SHA",      // CBC with SHA-1
                            "ECDHE-ECDSA-AES128-CCM8"}) {  // a tag of 64 bits
    const auto client = client_of(
        TLS1_2_VERSION, [=](SSL_CTX* context) { return SSL_CTX_set_cipher_list(context, suite); });
    EXPECT_EQ(met_by("compatible-2026", client), "SALLY_TLS_NO_COMMON_CIPHER") << suite;
    EXPECT_EQ(met_by("default-2026", client), "SALLY_TLS_NO_COMMON_CIPHER") << suite;
  }
  const auto without_forward_secrecy = client_of(TLS1_2_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set_cipher_list(context, "AES128-GCM-SHA256");
  });
  const auto with_sha1 = client_of(TLS1_2_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set1_sigalgs_list(context, "RSA+SHA1");
  });
  for (const char* policy : {"compatible-2026", "default-2026"}) {
    EXPECT_EQ(met_by(policy, without_forward_secrecy, "server-good-rsa"),
              "SALLY_TLS_NO_COMMON_CIPHER");
    EXPECT_NE(met_by(policy, with_sha1, "server-good-rsa"), "SALLY_OK");
  }
}

TEST(Policy, OfTls12HasRsaSignaturesOfPkcs1) {
  const auto client = client_of(TLS1_2_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set1_sigalgs_list(context, "RSA+SHA256");
  });
  EXPECT_EQ(met_by("default-2026", client, "server-good-rsa"), "SALLY_OK");
  EXPECT_EQ(met_by("compatible-2026", client, "server-good-rsa"), "SALLY_OK");
}

TEST(Policy, LeavesOutGroupsThatTheLibraryLacks) {
  const SSL_CTX* none = nullptr;
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  ASSERT_NE(context, none);
  EXPECT_EQ(tls::known_groups(context, "X25519:no-such-group:P-256"), "X25519:P-256");
  EXPECT_EQ(tls::known_groups(context, "no-such-group"), "");
  EXPECT_EQ(tls::known_groups(context, ""), "");
  SSL_CTX_free(context);
}

TEST(PostQuantum, IsRefusedAtOnceWhereTheLibraryHasNone) {
  if (has_hybrid_groups()) GTEST_SKIP() << "the TLS library has post-quantum groups";
  const auto config = server_with("default");
  const ErrorRef error = failure_of([&] { config->require_post_quantum(); });
  EXPECT_EQ(name_of(error->status()), "SALLY_NOT_SUPPORTED");
  EXPECT_EQ(error->detail().expected, "X25519MLKEM768");
  EXPECT_EQ(error->detail().found, OpenSSL_version(OPENSSL_VERSION));
  EXPECT_NE(error->hint().find("OpenSSL has them from 3.5 on"), std::string::npos) << error->hint();
  EXPECT_EQ(name_of(failure_of([&] { config->freeze(); })->status()), "SALLY_OK");
}

TEST(PostQuantum, IsAgreedOnWhereBothHaveIt) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  for (const bool required : {false, true}) {
    const auto client = client_config(Parties{});
    const auto server = server_config(Parties{});
    if (required) client->require_post_quantum();
    if (required) server->require_post_quantum();
    TlsPair pair(client->freeze(), server->freeze());
    pair.established();
    EXPECT_EQ(pair.client().session().facts().group, "X25519MLKEM768");
    EXPECT_EQ(pair.server().session().facts().group, "X25519MLKEM768");
    pair.client().write("hello");
    EXPECT_EQ(pair.server().read(), "hello");
  }
}

// It offers both, and sends a key share of the classic one only (RFC 8446 section 4.1.4).
TEST(PostQuantum, IsWorthARoundTripToAServer) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  const auto client = client_of(TLS1_3_VERSION, [](SSL_CTX* context) {
    return SSL_CTX_set1_groups_list(context, "X25519:X25519MLKEM768");
  });
  MixedPair pair(server_with("default")->freeze(), client);
  EXPECT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.ours().session().facts().group, "X25519MLKEM768");
}

TEST(PostQuantum, CostsAServerWithoutItNoRoundTrip) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  MixedPair pair(client_config(Parties{})->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    use_certificate(context, zoo("server-good"));
    if (SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1)
      throw std::runtime_error("OpenSSL does not take what limits the peer");
  });
  pair.ours().shake();
  EXPECT_FALSE(pair.peer().shake());
  EXPECT_EQ(SSL_version(pair.peer().ssl()), TLS1_3_VERSION);
  EXPECT_EQ(SSL_get_negotiated_group(pair.peer().ssl()), NID_X25519);
  EXPECT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.ours().session().facts().group, "x25519");
}

TEST(PostQuantum, WhereDemandedIsMissedInAServer) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  const auto config = client_config(Parties{});
  config->require_post_quantum();
  MixedPair pair(config->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    use_certificate(context, zoo("server-good"));
    if (SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1)
      throw std::runtime_error("OpenSSL does not take what limits the peer");
  });
  EXPECT_FALSE(pair.shake_hands());
  // The server alone knows that it was the group.
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_ALERT_HANDSHAKE_FAILURE");
  const std::string& hint = pair.ours().error()->hint();
  EXPECT_NE(hint.find("requires a post-quantum key exchange"), std::string::npos) << hint;
}

TEST(PostQuantum, WhereDemandedLeavesNothingElse) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  for (const char* policy : policy_names) {
    const auto config = server_with(policy);
    config->require_post_quantum();
    const auto context = config->freeze();
    const auto settings = ordered_json::parse(tls::effective_settings(*context));
    EXPECT_EQ(settings.at("post_quantum_required"), true);
    EXPECT_EQ(settings.at("min_version"), "TLSv1.3");
    for (const auto& group : settings.at("groups")) {
      EXPECT_NE(group.get<std::string>().find("MLKEM"), std::string::npos) << group;
    }
    MixedPair capable(context, client_of(TLS1_3_VERSION, [](SSL_CTX* peer) {
                        return SSL_CTX_set1_groups_list(peer, "X25519MLKEM768");
                      }));
    capable.shake_hands();
    EXPECT_EQ(name_of(capable.ours().status()), "SALLY_OK");
    MixedPair pair(context, client_of(TLS1_3_VERSION, [](SSL_CTX* peer) {
                     return SSL_CTX_set1_groups_list(peer, "X25519");
                   }));
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_NO_COMMON_GROUP");
    const std::string& hint = pair.ours().error()->hint();
    EXPECT_NE(hint.find("requires a post-quantum key exchange"), std::string::npos) << hint;
  }
}

TEST(PostQuantum, WhereDemandedIsNotForTls12) {
  if (!has_hybrid_groups()) GTEST_SKIP() << "the TLS library has no post-quantum groups";
  const auto config = server_with("default");
  config->set_versions(SALLY_TLS_1_2, SALLY_TLS_1_2);
  config->require_post_quantum();
  EXPECT_EQ(name_of(failure_of([&] { config->freeze(); })->status()), "SALLY_INVALID_STATE");
}

}  // namespace
}  // namespace sally::test
