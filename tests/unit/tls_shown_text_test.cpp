// What a peer wrote, where it is shown: names, dates, and how much a trace keeps of it.
#include "lib/made_chain.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/distinguished_name.h"
#include "tls/tracer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sally::test {
namespace {

std::string shown(int type, std::string_view common_name) {
  const std::unique_ptr<X509_NAME, void (*)(X509_NAME*)> name(X509_NAME_new(), &X509_NAME_free);
  EXPECT_EQ(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, type,
                                       reinterpret_cast<const unsigned char*>(common_name.data()),
                                       static_cast<int>(common_name.size()), -1, 0),
            1);
  return tls::to_text(name.get());
}

TEST(DistinguishedName, IsShownInItsOwnLetters) {
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "M\u00fcller \u2013 \u0434"), "CN=M\u00fcller \u2013 \u0434");
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a,b\\"), "CN=a\\,b\\\\");
}

TEST(DistinguishedName, SteersNoTerminal) {
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a\x1b[31m\n"), "CN=a\\1B[31m\\0A");
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a\u009b31m"), "CN=a\\xc2\\x9b31m");
  EXPECT_EQ(shown(V_ASN1_T61STRING, "a\x9b"), "CN=a\\xc2\\x9b") << "Latin 1, as others have it";
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a\u2028b\u0085"), "CN=a\\xe2\\x80\\xa8b\\xc2\\x85");
}

TEST(DistinguishedName, DoesNotTurnTheTextAroundIt) {
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a\u202eb"), "CN=a\\xe2\\x80\\xaeb");
  EXPECT_EQ(shown(V_ASN1_UTF8STRING, "a\u200f"), "CN=a\\xe2\\x80\\x8f");
}

TEST(ServerNameOfAClient, IsShownWithoutWhatWouldSteerATerminal) {
  MixedPair pair(server_config({.client_auth = SALLY_CLIENT_AUTH_NONE})->freeze(), {});
  SSL_set_tlsext_host_name(pair.peer().ssl(), "a\x1b[31m\xff");
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.ours().session().facts().server_name, "a\\x1b[31m\\xff");
}

TEST(Dates, HaveFourDigitsForTheYear) {
  EXPECT_EQ(tls::utc_time(-62167219200), "0000-01-01T00:00:00Z");
  EXPECT_EQ(tls::utc_time(-62135596800), "0001-01-01T00:00:00Z");
  EXPECT_EQ(tls::utc_time(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(tls::utc_time(253402300799), "9999-12-31T23:59:59Z");
}

class Records final : public tls::TraceSink {
 public:
  explicit Records(std::uint32_t most) : TraceSink(most) {}
  void put(Ref<sally_trace_record> record) noexcept override { all.push_back(std::move(record)); }
  std::vector<Ref<sally_trace_record>> all;
};

// A server of TLS 1.2 may send hello requests as often as it likes, and clients pass over them.
TEST(TraceOfAFlight, HasABoundThatThePeerCannotMove) {
  const auto records = make_ref<Records>(8u);
  tls::Tracer tracer(records, /*is_server=*/false);
  const unsigned char request[] = {SSL3_MT_HELLO_REQUEST, 0, 0, 0};
  for (int i = 0; i < 10'000; ++i) tracer.message(false, SSL3_MT_HELLO_REQUEST, request);
  tracer.ended({});
  ASSERT_EQ(records->all.size(), 8u);
  for (const auto& record : records->all) EXPECT_LT(record->data.json.size(), 4096u);
  const auto end = nlohmann::json::parse(records->all.back()->data.json);
  EXPECT_EQ(end.at("kind"), "end");
  EXPECT_GT(end.at("dropped"), 100);
}

}  // namespace
}  // namespace sally::test
