// credential.hpp: who this side is, sally_credential.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/certificate.hpp>
#include <sallyport/credential.h>
#include <sallyport/error.hpp>

namespace sally::inline v0 {

// A certificate chain and its private key: PEM, DER or PKCS#12, which is told from the bytes. Copies
// are the same credential; any thread may use it.
//
// The makers throw what credential.h lists: SALLY_FILE_NOT_FOUND, SALLY_CREDENTIAL_KEY_MISMATCH and
// so on.
class Credential
    : public detail::Shared<sally_credential, sally_credential_retain, sally_credential_release> {
 public:
  // From a file with the chain and one with the key.
  static Credential from_files(const std::string& chain, const std::string& key) {
    return load(chain, detail::c_text(key), nullptr);
  }
  // The same with an encrypted key.
  static Credential from_files(const std::string& chain, const std::string& key,
                               const std::string& passphrase) {
    return load(chain, detail::c_text(key), detail::c_text(passphrase));
  }
  // From one file with both, PKCS#12 for example.
  static Credential from_file(const std::string& file) { return load(file, nullptr, nullptr); }
  static Credential from_file(const std::string& file, const std::string& passphrase) {
    return load(file, nullptr, detail::c_text(passphrase));
  }
  // From bytes in memory, which are not kept. An empty `key`: it is with the chain.
  static Credential from_memory(std::string_view chain, std::string_view key = {}) {
    return parse(chain, key, nullptr);
  }
  static Credential from_memory(std::string_view chain, std::string_view key,
                                const std::string& passphrase) {
    return parse(chain, key, detail::c_text(passphrase));
  }

  // A chain alone, from a file or from bytes in PEM or DER: the program has the key and is asked for
  // each signature, SALLY_QUESTION_SIGNATURE.
  static Credential from_certificates_file(const std::string& chain) {
    sally_credential* credential = nullptr;
    detail::check([&](sally_error** error) {
      return sally_credential_load_certificates(detail::c_text(chain), &credential, error);
    });
    return Credential(credential);
  }
  static Credential from_certificates(std::string_view chain) {
    sally_credential* credential = nullptr;
    detail::check([&](sally_error** error) {
      return sally_credential_from_certificates(chain.data(), chain.size(), &credential, error);
    });
    return Credential(credential);
  }

  static Credential adopt(sally_credential* credential) noexcept { return Credential(credential); }

  // What peers may refuse it for, one line each.
  std::vector<std::string> warnings() const {
    sally_bytes* text = nullptr;
    detail::check(
        [&](sally_error** error) { return sally_credential_copy_warnings(get(), &text, error); });
    std::vector<std::string> all;
    std::istringstream lines{std::string(Bytes::adopt(text).text())};
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }

  // Its own certificate.
  Certificate certificate() const {
    sally_certificate* certificate = nullptr;
    detail::check([&](sally_error** error) {
      return sally_credential_copy_certificate(get(), &certificate, error);
    });
    return Certificate::adopt(certificate);
  }

  // Reads the files again, whole or not at all.
  void reload() {
    detail::check([&](sally_error** error) { return sally_credential_reload(get(), error); });
  }
  // What `by` holds now becomes the next generation.
  void replace(const Credential& by) {
    detail::check(
        [&](sally_error** error) { return sally_credential_replace(get(), by.get(), error); });
  }
  // Reloads from now on whenever the files change.
  Credential& watch() {
    detail::check([&](sally_error** error) { return sally_credential_watch(get(), error); });
    return *this;
  }
  // Throws what the last reload failed with.
  void check_reload() const {
    detail::check(
        [&](sally_error** error) { return sally_credential_reload_status(get(), error); });
  }
  std::uint64_t generation() const noexcept { return sally_credential_generation(get()); }

  // The first generation beyond `generation`; waits for it (default: for ever). Throws what a
  // reload fails with meanwhile.
  std::uint64_t wait_change(std::uint64_t generation, Timeout timeout = {}) const {
    std::uint64_t now = 0;
    detail::check([&](sally_error** error) {
      return sally_credential_wait_change(get(), generation, &now, timeout.get(), error);
    });
    return now;
  }
  // The same, but std::nullopt where neither came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<std::uint64_t> try_wait_change(
      std::uint64_t generation, Timeout timeout = Timeout::attempt()) const {
    std::uint64_t now = 0;
    const bool came = detail::check_in_time([&](sally_error** error) {
      return sally_credential_wait_change(get(), generation, &now, timeout.get(), error);
    });
    if (!came) return std::nullopt;
    return now;
  }
  AsyncOf<std::size_t> auto async_wait_change(std::uint64_t generation,
                                              Timeout timeout = {}) const {
    return detail::async<std::size_t>([=, credential = get()](auto... completion) {
      return sally_credential_wait_change_async(credential, generation, timeout.get(),
                                                completion...);
    });
  }

  // When the first certificate of the chain expires.
  std::chrono::sys_seconds not_after() const noexcept {
    return std::chrono::sys_seconds(std::chrono::seconds(sally_credential_not_after(get())));
  }

  // The OCSP response (DER) that a server staples to its certificate from now on; none takes it
  // away. At any time, by any thread.
  void set_ocsp_response(std::span<const std::byte> response) const {
    detail::check([&](sally_error** error) {
      return sally_credential_set_ocsp_response(get(), response.data(), response.size(), error);
    });
  }

 private:
  using Shared::Shared;

  static Credential load(const std::string& chain, const char* key, const char* passphrase) {
    sally_credential* credential = nullptr;
    detail::check([&](sally_error** error) {
      return sally_credential_load(detail::c_text(chain), key, passphrase, &credential, error);
    });
    return Credential(credential);
  }
  static Credential parse(std::string_view chain, std::string_view key, const char* passphrase) {
    sally_credential* credential = nullptr;
    const char* key_data = key.empty() ? nullptr : key.data();
    detail::check([&](sally_error** error) {
      return sally_credential_from_memory(chain.data(), chain.size(), key_data, key.size(),
                                          passphrase, &credential, error);
    });
    return Credential(credential);
  }
};

}  // namespace sally::inline v0
