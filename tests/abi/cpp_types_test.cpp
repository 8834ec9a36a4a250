// What the wrappers promise by their types alone.
#include <array>
#include <chrono>
#include <concepts>
#include <gtest/gtest.h>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sallyport/sallyport.hpp>

using namespace std::chrono_literals;

namespace {

template <class T, class Handle>
concept Guards = !std::is_default_constructible_v<T> && !std::is_constructible_v<T, Handle*> &&
                 !std::is_convertible_v<T, Handle*> && !std::is_convertible_v<Handle*, T> &&
                 !std::is_convertible_v<T, bool> && !std::is_polymorphic_v<T> &&
                 std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                 std::is_nothrow_destructible_v<T> && sizeof(T) == sizeof(Handle*) &&
                 requires(const T& borrowed, T& owner, Handle* handle) {
  { borrowed.get() }
  noexcept->std::same_as<Handle*>;
  { owner.release() }
  noexcept->std::same_as<Handle*>;
  { T::adopt(handle) }
  noexcept->std::same_as<T>;
};
template <class T>
concept OnlyMoves = !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
template <class T>
concept Copies = std::is_nothrow_copy_constructible_v<T> && std::is_nothrow_copy_assignable_v<T>;

static_assert(Guards<sally::StreamSocket, sally_stream> && OnlyMoves<sally::StreamSocket>);
static_assert(Guards<sally::StreamListener, sally_listener> && OnlyMoves<sally::StreamListener>);
static_assert(Guards<sally::Runtime, sally_runtime> && Copies<sally::Runtime>);
static_assert(Guards<sally::CompletionQueue, sally_queue> && Copies<sally::CompletionQueue>);
static_assert(Guards<sally::Operation, sally_operation> && Copies<sally::Operation>);
static_assert(OnlyMoves<sally::Event> && OnlyMoves<sally::Result<>> && OnlyMoves<sally::Task<>>);
static_assert(std::is_nothrow_move_constructible_v<sally::Event> &&
              std::is_nothrow_move_constructible_v<sally::Result<sally::StreamSocket>> &&
              std::is_nothrow_move_constructible_v<sally::Task<int>>);
static_assert(Guards<sally::Bytes, sally_bytes> && Copies<sally::Bytes>);
static_assert(Guards<sally::Certificate, sally_certificate> && Copies<sally::Certificate>);
static_assert(Guards<sally::Credential, sally_credential> && Copies<sally::Credential>);
static_assert(Guards<sally::StreamInfo, sally_stream_info> && Copies<sally::StreamInfo>);
static_assert(Guards<sally::TlsConfig, sally_tls_config> && Copies<sally::TlsConfig>);
static_assert(Guards<sally::TrustStore, sally_trust_store> && Copies<sally::TrustStore>);

// An exception whose copy throws would end the program.
static_assert(std::is_base_of_v<std::exception, sally::Error> && Copies<sally::Error>);
static_assert(!std::is_default_constructible_v<sally::Error> &&
              !std::is_convertible_v<sally::Error, sally_error*>);

// Milliseconds as a plain number would be taken for seconds by somebody.
static_assert(!std::is_convertible_v<int, sally::Timeout> &&
              !std::is_constructible_v<sally::Timeout, int>);

static_assert(sally::Timeout() == sally::Timeout{} &&
              sally::Timeout().get() == SALLY_TIMEOUT_DEFAULT);
static_assert(sally::Timeout::never().get() == SALLY_TIMEOUT_NEVER);
static_assert(sally::Timeout::attempt().get() == SALLY_TIMEOUT_ATTEMPT);
static_assert(sally::Timeout(2s).get() == 2000);

template <class Buffer>
concept Writable = requires(sally::StreamSocket& socket, Buffer& buffer) {
  socket.write(buffer);
};
template <class Buffer>
concept Readable = requires(sally::StreamSocket& socket, Buffer& buffer) {
  socket.read_some(buffer);
};
static_assert(Writable<const char[6]> && Writable<std::string> && Writable<std::vector<std::byte>>);
static_assert(Readable<char[6]> && Readable<std::string> && Readable<std::vector<std::byte>>);
static_assert(Writable<std::span<const char>> && Writable<std::array<unsigned char, 2>> &&
              Readable<std::array<unsigned char, 2>> && Readable<std::span<char>>);
static_assert(sally::ConstBuffer("text").size() == 4 && sally::ConstBuffer("").size() == 0);
static_assert(!Readable<const std::string> && !Readable<std::vector<int>> &&
              !Writable<std::vector<int>>);

// GCC 12 would destroy the temporary twice where that is awaited.
template <class Options>
concept Awaitable = requires(Options&& options) {
  sally::StreamSocket::async_connect(std::forward<Options>(options));
};
static_assert(Awaitable<sally::StreamOptions&> && Awaitable<const sally::StreamOptions&> &&
              !Awaitable<sally::StreamOptions>);

TEST(CppTimeout, RoundsUpSoThatNothingEndsTooEarly) {
  EXPECT_EQ(sally::Timeout(1500us).get(), 2);
  EXPECT_EQ(sally::Timeout(1ns).get(), 1);
  EXPECT_EQ(sally::Timeout(std::chrono::duration<double>(0.25)).get(), 250);
}

TEST(CppTimeout, NeverMistakesARestOfTimeForASpecialValue) {
  EXPECT_EQ(sally::Timeout(0ms).get(), 1)
      << "0 would be the default, which for reading is to wait for ever";
  EXPECT_EQ(sally::Timeout(-1ms).get(), 1) << "-1 would be for ever";
  EXPECT_EQ(sally::Timeout(-2ms).get(), 1) << "-2 would be an attempt";
  EXPECT_EQ(sally::Timeout(std::chrono::hours::min()).get(), 1);
}

TEST(CppTimeout, TakesTheLongestDurationsWithoutOverflow) {
  EXPECT_GT(sally::Timeout(std::chrono::hours::max()).get(), 0);
  EXPECT_GT(sally::Timeout(std::chrono::nanoseconds::max()).get(), 0);
  EXPECT_GT(
      sally::Timeout(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).get(),
      0);
}

TEST(CppStatus, TranslatesFromNamesAndNumbers) {
  EXPECT_EQ(sally::status_name(SALLY_TRUNCATED), "SALLY_TRUNCATED");
  EXPECT_EQ(sally::status_name(-1), "");
  EXPECT_EQ(sally::status_from_native(SALLY_DOMAIN_ERRNO, "ECONNREFUSED"),
            SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(sally::status_from_native(SALLY_DOMAIN_ALERT, 48), SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(sally::status_to_socket_error_status(SALLY_CERTIFICATE_EXPIRED),
            SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_EXPIRED);
}

TEST(CppLibrary, IsTheOneOfTheHeaders) {
  const std::string version = std::to_string(SALLY_VERSION_MAJOR) + "." +
                              std::to_string(SALLY_VERSION_MINOR) + "." +
                              std::to_string(SALLY_VERSION_PATCH);
  EXPECT_EQ(sally::library_version(), version);
  EXPECT_NE(sally::library_tls_backend(), "");
  EXPECT_EQ(sally::library_live_handles(-1), -1);
}

}  // namespace
