#include "tls/material.h"

#include "status/error.h"
#include "tls/pkcs11.h"
#include "tls/trust_store.h"

#include <algorithm>
#include <climits>
#include <filesystem>
#include <iterator>
#include <openssl/crypto.h>

namespace sally::tls {

Secret::Secret(std::string_view text) {
  text_.reserve(text.size() + 1);
  text_.assign(text.begin(), text.end());
  text_.push_back('\0');
}

Secret::~Secret() {
  OPENSSL_cleanse(text_.data(), text_.size());
}

MaterialSource MaterialSource::memory(std::string_view bytes) {
  check_size(bytes);
  return MaterialSource({}, std::make_shared<const Secret>(bytes));
}

PemSource MaterialSource::read() const {
  return bytes_ ? PemSource::from_memory(bytes_->view()) : PemSource::from_uri(uri_);
}

namespace {

constexpr std::string_view scheme = "dir:";

void append(std::vector<std::string>& files, std::vector<std::string> more) {
  std::ranges::move(more, std::back_inserter(files));
}

}  // namespace

std::optional<std::string> MaterialSource::folder() const {
  if (bytes_) return {};
  if (uri_.starts_with(scheme)) return uri_.substr(scheme.size());
  const std::string path = path_of(uri_);
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? std::optional(path) : std::nullopt;
}

std::vector<std::string> files_of(const MaterialSource& source) {
  if (source.is_in_memory()) return {};
  if (source.uri().starts_with(scheme)) return {source.uri().substr(scheme.size())};
  return {path_of(source.uri())};
}

std::vector<std::string> files_of(const CredentialInput& input) {
  std::vector<std::string> files;
  if (!is_token_uri(input.chain.uri())) append(files, files_of(input.chain));
  if (input.key && !is_token_uri(input.key->uri())) append(files, files_of(*input.key));
  return files;
}

bool is_in_token(const CredentialInput& input) {
  return is_token_uri(input.chain.uri()) || (input.key && is_token_uri(input.key->uri()));
}

std::vector<std::string> files_of(const TrustInput& input) {
  std::vector<std::string> files;
  if (input.system) files = TrustStore::system_files();
  for (const MaterialSource& source : input.anchors) append(files, files_of(source));
  for (const MaterialSource& source : input.crls) append(files, files_of(source));
  return files;
}

}  // namespace sally::tls
