// decision.hpp: what a program decides itself within a handshake, sally_decision.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/certificate.hpp>
#include <sallyport/credential.hpp>
#include <sallyport/decision.h>
#include <sallyport/error.hpp>
#include <sallyport/queue.hpp>
#include <sallyport/tls_config.hpp>

namespace sally::inline v0 {

// A handshake that waits for an answer: give it once, now or later, from any thread. Where the last
// copy goes without one, it is denied. Copies are the same decision; text lives as long as it does.
//
// Answers throw SALLY_INVALID_STATE where it was answered before, or where this is no answer to its
// question, and SALLY_CLOSED where the handshake is over.
class Decision
    : public detail::Shared<sally_decision, sally_decision_retain, sally_decision_release> {
 public:
  [[nodiscard]] static Decision adopt(sally_decision* decision) noexcept {
    return Decision(decision);
  }

  // A SALLY_QUESTION_*.
  std::int32_t question() const noexcept { return sally_decision_question(get()); }
  // What the client has asked for, or what this side verifies; "" without one.
  std::string_view server_name() const noexcept { return sally_decision_server_name(get()); }
  std::string_view peer_address() const noexcept { return sally_decision_peer_address(get()); }
  // Of a server that asks for a certificate: distinguished names in the form of RFC 2253.
  std::vector<std::string_view> acceptable_cas() const {
    return texts(sally_decision_acceptable_ca_count, sally_decision_acceptable_ca);
  }
  // Of a server that asks for a certificate, and of a client that said hello: names of signature
  // schemes, most wanted first.
  std::vector<std::string_view> acceptable_schemes() const {
    return texts(sally_decision_acceptable_scheme_count, sally_decision_acceptable_scheme);
  }
  // Of a client that said hello, most wanted first.
  std::vector<std::string_view> alpn() const {
    return texts(sally_decision_alpn_count, sally_decision_alpn);
  }
  // As the peer sent them, its own first.
  std::vector<Certificate> peer_certificates() const {
    std::vector<Certificate> chain;
    for (std::size_t i = 0; i < sally_decision_peer_certificate_count(get()); ++i) {
      chain.push_back(
          Certificate::adopt(sally_certificate_retain(sally_decision_peer_certificate(get(), i))));
    }
    return chain;
  }
  // What the built-in verification of the peer has come to, and why; std::nullopt: nothing was wrong.
  sally_status verdict() const noexcept { return sally_decision_verdict(get()); }
  std::optional<Error> verdict_error() const {
    const sally_error* error = sally_decision_verdict_error(get());
    if (error == nullptr) return std::nullopt;
    return Error::adopt(sally_error_retain(error));
  }

  // Of a question for a signature: all of what is to be signed, how (RFC 8446 section 4.2.3), and by
  // whose key.
  std::span<const std::byte> signed_content() const noexcept {
    return {static_cast<const std::byte*>(sally_decision_signed_content(get())),
            sally_decision_signed_content_size(get())};
  }
  std::int32_t signature_scheme() const noexcept { return sally_decision_signature_scheme(get()); }
  std::string_view signature_scheme_name() const noexcept {
    return sally_decision_signature_scheme_name(get());
  }
  std::optional<Certificate> signing_certificate() const {
    sally_certificate* certificate = sally_decision_signing_certificate(get());
    if (certificate == nullptr) return std::nullopt;
    return Certificate::adopt(sally_certificate_retain(certificate));
  }

  // Goes on as if nothing had been asked. SALLY_INVALID_STATE: the peer did not pass the built-in
  // verification.
  void accept() const {
    detail::check([&](sally_error** error) { return sally_decision_accept(get(), error); });
  }
  // Trusts the peer, whatever the built-in verification has found.
  void insecure_accept() const {
    detail::check(
        [&](sally_error** error) { return sally_decision_insecure_accept(get(), error); });
  }
  // Ends the handshake; decision.h says which alert the peer sees for which reason.
  void deny(sally_status why = SALLY_OK) const {
    detail::check([&](sally_error** error) { return sally_decision_deny(get(), why, error); });
  }
  // Answers a server's request for a certificate.
  void use_credential(const Credential& credential) const {
    detail::check([&](sally_error** error) {
      return sally_decision_use_credential(get(), credential.get(), error);
    });
  }
  void use_no_credential() const {
    detail::check(
        [&](sally_error** error) { return sally_decision_use_credential(get(), nullptr, error); });
  }
  // Answers with the signature, as TLS sends it: ECDSA in DER.
  void use_signature(std::span<const std::byte> signature) const {
    detail::check([&](sally_error** error) {
      return sally_decision_signature(get(), signature.data(), signature.size(), error);
    });
  }
  // Serves the client with another config for servers.
  void use_config(const TlsConfig& config) const {
    detail::check(
        [&](sally_error** error) { return sally_decision_use_config(get(), config.get(), error); });
  }

 private:
  using Shared::Shared;

  std::vector<std::string_view> texts(std::size_t (*count)(const sally_decision*),
                                      const char* (*text)(const sally_decision*,
                                                          std::size_t)) const {
    std::vector<std::string_view> all(count(get()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = text(get(), i);
    return all;
  }
};

template <>
struct detail::FromEvent<Decision> {
  static Decision take(sally_event& event) {
    return Decision::adopt(take_object<sally_decision>(event, SALLY_EVENT_DECISION));
  }
};

// Where questions go: `.decisions = sally::Decider([](sally::Decision decision) { ... })` in the
// options of a stream or a listener, or `sally::Decider(queue, tag)`, and then
// `event.take<sally::Decision>()`.
class Decider {
 public:
  // Called on a thread of an event loop, with no lock held, maybe on several at once; it may answer at
  // once, or keep the decision for later. An exception that leaves it ends the program.
  template <std::invocable<Decision> Function>
  explicit Decider(Function function)
      : function_(std::make_shared<const std::function<void(Decision)>>(std::move(function))) {}
  // `tell_end`: an event of kind SALLY_EVENT_DECISIONS_OVER, under the tag, is the last.
  explicit Decider(CompletionQueue queue, std::uint64_t tag = 0, bool tell_end = false)
      : queue_(std::move(queue)), tag_(tag), tell_end_(tell_end) {}

  // For a C function that takes one, which then owns what `user` points to.
  sally_completion completion() const {
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.tag = tag_;
    if (queue_) {
      completion.queue = queue_->get();
      if (tell_end_) completion.flags = SALLY_COMPLETION_TELL_END;
      return completion;
    }
    completion.function = [](void* user, sally_event* event) noexcept {
      if (event->object == nullptr) return;
      (**static_cast<const Kept*>(user))(detail::FromEvent<Decision>::take(*event));
    };
    completion.free_user = [](void* user) noexcept { delete static_cast<const Kept*>(user); };
    completion.user = new Kept(function_);
    return completion;
  }

 private:
  using Kept = std::shared_ptr<const std::function<void(Decision)>>;

  Kept function_;
  std::optional<CompletionQueue> queue_;
  std::uint64_t tag_ = 0;
  bool tell_end_ = false;
};

}  // namespace sally::inline v0
