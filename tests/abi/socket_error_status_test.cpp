// Each value of the Windows SocketErrorStatus by a real failure, or not at all: which are only
// translated, and why, stands in src/status/status_table.toml, which names these tests.
#include "abi/isolated_network.h"
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <cstddef>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>

#include <sallyport/sallyport.hpp>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

using namespace sally::test;

namespace {

constexpr const char* nowhere = "192.0.2.1";  // RFC 5737: of no machine

Result connect_to(const std::string& host, const std::string& service = "443",
                  std::int64_t timeout_ms = generous_ms) {
  const auto config = client_config();
  return Stream(config.get(), host, service).connect(timeout_ms);
}

// A client that trusts the zoo's root, to this server, under this name.
Result meet(const std::string& server, sally::TlsConfig client, const std::string& name) {
  Listener listener(server_config({.credential = server}));
  return Stream(client.get(), "127.0.0.1", listener.service(), name).connect();
}
sally::TlsConfig client_of(const std::string& trust = "ca-root") {
  return sally::TlsConfig::client().trust(sally::TrustStore::adopt(Zoo::trust(trust).release()));
}
Result meet(const std::string& server, sally::TlsConfig client = client_of()) {
  return meet(server, std::move(client), "localhost");
}

Result bind_to(const std::string& host, const std::string& service) {
  const auto config = server_config();
  sally_listener_options options{};
  options.struct_size = sizeof options;
  options.host = host.c_str();
  options.service = service.c_str();
  options.tls = config.get();
  Owned<sally_listener> listener;
  return called(
      [&](sally_error** error) { return sally_listener_bind(&options, Out(listener), error); });
}

std::string windows_name(const Result& result) {
  return sally_socket_error_status_name(sally_status_to_socket_error_status(result.status));
}

void expect_windows(const Result& result, const std::string& value) {
  EXPECT_FALSE(result.ok()) << value;
  EXPECT_EQ(windows_name(result), value) << testing::PrintToString(result);
}

}  // namespace

TEST(SocketErrorStatus, UnknownIsWhatWindowsHasNoWordFor) {
  RawListener listener;
  auto connecting = on_thread([&] { return connect_to("127.0.0.1", listener.service()); });
  RawSocket peer = listener.accept();
  peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  peer.end_sending();
  expect_windows(connecting.get(), "Unknown");
  peer.close();
}

TEST(SocketErrorStatus, OperationAbortedEndsACanceledRead) {
  Pair pair = tls_pair();
  auto reading = on_thread([&] { return pair.client.read_status(); });
  expect_windows(cancel_until_done(reading, pair.client, SALLY_DIRECTION_READ), "OperationAborted");
}

TEST(SocketErrorStatus, ConnectionTimedOutIsSaidOfASilentPeer) {
  RawListener silent;
  expect_windows(connect_to("127.0.0.1", silent.service(), short_ms), "ConnectionTimedOut");
}

TEST(SocketErrorStatus, HostNotFoundIsSaidOfANameThatCannotBe) {
  expect_windows(connect_to("no host has spaces in its name"), "HostNotFound");
}

TEST(SocketErrorStatus, ClassTypeNotFoundIsSaidOfAnUnknownService) {
  expect_windows(connect_to("127.0.0.1", "no-such-service"), "ClassTypeNotFound");
}

TEST(SocketErrorStatus, AddressAlreadyInUseIsSaidToASecondListener) {
  Listener first(server_config());
  expect_windows(bind_to("127.0.0.1", first.service()), "AddressAlreadyInUse");
}

TEST(SocketErrorStatus, CannotAssignRequestedAddressIsSaidOfAStrangersAddress) {
  expect_windows(bind_to(nowhere, "0"), "CannotAssignRequestedAddress");
}

TEST(SocketErrorStatus, ConnectionRefusedIsSaidWhereNobodyListens) {
  const UnusedPort unused;
  expect_windows(connect_to("127.0.0.1", unused.service()), "ConnectionRefused");
}

TEST(SocketErrorStatus, ConnectionResetByPeerIsSaidOfAReset) {
  RawListener listener;
  auto connecting = on_thread([&] { return connect_to("127.0.0.1", listener.service()); });
  RawSocket peer = listener.accept();
  peer.receive(1);
  peer.reset();
  expect_windows(connecting.get(), "ConnectionResetByPeer");
}

TEST(SocketErrorStatus, TooManyOpenFilesIsSaidAtTheLimit) {
#if defined(__SANITIZE_ADDRESS__)  // what the same build has
  GTEST_SKIP() << "without a descriptor UndefinedBehaviorSanitizer takes good objects for bad ones";
#endif
  RawListener listener;
  const auto config = client_config();
  EXPECT_EQ(Stream(config.get(), "127.0.0.1", "no-such-service").connect(), SALLY_SERVICE_NOT_FOUND)
      << "what the library opens for itself is open then";
  Stream stream(config.get(), "127.0.0.1", listener.service());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Result result = stream.connect();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(windows_name(result), "TooManyOpenFiles") << testing::PrintToString(result);
}

// --- Of certificates.

TEST(SocketErrorStatus, CertificateExpiredIsSaidOfOneThatExpired) {
  expect_windows(meet("server-expired"), "CertificateExpired");
  expect_windows(meet("server-not-yet-valid"), "CertificateExpired");
}

TEST(SocketErrorStatus, CertificateUntrustedRootIsSaidOfAStrangersCa) {
  expect_windows(meet("server-unknown-ca"), "CertificateUntrustedRoot");
  expect_windows(meet("server-self-signed"), "CertificateUntrustedRoot");
}

TEST(SocketErrorStatus, CertificateCommonNameIsIncorrectIsSaidOfAnotherName) {
  expect_windows(meet("server-good", client_of(), "elsewhere.example.test"),
                 "CertificateCommonNameIsIncorrect");
}

TEST(SocketErrorStatus, CertificateWrongUsageIsSaidOfAClientsAsAServers) {
  expect_windows(meet("server-wrong-usage"), "CertificateWrongUsage");
}

TEST(SocketErrorStatus, CertificateRevokedIsSaidOfOneOnTheCrl) {
  const auto trust = Zoo::trust("ca-root");
  const std::string crl = Zoo::crl_path("file-crl-revoking");
  ASSERT_EQ(sally_trust_store_add_crl(trust.get(), crl.c_str(), nullptr), SALLY_OK);
  const auto config = server_config(
      {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(config);
  const auto client = client_config({.credential = "client-good-ed25519"});
  Stream stream = listener.stream(client.get());
  static_cast<void>(stream.connect());
  const sally_status status = listener.next_refusal().status();
  EXPECT_EQ(sally_status_to_socket_error_status(status),
            SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_REVOKED)
      << sally_status_name(status);
}

TEST(SocketErrorStatus, CertificateNoRevocationCheckIsSaidWithoutACrl) {
  expect_windows(meet("server-good", client_of().revocation(SALLY_REVOCATION_LEAF)),
                 "CertificateNoRevocationCheck");
}

TEST(SocketErrorStatus, CertificateIsInvalidIsSaidOfABadSignature) {
  expect_windows(meet("server-bad-signature"), "CertificateIsInvalid");
  expect_windows(meet("server-good-rsa", client_of().security_level(3)), "CertificateIsInvalid");
}

// --- What a child sees that is cut off, or may do less.

#if defined(__linux__)

#define SKIP_WITHOUT_ISOLATION() \
  if (const char* why = isolation_is_missing()) GTEST_SKIP() << why

TEST(SocketErrorStatus, NetworkIsUnreachableIsSaidWithoutARoute) {
  SKIP_WITHOUT_ISOLATION();
  EXPECT_TRUE(in_child([] {
    REQUIRE(leave_the_network());
    REQUIRE(windows_name(connect_to(nowhere)) == "NetworkIsUnreachable");
    return true;
  }));
}

TEST(SocketErrorStatus, UnreachableHostIsSaidWhereTheRouteRejects) {
  SKIP_WITHOUT_ISOLATION();
  EXPECT_TRUE(in_child([] {
    REQUIRE(leave_the_network());
    REQUIRE(switch_loopback_on());
    REQUIRE(reject(nowhere));
    REQUIRE(windows_name(connect_to(nowhere)) == "UnreachableHost");
    return true;
  }));
}

TEST(SocketErrorStatus, SoftwareCausedConnectionAbortIsSaidWhereAnAdministratorEndsIt) {
  SKIP_WITHOUT_ISOLATION();
  const bool possible = in_child([] {
    if (!leave_the_network() || !switch_loopback_on()) return false;
    RawListener listener;
    const RawSocket near = RawSocket::connect(listener.port());
    return end_as_an_administrator(listener.accept().get());
  });
  if (!possible) GTEST_SKIP() << "this kernel does not end connections for an administrator";
  EXPECT_TRUE(in_child([] {
    REQUIRE(leave_the_network());
    REQUIRE(switch_loopback_on());
    RawListener listener;
    auto connecting = on_thread([&] { return connect_to("127.0.0.1", listener.service()); });
    const RawSocket peer = listener.accept();
    REQUIRE(end_as_an_administrator(peer.get()));
    REQUIRE(windows_name(connecting.get()) == "SoftwareCausedConnectionAbort");
    return true;
  }));
}

TEST(SocketErrorStatus, NonAuthoritativeHostNotFoundIsSaidWithoutANameServer) {
  SKIP_WITHOUT_ISOLATION();
  EXPECT_TRUE(in_child([] {
    REQUIRE(leave_the_network());
    REQUIRE(ask_only("127.0.0.1"));
    REQUIRE(windows_name(connect_to("host.example.test")) == "NonAuthoritativeHostNotFound");
    return true;
  }));
}

TEST(SocketErrorStatus, NoDataRecordOfRequestedTypeIsSaidOfANameWithoutAddress) {
  SKIP_WITHOUT_ISOLATION();
  EXPECT_TRUE(in_child([] {
    REQUIRE(leave_the_network());
    REQUIRE(switch_loopback_on());
    REQUIRE(ask_only("127.0.0.1"));
    REQUIRE(serve_names_without_addresses());
    REQUIRE(windows_name(connect_to("host.example.test")) == "NoDataRecordOfRequestedType");
    return true;
  }));
}

namespace {

// As systemd does it for RestrictAddressFamilies.
bool forbid_ip6() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST(SocketErrorStatus, AddressFamilyNotSupportedIsSaidWhereIp6IsForbidden) {
  if (!child_may_start_threads) GTEST_SKIP() << "a child of this build cannot start threads";
  if (!in_child(forbid_ip6)) GTEST_SKIP() << "this system has no seccomp filters";
  EXPECT_TRUE(in_child([] {
    REQUIRE(forbid_ip6());
    REQUIRE(windows_name(connect_to("::1")) == "AddressFamilyNotSupported");
    return true;
  }));
}

#endif
