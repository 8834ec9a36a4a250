// Keys that the program has, against plain OpenSSL at the other end.
#include "lib/raw_peer.h"
#include "lib/signing_key.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <sallyport/decision.h>

namespace sally::test {
namespace {

using tls::Answer;

Ref<tls::Config> signing_server(std::int32_t version) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->set_versions(version, version);
  config->add_credential(make_ref<tls::Credential>(
      tls::CredentialInput{.chain = tls::MaterialSource::at(zoo_path(zoo("server-good-rsa").chain)),
                           .asks_program = true}));
  config->set_questions(SALLY_QUESTION_SIGNATURE);
  return config;
}

TEST(Signer, SignsWithPkcs1ForAClientOfTls12ThatTakesNothingElse) {
  MixedPair pair(signing_server(SALLY_TLS_1_2)->freeze(), [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set1_sigalgs_list(context, "RSA+SHA384");
  });
  pair.shake_hands();
  const Ref<tls::Decision> decision = pair.ours().session().take_question();
  ASSERT_TRUE(decision);
  const tls::SignatureRequest& request = decision->facts().signature;
  EXPECT_STREQ(request.scheme->name, "rsa_pkcs1_sha384");
  const SigningKey key(zoo_path(zoo("server-good-rsa").key));
  decision->answer({.kind = Answer::Kind::signature,
                    .signature = key.sign(request.scheme->number, request.content)});
  EXPECT_TRUE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
}

TEST(Signer, IsToldThatNobodyWaitsWhereTheSessionGoes) {
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    auto pair = std::make_unique<MixedPair>(signing_server(version)->freeze(), [](SSL_CTX*) {});
    pair->shake_hands();
    const Ref<tls::Decision> decision = pair->ours().session().take_question();
    ASSERT_TRUE(decision);
    pair.reset();
    EXPECT_THROW(decision->answer({.kind = Answer::Kind::signature, .signature = "x"}), Failure);
  }
}

TEST(Signer, IsRuledOutByAQueryForOtherProvidersWhenTheConfigIsUsed) {
  const auto config = signing_server(SALLY_TLS_1_3);
  config->set_provider_query("provider=default");
  try {
    config->freeze();
    ADD_FAILURE() << "nothing could sign";
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_PROVIDER_UNAVAILABLE");
  }
}

}  // namespace
}  // namespace sally::test
