// What replaces another takes its place for good: also where it is read from again.
#include "lib/folder.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

#include <sallyport/credential.hpp>
#include <sallyport/trust_store.hpp>

using namespace sally::test;

namespace {

// Reads the file to which it belongs, and has one anchor; the other two have two.
class Replacement : public testing::Test {
 protected:
  Replacement() {
    folder.replace("one.pem", one);
    folder.replace("two.pem", two);
    folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-two")));
  }

  template <class Action>
  static sally_status status_of(Action&& action) {
    try {
      action();
      return SALLY_OK;
    } catch (const sally::Error& error) {
      return error.status();
    }
  }

  const std::string one = read_file(Zoo::ca_path("ca-root"));
  const std::string two = one + read_file(Zoo::ca_path("ca-other"));
  Folder folder;
};

TEST_F(Replacement, OfTrustIsWhatCrlsAreAddedTo) {
  auto trust = sally::TrustStore::from_file(folder.path("one.pem"));
  trust.replace(sally::TrustStore::from_memory(two));
  trust.add_crl(folder.path("crl.pem"));
  EXPECT_EQ(trust.size(), 2u);
  EXPECT_GT(trust.crl_count(), 0u);
  trust.replace(sally::TrustStore::from_file(folder.path("two.pem")));
  EXPECT_EQ(trust.crl_count(), 0u);
  trust.add_crl(folder.path("crl.pem"));
  EXPECT_EQ(trust.size(), 2u);
}

TEST_F(Replacement, OfTrustIsWhatAMergeBrings) {
  auto trust = sally::TrustStore::from_file(folder.path("two.pem"));
  trust.replace(sally::TrustStore::from_memory(one));
  auto merged = sally::TrustStore::from_memory(one);
  merged.merge(trust);
  EXPECT_EQ(merged.size(), 1u) << "what was taken away does not come back";
}

TEST_F(Replacement, IsWhatAReloadReads) {
  auto trust = sally::TrustStore::from_file(folder.path("one.pem"));
  trust.replace(sally::TrustStore::from_file(folder.path("two.pem")));
  trust.reload();
  EXPECT_EQ(trust.size(), 2u);
  trust.replace(sally::TrustStore::from_memory(two));
  EXPECT_EQ(status_of([&] { trust.reload(); }), SALLY_INVALID_STATE) << "it has no file any more";
  EXPECT_EQ(trust.size(), 2u);
  EXPECT_EQ(trust.generation(), 4u);
}

TEST_F(Replacement, IsWatchedFromThenOn) {
  auto trust = sally::TrustStore::from_file(folder.path("one.pem"));
  trust.watch();
  trust.replace(sally::TrustStore::from_file(folder.path("two.pem")));
  folder.replace("two.pem", one);
  EXPECT_EQ(trust.wait_change(2, std::chrono::milliseconds(generous_ms)), 3u);
  EXPECT_EQ(trust.size(), 1u);
}

TEST_F(Replacement, FromMemoryIsNotOverwrittenByTheFilesThatWereWatched) {
  auto trust = sally::TrustStore::from_file(folder.path("one.pem"));
  trust.watch();
  trust.replace(sally::TrustStore::from_memory(two));
  auto other = sally::TrustStore::from_file(folder.path("one.pem"));
  other.watch();
  folder.replace("one.pem", two);
  EXPECT_EQ(other.wait_change(1, std::chrono::milliseconds(generous_ms)), 2u) << "it was noticed";
  EXPECT_EQ(trust.generation(), 2u);
}

TEST_F(Replacement, ByItselfIsANewGenerationAndNothingElse) {
  auto trust = sally::TrustStore::from_file(folder.path("one.pem"));
  trust.replace(trust);
  EXPECT_EQ(trust.generation(), 2u);
  trust.reload();
  EXPECT_EQ(trust.size(), 1u);
}

TEST_F(Replacement, OfTwoByEachOtherOnSeveralThreadsHangsNobody) {
  auto first = sally::TrustStore::from_file(folder.path("one.pem"));
  auto second = sally::TrustStore::from_file(folder.path("two.pem"));
  first.watch();
  second.watch();
  constexpr int rounds = 200;
  const auto replacing = [](sally::TrustStore& store, const sally::TrustStore& by) {
    return on_thread([&store, &by] {
      for (int i = 0; i < rounds; ++i) store.replace(by);
      return true;
    });
  };
  auto one_way = replacing(first, second);
  auto other_way = replacing(second, first);
  auto reloading = on_thread([&] {
    for (int i = 0; i < rounds; ++i) first.reload();
    return true;
  });
  for (int i = 0; i < rounds / 10; ++i) folder.replace("one.pem", i % 2 == 0 ? two : one);
  EXPECT_TRUE(one_way.get() && other_way.get() && reloading.get());
  EXPECT_GE(first.generation(), 1u + 2 * rounds);
  first.replace(sally::TrustStore::from_memory(one));  // which no file changes any more
  EXPECT_EQ(first.size(), 1u);
}

TEST_F(Replacement, OfACredentialIsWhatAReloadReads) {
  const auto from_files = [](const std::string& name) {
    return sally::Credential::from_files(Zoo::chain_path(name), Zoo::key_path(name));
  };
  auto credential = from_files("server-good");
  credential.replace(from_files("server-good-rsa"));
  credential.reload();
  EXPECT_EQ(credential.certificate().key(), "RSA 2048");
}

}  // namespace
