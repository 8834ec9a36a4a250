// A peer that is plain OpenSSL and checks nothing, at the other end of a memory transport.
#pragma once

#include "lib/tls_pair.h"
#include "lib/zoo_index.h"
#include "transport/memory.h"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sally::test {

class RawPeer {
 public:
  using Configure = std::function<void(SSL_CTX*)>;

  RawPeer(std::unique_ptr<transport::MemoryTransport> transport, bool server,
          const Configure& configure = {})
      : transport_(std::move(transport)),
        context_(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()), &SSL_CTX_free) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_NO_AUTO_CHAIN);
    if (configure) configure(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
    server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    ERR_clear_error();
  }

  SSL* ssl() { return ssl_.get(); }
  transport::MemoryTransport& transport() { return *transport_; }

  // Makes one call into OpenSSL, with what arrived before it, and sends what came of it.
  int call(const std::function<int(SSL*)>& openssl) {
    receive();
    ERR_clear_error();
    const int result = openssl(ssl_.get());
    error_ = SSL_get_error(ssl_.get(), result);
    const unsigned long code = ERR_peek_error();
    if (code != 0) reason_ = ERR_GET_REASON(code);
    ERR_clear_error();
    send();
    return result;
  }
  bool shake() {
    return call([](SSL* ssl) { return SSL_do_handshake(ssl); }) == 1;
  }
  bool write(std::string_view text) {
    return call([&](SSL* ssl) {
             return SSL_write(ssl, text.data(), static_cast<int>(text.size()));
           }) > 0;
  }
  std::string read() {
    std::array<char, 16384> buffer{};
    const int size = call(
        [&](SSL* ssl) { return SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size())); });
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
  }
  std::string read_all() {
    std::string all;
    for (std::string part = read(); !part.empty(); part = read()) all += part;
    return all;
  }

  int error() const { return error_; }    // SSL_ERROR_* of the last call
  int reason() const { return reason_; }  // the last reason that OpenSSL gave
  // The alert that was received, by OpenSSL's way to say so; -1 for none.
  int alert() const { return reason_ >= 1000 ? reason_ - SSL_AD_REASON_OFFSET : -1; }

  // Bytes as they are, past OpenSSL.
  void send_raw(std::string_view bytes) {
    const std::array buffers{std::as_bytes(std::span(bytes))};
    transport_->try_send(buffers);
  }
  // Takes in what arrived; later calls see it.
  void receive() {
    std::array<std::byte, 16384> buffer{};
    for (;;) {
      const transport::Transfer got = transport_->try_receive(buffer);
      if (got.state == transport::TransferState::ended) {
        BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), 0);
      }
      if (got.state != transport::TransferState::moved) return;
      BIO_write(SSL_get_rbio(ssl_.get()), buffer.data(), static_cast<int>(got.size));
    }
  }
  // Hands over what OpenSSL wants to send.
  void send() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    if (size > 0) send_raw({data, static_cast<std::size_t>(size)});
    static_cast<void>(BIO_reset(SSL_get_wbio(ssl_.get())));
  }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<transport::MemoryTransport> transport_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, Free> ssl_;
  int error_ = SSL_ERROR_NONE;
  int reason_ = 0;
};

// What a raw peer shows; throws where OpenSSL does not load it.
inline void use_certificate(SSL_CTX* context, const ZooEntry& entry) {
  const std::string chain = zoo_path(entry.chain);
  const std::string key = zoo_path(entry.key.empty() ? entry.chain : entry.key);
  const bool loaded = SSL_CTX_use_certificate_chain_file(context, chain.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  ERR_clear_error();
  if (!loaded) throw std::runtime_error("OpenSSL does not load " + entry.name);
}

inline void use_version(SSL_CTX* context, int version) {
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
}

// One end of ours, one that is plain OpenSSL.
class MixedPair {
 public:
  MixedPair(Ref<tls::Context> ours, const RawPeer::Configure& configure,
            tls::PeerName name = {.text = "localhost"}) {
    auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
    const bool server = ours->is_server();
    if (server) name = {};
    ours_.emplace(std::move(ours), std::move(name), std::move(near));
    peer_.emplace(std::move(far), !server, configure);
  }

  TlsEnd& ours() { return *ours_; }
  RawPeer& peer() { return *peer_; }
  // Whether the peer's handshake succeeded; ours knows its own status.
  bool shake_hands() {
    bool peer_done = false;
    bool peer_failed = false;
    for (int idle = 0; idle < 2; ++idle) {
      const std::uint64_t before = ours_->transport().sent() + peer_->transport().sent();
      ours_->shake();
      if (!peer_done && !peer_failed) {
        peer_done = peer_->shake();
        peer_failed = !peer_done && peer_->error() != SSL_ERROR_WANT_READ;
        if (peer_failed) peer_->transport().shutdown_send();
      }
      if (ours_->transport().sent() + peer_->transport().sent() != before) idle = -1;
    }
    return peer_done;
  }

 private:
  std::optional<TlsEnd> ours_;
  std::optional<RawPeer> peer_;
};

}  // namespace sally::test
