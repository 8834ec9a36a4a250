// Stapled OCSP responses: what a client makes of them, and what a server shows.
#include "lib/minting.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/ocsp.h"

#include <gtest/gtest.h>
#include <string>

namespace sally::test {
namespace {

constexpr long day = 24 * 3600;

// A server that is plain OpenSSL and staples whatever it is given; nothing where that is "".
RawPeer::Configure stapling_server(int version, const std::string& chain, const std::string& key,
                                   const std::string& staple) {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    const Owner<BIO> bio(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())),
                         [](BIO* it) { BIO_free(it); });
    bool leaf = true;
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
      if (leaf)
        SSL_CTX_use_certificate(context, certificate);
      else
        SSL_CTX_add1_chain_cert(context, certificate);
      X509_free(certificate);
      leaf = false;
    }
    const Owner<BIO> key_bio(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())),
                             [](BIO* it) { BIO_free(it); });
    const Owner<EVP_PKEY> private_key(
        PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    must(SSL_CTX_use_PrivateKey(context, private_key.get()) == 1, "use the server's key");
    static std::string shown;  // one server at a time
    shown = staple;
    SSL_CTX_set_tlsext_status_cb(
        context, +[](SSL* ssl, void*) {
          if (shown.empty()) return SSL_TLSEXT_ERR_NOACK;
          void* copy = OPENSSL_memdup(shown.data(), shown.size());
          SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(shown.size()));
          return SSL_TLSEXT_ERR_OK;
        });
  };
}

struct Outcome {
  std::string status;
  ErrorRef error;
  int peer_reason = 0;
};

class Ocsp : public testing::TestWithParam<std::int32_t> {
 protected:
  // How a handshake of our client's ends with the zoo's good server and this staple.
  Outcome meet(const std::string& staple, std::int32_t mode = SALLY_OCSP_REQUEST) const {
    return meet_with(read_text_file(zoo_path(zoo("server-good").chain)),
                     read_text_file(zoo_path(zoo("server-good").key)), staple, mode);
  }
  Outcome meet_with(const std::string& chain, const std::string& key, const std::string& staple,
                    std::int32_t mode = SALLY_OCSP_REQUEST) const {
    const auto config = client_config({.version = GetParam()});
    config->set_ocsp(mode);
    MixedPair pair(config->freeze(), stapling_server(GetParam(), chain, key, staple));
    pair.shake_hands();
    const bool verified = pair.ours().session().facts().peer_verified;
    EXPECT_EQ(verified, pair.ours().status() == SALLY_OK);
    if (pair.ours().failed()) pair.peer().read();
    return {name_of(pair.ours().status()), pair.ours().error(), pair.peer().reason()};
  }
  std::string status_with(const Response& response) const {
    return meet(make_response(response)).status;
  }
  Response answer() const { return {.certificate = certificate.get(), .issuer = &issuer}; }

  const Identity issuer = zoo_authority("intermediate");
  const Owner<X509> certificate = zoo_certificate("server-good");
};

INSTANTIATE_TEST_SUITE_P(Versions, Ocsp, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(Ocsp, ResponseThatIsGoodPasses) {
  EXPECT_EQ(status_with(answer()), "SALLY_OK");
  Response response = answer();
  response.by_key = true;
  EXPECT_EQ(status_with(response), "SALLY_OK");
  response.id_digest = EVP_sha256();
  EXPECT_EQ(status_with(response), "SALLY_OK");
  response.next = 0;  // not said when the next one comes
  EXPECT_EQ(status_with(response), "SALLY_OK");
  EXPECT_EQ(meet(make_response(answer()), SALLY_OCSP_REQUIRE).status, "SALLY_OK");
}

TEST_P(Ocsp, ResponseThatRevokesIsFinal) {
  Response response = answer();
  response.status = V_OCSP_CERTSTATUS_REVOKED;
  const Outcome outcome = meet(make_response(response));
  EXPECT_EQ(outcome.status, "SALLY_CERTIFICATE_REVOKED");
  const ErrorDetail& detail = outcome.error->detail();
  EXPECT_EQ(detail.depth, 0);
  EXPECT_NE(detail.found.find("keyCompromise"), std::string::npos) << detail.found;
  EXPECT_NE(detail.subject.find("server-good"), std::string::npos);
  EXPECT_EQ(detail.alert, SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE);
  EXPECT_EQ(detail.alert_direction, SALLY_ALERT_SENT);
  EXPECT_EQ(outcome.peer_reason, SSL_R_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE);
}

TEST_P(Ocsp, ResponseOutOfDateIsInvalid) {
  Response response = answer();
  response.from = -2 * day;
  response.next = -day;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
  response.from = day;
  response.next = 2 * day;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
  response.from = -8 * day;
  response.next = 0;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
  // Clocks differ a little.
  response.from = 60;
  response.next = day;
  EXPECT_EQ(status_with(response), "SALLY_OK");
  // One that revokes, but is no longer in date, is not believed either.
  response.status = V_OCSP_CERTSTATUS_REVOKED;
  response.from = -2 * day;
  response.next = -day;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponseAboutAnotherCertificateIsInvalid) {
  const Owner<X509> other = zoo_certificate("server-good-rsa");
  Response response = answer();
  response.certificate = other.get();
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponseThatDoesNotKnowTheCertificateIsInvalid) {
  Response response = answer();
  response.status = V_OCSP_CERTSTATUS_UNKNOWN;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponseSignedByAnotherIsInvalid) {
  const Identity other = zoo_authority("other");
  Response response = answer();
  response.signer = &other;
  response.show_signer = true;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
  const Identity root = zoo_authority("root");  // trusted, but not the issuer
  response.signer = &root;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
  // Under the issuer's name, with a key of its own.
  const Identity impostor = mint({.name = "Sallyport zoo intermediate CA"});
  response.signer = &impostor;
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponseThatWasChangedIsInvalid) {
  std::string response = make_response(answer());
  response.back() = static_cast<char>(response.back() ^ 1);
  EXPECT_EQ(meet(response).status, "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(meet("not DER").status, "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(meet(make_response(answer()) + "x").status, "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponseSignedWithSha1IsInvalid) {
  Response response = answer();
  response.digest = EVP_sha1();
  EXPECT_EQ(status_with(response), "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponderMustBeAppointedByTheIssuer) {
  const auto responder = [this](const Mint& with) {
    const Identity signer = mint(with);
    Response response = answer();
    response.signer = &signer;
    response.show_signer = true;
    return status_with(response);
  };
  const std::pair<int, std::string> for_ocsp{NID_ext_key_usage, "OCSPSigning"};
  EXPECT_EQ(responder({.issuer = &issuer, .name = "responder", .extensions = {for_ocsp}}),
            "SALLY_OK");
  EXPECT_EQ(responder({.issuer = &issuer, .name = "responder"}), "SALLY_OCSP_RESPONSE_INVALID")
      << "nobody said that it may";
  EXPECT_EQ(responder({.issuer = &issuer,
                       .name = "responder",
                       .extensions = {{NID_ext_key_usage, "serverAuth"}}}),
            "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(
      responder({.issuer = &issuer, .name = "responder", .days = -1, .extensions = {for_ocsp}}),
      "SALLY_OCSP_RESPONSE_INVALID")
      << "expired";
  EXPECT_EQ(responder({.issuer = &issuer,
                       .name = "responder",
                       .extensions = {for_ocsp, {NID_key_usage, "keyAgreement"}}}),
            "SALLY_OCSP_RESPONSE_INVALID")
      << "its key is not for signing";
  const Identity root = zoo_authority("root");
  EXPECT_EQ(responder({.issuer = &root, .name = "responder", .extensions = {for_ocsp}}),
            "SALLY_OCSP_RESPONSE_INVALID")
      << "appointed by another";
  EXPECT_EQ(
      responder(
          {.issuer = &issuer, .digest = "SHA1", .name = "responder", .extensions = {for_ocsp}}),
      "SALLY_OCSP_RESPONSE_INVALID");
}

TEST_P(Ocsp, ResponderThatCannotAnswerNowCountsAsNone) {
  const std::string try_later = make_refusal(OCSP_RESPONSE_STATUS_TRYLATER);
  EXPECT_EQ(meet(try_later).status, "SALLY_OK");
  const Outcome outcome = meet(try_later, SALLY_OCSP_REQUIRE);
  EXPECT_EQ(outcome.status, "SALLY_OCSP_RESPONSE_MISSING");
  EXPECT_NE(outcome.error->detail().found.find("trylater"), std::string::npos)
      << outcome.error->detail().found;
}

TEST_P(Ocsp, ResponseMayBeMissingUnlessDemanded) {
  EXPECT_EQ(meet("").status, "SALLY_OK");
  EXPECT_EQ(meet("", SALLY_OCSP_REQUIRE).status, "SALLY_OCSP_RESPONSE_MISSING");
}

TEST_P(Ocsp, ResponseIsNotEvenAskedForWhereItIsOff) {
  EXPECT_EQ(meet("not DER", SALLY_OCSP_OFF).status, "SALLY_OK");
}

TEST_P(Ocsp, ResponseIsDemandedByACertificateThatSaysSo) {
  const Identity server =
      mint({.issuer = &issuer, .extensions = {{NID_tlsfeature, "status_request"}}});
  const std::string chain = server.pem() + issuer.pem();
  EXPECT_EQ(meet_with(chain, server.key_pem(), "").status, "SALLY_OCSP_RESPONSE_MISSING");
  EXPECT_EQ(meet_with(chain, server.key_pem(), make_refusal(OCSP_RESPONSE_STATUS_TRYLATER)).status,
            "SALLY_OCSP_RESPONSE_MISSING");
  EXPECT_EQ(meet_with(chain, server.key_pem(), "", SALLY_OCSP_OFF).status, "SALLY_OK");
  const Response response{.certificate = server.certificate.get(), .issuer = &issuer};
  EXPECT_EQ(meet_with(chain, server.key_pem(), make_response(response)).status, "SALLY_OK");
  // Another feature (status_request_v2, 17) demands nothing of a client that does not offer it.
  const Identity other = mint({.issuer = &issuer, .extensions = {{NID_tlsfeature, "17"}}});
  EXPECT_EQ(meet_with(other.pem() + issuer.pem(), other.key_pem(), "").status, "SALLY_OK");
}

TEST_P(Ocsp, ResponseDoesNotMatterWhereNothingIsVerified) {
  const auto config = client_config({.version = GetParam()});
  config->skip_verification();
  MixedPair pair(config->freeze(),
                 stapling_server(GetParam(), read_text_file(zoo_path(zoo("server-good").chain)),
                                 read_text_file(zoo_path(zoo("server-good").key)), "not DER"));
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
}

TEST_P(Ocsp, ResponseDoesNotSaveACertificateThatFailsOtherwise) {
  const auto config = client_config({.version = GetParam(), .trust = "other"});
  MixedPair pair(
      config->freeze(),
      stapling_server(GetParam(), read_text_file(zoo_path(zoo("server-good").chain)),
                      read_text_file(zoo_path(zoo("server-good").key)), make_response(answer())));
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_CERTIFICATE_UNKNOWN_CA");
}

// --- Servers.
// --------------------------------------------------------------------------------------

std::string setting(const Ref<tls::Credential>& credential, const std::string& response) {
  try {
    tls::set_staple(*credential, response);
  } catch (const Failure& failure) {
    return name_of(failure.error()->status());
  }
  return "SALLY_OK";
}

TEST_P(Ocsp, ServerShowsWhatItsCredentialWasGiven) {
  const Ref<tls::Credential> shown = credential("server-good");
  const auto server = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  server->add_credential(shown);
  server->add_credential(credential("server-good-rsa"));
  const auto server_context = server->freeze();
  const auto client = client_config({.version = GetParam()});
  client->set_ocsp(SALLY_OCSP_REQUIRE);
  const auto client_context = client->freeze();
  const auto outcome = [&] {
    TlsPair pair(client_context, server_context);
    pair.shake_hands();
    return name_of(pair.client().status());
  };
  EXPECT_EQ(outcome(), "SALLY_OCSP_RESPONSE_MISSING");
  EXPECT_EQ(setting(shown, make_response(answer())), "SALLY_OK");
  EXPECT_EQ(outcome(), "SALLY_OK") << "also where the config is in use already";
  EXPECT_EQ(setting(shown, ""), "SALLY_OK");
  EXPECT_EQ(outcome(), "SALLY_OCSP_RESPONSE_MISSING") << "taken away";
}

TEST_P(Ocsp, ServerKeepsTheResponseOfEachCertificateApart) {
  const Ref<tls::Credential> shown = credential("server-good");
  ASSERT_EQ(setting(shown, make_response(answer())), "SALLY_OK");
  const auto server = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  server->add_credential(shown);
  server->add_credential(credential("server-good-rsa"));
  for (const char* scheme : {"ECDSA+SHA256", "rsa_pss_rsae_sha256:RSA+SHA256"}) {
    MixedPair pair(server->freeze(), [&](SSL_CTX* context) {
      use_version(context, GetParam());
      SSL_CTX_set1_sigalgs_list(context, scheme);
      SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
    });
    ASSERT_TRUE(pair.shake_hands());
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(pair.peer().ssl(), &bytes);
    EXPECT_EQ(size > 0, std::string(scheme).starts_with("ECDSA"));
  }
}

TEST_P(Ocsp, ServerRefusesAResponseThatClientsWouldRefuse) {
  const Ref<tls::Credential> shown = credential("server-good");
  Response response = answer();
  response.status = V_OCSP_CERTSTATUS_REVOKED;
  EXPECT_EQ(setting(shown, make_response(response)), "SALLY_OCSP_RESPONSE_INVALID");
  response = answer();
  response.next = -1800;
  EXPECT_EQ(setting(shown, make_response(response)), "SALLY_OCSP_RESPONSE_INVALID");
  const Identity other = zoo_authority("other");
  response = answer();
  response.signer = &other;
  EXPECT_EQ(setting(shown, make_response(response)), "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(setting(shown, make_refusal(OCSP_RESPONSE_STATUS_TRYLATER)),
            "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(setting(shown, "not DER"), "SALLY_OCSP_RESPONSE_INVALID");
  EXPECT_EQ(setting(credential("server-good-rsa"), make_response(answer())),
            "SALLY_OCSP_RESPONSE_INVALID");
}

TEST(Staple, IsNotShownAfterItsTime) {
  tls::Staple staple;
  EXPECT_EQ(staple.at(0), "");
  staple.set("response", 1000);
  EXPECT_EQ(staple.at(999), "response");
  EXPECT_EQ(staple.at(1000), "");
}

}  // namespace
}  // namespace sally::test
