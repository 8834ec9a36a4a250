// What the servers and clients of ours share that use the C ABI.
#pragma once

#include "program.h"
#include "sally_session.h"

#include <sallyport/sallyport.h>

namespace bench {

// Statuses of calls that must succeed.
inline void must(sally_status status, sally_error* error, const char* what) {
  if (status == SALLY_OK) return;
  throw std::runtime_error(std::string(what) + ": " +
                           (error != nullptr ? sally_error_json(error) : "failed"));
}
template <class Call>
void must(const char* what, Call&& call) {
  sally_error* error = nullptr;
  const sally_status status = call(&error);
  must(status, error, what);
}

// With the defaults of the library, but for whom it trusts and that clients must show a
// certificate.
inline sally_tls_config* make_config(const Options& options, int32_t role = SALLY_ROLE_SERVER,
                                     bool resumes = true) {
  const bool serves = role == SALLY_ROLE_SERVER;
  sally_tls_config* config = nullptr;
  sally_credential* credential = nullptr;
  sally_trust_store* trust = nullptr;
  must("config", [&](auto error) { return sally_tls_config_create(role, &config, error); });
  must("credential", [&](auto error) {
    return sally_credential_load(options.file(serves ? "server.pem" : "client.pem").c_str(),
                                 options.file(serves ? "server.key" : "client.key").c_str(),
                                 nullptr, &credential, error);
  });
  must("trust", [&](auto error) {
    return sally_trust_store_load(options.file("ca.pem").c_str(), &trust, error);
  });
  must("credential",
       [&](auto error) { return sally_tls_config_add_credential(config, credential, error); });
  must("trust", [&](auto error) { return sally_tls_config_set_trust(config, trust, error); });
  if (serves)
    must("client auth", [&](auto error) {
      return sally_tls_config_set_client_auth(config, SALLY_CLIENT_AUTH_REQUIRE, error);
    });
  if (!resumes || options.mode == "no-resumption")
    must("resumption", [&](auto error) {
      return sally_tls_config_set_resumption(config, SALLY_RESUMPTION_OFF, 0, error);
    });
  sally_credential_release(credential);
  sally_trust_store_release(trust);
  return config;
}

inline sally_listener* make_listener(const Options& options, sally_runtime* runtime) {
  sally_listener_options how{};
  how.struct_size = sizeof how;
  how.host = "127.0.0.1";
  how.service = "0";
  how.tls = make_config(options);
  how.runtime = runtime;
  how.max_unaccepted = 4096;
  sally_listener* listener = nullptr;
  must("listener", [&](auto error) { return sally_listener_bind(&how, &listener, error); });
  return listener;
}

// Where the completions of this program go; who waits for one is added.
inline sally_completion completions{};

class CSocket {
 public:
  using Waiter = Session<CSocket>;
  using Piece = sally_buffer;
  static Piece piece(const void* data, std::size_t size) { return {data, size}; }

  explicit CSocket(sally_stream* stream) : stream_(stream) {}
  CSocket(const CSocket&) = delete;
  CSocket& operator=(const CSocket&) = delete;
  ~CSocket() { sally_stream_release(stream_); }

  void read_some(void* buffer, std::size_t size, Waiter* waiter) {
    const sally_completion completion = completion_for(waiter);
    must(sally_stream_read_some_async(stream_, buffer, size, 0, &completion, nullptr, nullptr),
         nullptr, "read");
  }
  void read_exactly(void* buffer, std::size_t size, Waiter* waiter) {
    const sally_completion completion = completion_for(waiter);
    must(sally_stream_read_exactly_async(stream_, buffer, size, 0, &completion, nullptr, nullptr),
         nullptr, "read");
  }
  void write(const void* data, std::size_t size, Waiter* waiter) {
    const sally_completion completion = completion_for(waiter);
    must(sally_stream_write_async(stream_, data, size, 0, 0, &completion, nullptr, nullptr),
         nullptr, "write");
  }
  void wait_writable(Waiter* waiter) {
    const sally_completion completion = completion_for(waiter);
    must(sally_stream_wait_async(stream_, SALLY_DIRECTION_WRITE, 0, &completion, nullptr, nullptr),
         nullptr, "wait");
  }
  std::size_t try_write_more(const void* data, std::size_t size) {
    std::size_t taken = 0;
    const sally_status status =
        sally_stream_write(stream_, data, size, SALLY_MORE, &taken, SALLY_TIMEOUT_ATTEMPT, nullptr);
    static_cast<void>(status);  // a failure is told again by what is waited for next
    return taken;
  }

  std::size_t try_writev_more(const Piece* pieces, std::size_t count) {
    std::size_t taken = 0;
    const sally_status status = sally_stream_writev(stream_, pieces, count, SALLY_MORE, &taken,
                                                    SALLY_TIMEOUT_ATTEMPT, nullptr);
    static_cast<void>(status);  // as above
    return taken;
  }

 private:
  static sally_completion completion_for(Waiter* waiter) {
    sally_completion completion = completions;
    if (completion.queue != nullptr)
      completion.tag = reinterpret_cast<std::uintptr_t>(waiter);
    else
      completion.user = waiter;
    return completion;
  }

  sally_stream* const stream_;
};

}  // namespace bench
