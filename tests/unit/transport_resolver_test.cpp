#include "transport_support.h"

#include <algorithm>
#include <fstream>
#include <netdb.h>
#include <thread>

namespace sally::transport::test {
namespace {

std::vector<std::string> texts(const Resolution& resolution) {
  std::vector<std::string> result;
  for (const Endpoint& endpoint : resolution.endpoints) result.push_back(to_string(endpoint));
  return result;
}

using Texts = std::vector<std::string>;

TEST(Resolve, TakesLiteralsAsTheyAre) {
  EXPECT_EQ(texts(resolve("127.0.0.1", "4433", false)), Texts{"127.0.0.1:4433"});
  EXPECT_EQ(texts(resolve("::1", "4433", false)), Texts{"[::1]:4433"});
  EXPECT_EQ(texts(resolve("2001:db8::1", "65535", false)), Texts{"[2001:db8::1]:65535"});
  EXPECT_EQ(texts(resolve("fe80::1%lo", "1", false)), Texts{"[fe80::1%lo]:1"});
}

TEST(Resolve, FindsTheLoopbackByNameAndNamesNoAddressTwice) {
  const Resolution resolution = resolve("localhost", "4433", false);
  ASSERT_FALSE(resolution.error) << resolution.error->message();
  Texts found = texts(resolution);
  ASSERT_FALSE(found.empty());
  for (const std::string& text : found)
    EXPECT_TRUE(text == "127.0.0.1:4433" || text == "[::1]:4433") << text;
  std::sort(found.begin(), found.end());
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
}

TEST(Resolve, FindsTheLoopbackUnderEveryNameOfLocalhost) {
  for (const char* name : {"LocalHost", "localhost.", "printer.localhost"}) {
    const Resolution resolution = resolve(name, "4433", false);
    ASSERT_FALSE(resolution.error) << resolution.error->message();
    for (const std::string& text : texts(resolution))
      EXPECT_TRUE(text == "127.0.0.1:4433" || text == "[::1]:4433") << text;
  }
  EXPECT_TRUE(resolve("notlocalhost", "4433", false).error);
}

TEST(Resolve, TakesAServiceByName) {
  if (::getservbyname("https", "tcp") == nullptr) GTEST_SKIP() << "this system names no services";
  EXPECT_EQ(texts(resolve("127.0.0.1", "https", false)), Texts{"127.0.0.1:443"});
}

TEST(Resolve, SaysWhichHostItDidNotFind) {
  const Resolution resolution = resolve("no-such-host.invalid", "4433", false);
  ASSERT_TRUE(resolution.error);
  EXPECT_TRUE(resolution.endpoints.empty());
  EXPECT_EQ(resolution.error->detail().phase, "resolve");
  EXPECT_EQ(resolution.error->detail().native_domain, SALLY_DOMAIN_GETADDRINFO);
  EXPECT_NE(resolution.error->message().find("no-such-host.invalid"), std::string::npos);
  EXPECT_NE(resolution.error->message().find("4433"), std::string::npos);
}

TEST(Resolve, BlamesTheServiceWhereTheServiceIsWrong) {
  for (const char* service :
       {"no-such-service", "65536", "99999999999999999999", "-1", "+1", " 80", ""}) {
    for (const char* host : {"127.0.0.1", "no-such-host.invalid"}) {
      const Resolution resolution = resolve(host, service, false);
      ASSERT_TRUE(resolution.error) << host << ' ' << service;
      EXPECT_EQ(resolution.error->status(), SALLY_SERVICE_NOT_FOUND) << host << ' ' << service;
    }
  }
}

TEST(Resolve, FindsNoHostWithoutANameUnlessToListen) {
  EXPECT_EQ(resolve("", "4433", false).error->status(), SALLY_HOST_NOT_FOUND);
  EXPECT_EQ(resolve(std::string("localhost\0.example", 18), "1", false).error->status(),
            SALLY_HOST_NOT_FOUND);
}

TEST(Resolve, MeansEveryAddressByAnEmptyHostToListenOn) {
  const Texts found = texts(resolve("", "4433", true));
  ASSERT_FALSE(found.empty());
  for (const std::string& text : found)
    EXPECT_TRUE(text == "[::]:4433" || text == "0.0.0.0:4433") << text;
  EXPECT_TRUE(found.size() == 1 || found.front() == "[::]:4433") << "it takes IPv4 in as well";
}

TEST(IpLiteral, IsAnAddressWithoutBracketsOrZone) {
  for (const char* literal : {"127.0.0.1", "::1", "2001:db8::1"})
    EXPECT_TRUE(is_ip_literal(literal)) << literal;
  for (const char* other : {"", "localhost", "[::1]", "fe80::1%lo", "127.1", "1.2.3.4.5"}) {
    EXPECT_FALSE(is_ip_literal(other)) << other;
  }
  EXPECT_FALSE(is_ip_literal(std::string("127.0.0.1\0x", 11)));
}

TEST(Endpoint, OfADescriptorThatIsNoSocketIsEmpty) {
  EXPECT_EQ(local_endpoint(-1).size, 0U);
  EXPECT_EQ(to_string(peer_endpoint(-1)), "");
  EXPECT_EQ(peer_endpoint(-1).port(), 0);
}

int resolver_threads() {
  int threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "comm");
    std::string name;
    file >> name;
    if (name == "sally-resolve") ++threads;
  }
  return threads;
}

TEST(ResolveQuery, NeedsNoThreadForAnAddress) {
  const int before = resolver_threads();
  EventLoop loop;
  Awaited<Texts> answer;
  std::unique_ptr<ResolveQuery> query;
  run_on(loop, [&] {
    query = std::make_unique<ResolveQuery>(
        loop, "::1", "4433", [&](Resolution resolution) { answer.set(texts(resolution)); });
  });
  EXPECT_EQ(answer.get(), Texts{"[::1]:4433"});
  EXPECT_EQ(resolver_threads(), before);
  run_on(loop, [&] { query.reset(); });
}

TEST(ResolveQuery, AnswersOnTheLoopsThread) {
  EventLoop loop;
  Awaited<Texts> answer;
  std::unique_ptr<ResolveQuery> query;
  run_on(loop, [&] {
    query = std::make_unique<ResolveQuery>(loop, "127.0.0.1", "4433", [&](Resolution resolution) {
      EXPECT_TRUE(loop.on_this_thread());
      answer.set(texts(resolution));
    });
  });
  EXPECT_EQ(answer.get(), Texts{"127.0.0.1:4433"});
  run_on(loop, [&] { query.reset(); });
}

TEST(ResolveQuery, AnswersManyWithAFewThreads) {
  EventLoop loop;
  std::vector<std::unique_ptr<ResolveQuery>> queries;
  Awaited<bool> all;
  int answers = 0;
  run_on(loop, [&] {
    for (int number = 0; number < 50; ++number) {
      queries.push_back(std::make_unique<ResolveQuery>(
          loop, "localhost", std::to_string(number), [&, number](Resolution resolution) {
            EXPECT_EQ(resolution.endpoints.at(0).port(), number);
            if (++answers == 50) all.set(true);
          }));
    }
  });
  EXPECT_TRUE(all.get());
  EXPECT_GE(resolver_threads(), 1);
  EXPECT_LE(resolver_threads(), 4);
  run_on(loop, [&] { queries.clear(); });
}

TEST(ResolveQuery, CallsNobodyOnceItIsDestroyedAndNeedsNoLoopAnyMore) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> watch = held;
  bool called = false;
  for (int turn = 0; turn < 20; ++turn) {
    EventLoop loop;
    run_on(loop, [&] {
      const ResolveQuery query(loop, "localhost", "4433", [&, held](Resolution) { called = true; });
    });
    settle(loop);
  }
  held.reset();
  EXPECT_FALSE(called);
  EXPECT_TRUE(watch.expired()) << "what the answer would have needed goes with the query";
}

TEST(ResolveQuery, MayBeDestroyedByItsOwnAnswer) {
  EventLoop loop;
  Awaited<bool> done;
  std::unique_ptr<ResolveQuery> query;
  run_on(loop, [&] {
    query =
        std::make_unique<ResolveQuery>(loop, "::1", "no-such-service", [&](Resolution resolution) {
          query.reset();
          done.set(static_cast<bool>(resolution.error));
        });
  });
  EXPECT_TRUE(done.get());
}

}  // namespace
}  // namespace sally::transport::test
