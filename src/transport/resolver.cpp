#include "transport/endpoint.h"
#include "transport/event_loop.h"
#include "transport/fork.h"
#include "transport/thread.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <new>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace sally::transport {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct LookUp {
  AddressList list{nullptr, &::freeaddrinfo};
  int code = 0;  // EAI_*
  int error_number = 0;
};

LookUp look_up(const char* host, const char* service, int flags) {
  addrinfo hints{};
  // No AI_ADDRCONFIG: on a machine without a network it would hide the loopback addresses. What
  // cannot be reached is sorted to the end anyway.
  hints.ai_flags = flags;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  LookUp result;
  result.code = ::getaddrinfo(host, service, &hints, &list);
  result.error_number = errno;
  if (result.code == 0) result.list.reset(list);
  return result;
}

ErrorRef failure(const std::string& host, const std::string& service, int code, int error_number) {
  return getaddrinfo_error(
      code, error_number,
      {.message = "host \"" + host + "\", service \"" + service + "\"", .phase = "resolve"});
}

// Empty unless all of it is digits; no value where it is a number that is no port.
std::optional<std::optional<in_port_t>> parse_port(std::string_view service) {
  constexpr std::string_view digits = "0123456789";
  if (service.empty() || service.find_first_not_of(digits) != service.npos) return std::nullopt;
  in_port_t port = 0;
  const auto [end, error] = std::from_chars(service.data(), service.data() + service.size(), port);
  return error == std::errc{} ? std::optional(port) : std::optional<in_port_t>();
}

bool has_letter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

struct Port {
  in_port_t number = 0;
  ErrorRef error;
};

// On its own, because getaddrinfo blames the host as often as not when both may be wrong, and takes
// "70000", "+1" or "" for ports.
Port resolve_service(const std::string& host, const std::string& service) {
  if (const auto number = parse_port(service)) {
    if (*number) return {**number, nullptr};
    return {0, failure(host, service, EAI_SERVICE, 0)};
  }
  if (!has_letter(service) || has_nul(service)) return {0, failure(host, service, EAI_SERVICE, 0)};
  const LookUp found = look_up(nullptr, service.c_str(), AI_PASSIVE);
  if (!found.list) {
    // With no host there is only one thing that can be unknown.
    const int code = found.code == EAI_NONAME ? EAI_SERVICE : found.code;
    return {0, failure(host, service, code, found.error_number)};
  }
  sockaddr_in address;
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  std::memcpy(&address, found.list->ai_addr, sizeof address);
  return {ntohs(address.sin_port), nullptr};
}

// RFC 6761 section 6.3: these names mean the loopback, also on a machine whose files and name
// servers do not know them.
bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view localhost = "localhost";
  if (host.size() < localhost.size()) return false;
  const std::string_view before = host.substr(0, host.size() - localhost.size());
  const std::string_view last = host.substr(before.size());
  const bool same = std::equal(last.begin(), last.end(), localhost.begin(),
                               [](char a, char b) { return (a | 0x20) == b; });
  return same && (before.empty() || before.back() == '.');
}

LookUp resolve_host(const std::string& host, bool passive) {
  if (passive && host.empty()) return look_up(nullptr, "0", AI_PASSIVE | AI_NUMERICSERV);
  if (host.empty() || has_nul(host)) {
    LookUp nothing;
    nothing.code = EAI_NONAME;
    return nothing;
  }
  LookUp literal = look_up(host.c_str(), nullptr, AI_NUMERICHOST);
  if (literal.list) return literal;
  LookUp named = look_up(host.c_str(), nullptr, 0);
  const bool loopback = !named.list && is_localhost(host);
  return loopback ? look_up(nullptr, "0", AI_NUMERICSERV) : std::move(named);
}

Endpoint make_endpoint(const addrinfo& entry, in_port_t port) {
  Endpoint endpoint;
  endpoint.size = entry.ai_addrlen;
  std::memcpy(&endpoint.storage, entry.ai_addr, entry.ai_addrlen);
  const in_port_t network_port = htons(port);
  std::memcpy(reinterpret_cast<std::byte*>(&endpoint.storage) + offsetof(sockaddr_in, sin_port),
              &network_port, sizeof network_port);
  return endpoint;
}

bool same(const Endpoint& left, const Endpoint& right) {
  return left.size == right.size && std::memcmp(&left.storage, &right.storage, left.size) == 0;
}

std::vector<Endpoint> endpoints_of(const addrinfo* entry, in_port_t port) {
  std::vector<Endpoint> endpoints;
  for (; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    const Endpoint endpoint = make_endpoint(*entry, port);
    const bool known = std::any_of(endpoints.begin(), endpoints.end(),
                                   [&](const Endpoint& other) { return same(endpoint, other); });
    if (!known) endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

Resolution resolve(const std::string& host, const std::string& service, bool passive) {
  Port port = resolve_service(host, service);
  if (port.error) return {{}, std::move(port.error)};
  const LookUp found = resolve_host(host, passive);
  if (!found.list) return {{}, failure(host, service, found.code, found.error_number)};

  Resolution resolution{endpoints_of(found.list.get(), port.number), nullptr};
  if (resolution.endpoints.empty()) resolution.error = failure(host, service, EAI_NONAME, 0);
  // To listen on every address: "::" takes IPv4 in as well, so it comes first.
  if (passive && host.empty()) {
    std::stable_partition(resolution.endpoints.begin(), resolution.endpoints.end(),
                          [](const Endpoint& endpoint) { return endpoint.family() == AF_INET6; });
  }
  return resolution;
}

namespace {

// An address and a port in digits need no look-up; nothing for all else, mistakes among it.
std::optional<Resolution> take_literal(const std::string& host, const std::string& service) {
  const auto port = parse_port(service);
  if (!port || !*port || host.empty() || has_nul(host)) return {};
  const LookUp literal = look_up(host.c_str(), nullptr, AI_NUMERICHOST);
  if (!literal.list) return {};
  Resolution resolution{endpoints_of(literal.list.get(), **port), nullptr};
  if (resolution.endpoints.empty()) return {};
  return resolution;
}

}  // namespace

struct ResolveQuery::State {
  EventLoop& loop;
  const std::string host;
  const std::string service;
  std::function<void(Resolution)> done;  // loop's thread only, once it is under way
  std::mutex mutex;
  bool given_up =
      false;  // under the mutex, which is held while the answer is posted: the loop may not live on

  static void run(const std::shared_ptr<State>& state);
  bool wanted();
  Resolution ask() const noexcept;
  static void answer(const std::shared_ptr<State>& state, Resolution resolution);
};

bool ResolveQuery::State::wanted() {
  const std::lock_guard lock(mutex);
  return !given_up;
}

Resolution ResolveQuery::State::ask() const noexcept {
  try {
    return resolve(host, service, false);
  } catch (const std::bad_alloc&) {
    return {{}, out_of_memory_error()};
  }
}

void ResolveQuery::State::run(const std::shared_ptr<State>& state) {
  if (!state->wanted()) return;
  Resolution resolution = state->ask();
  const std::lock_guard lock(state->mutex);
  if (state->given_up) return;
  answer(state, std::move(resolution));
}

void ResolveQuery::State::answer(const std::shared_ptr<State>& state, Resolution resolution) {
  state->loop.post([state, answer = std::move(resolution)]() mutable {
    const auto then = std::exchange(state->done, nullptr);
    if (then) then(std::move(answer));
  });
}

namespace {

// A few threads that wait for name servers. They are never joined: a look-up cannot be interrupted,
// and a program that exits must not wait for it.
class ResolverPool {
 public:
  // Throws Failure where not even one thread can be started.
  void submit(std::function<void()> task);

 private:
  static constexpr std::size_t max_threads = 4;

  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

void ResolverPool::submit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  if (tasks_.size() <= idle_ || threads_ == max_threads) return;
  try {
    start_thread("sally-resolve", [this] { work(); }).detach();
    ++threads_;
  } catch (...) {
    if (threads_ > 0) return;  // it takes longer, that is all
    tasks_.pop_back();
    throw;
  }
}

void ResolverPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return !tasks_.empty(); });
    --idle_;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds goes without our lock
    lock.lock();
  }
}

constinit PerProcess<ResolverPool> pool;

}  // namespace

ResolveQuery::ResolveQuery(EventLoop& loop, std::string host, std::string service,
                           std::function<void(Resolution)> done)
    : state_(new State{loop, std::move(host), std::move(service), std::move(done), {}, false}) {
  if (auto resolution = take_literal(state_->host, state_->service)) {
    State::answer(state_, std::move(*resolution));
    return;
  }
  try {
    pool.get().submit([state = state_] { State::run(state); });
  } catch (const Failure& failure) {
    State::answer(
        state_,
        {{}, amend(failure.error(), [](ErrorDetail& detail) { detail.phase = "resolve"; })});
  }
}

ResolveQuery::~ResolveQuery() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->given_up = true;
  }
  // Its memory may be held by a look-up for a long time yet, but what it refers to goes now.
  const auto dropped = std::exchange(state_->done, nullptr);
}

}  // namespace sally::transport
