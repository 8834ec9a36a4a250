#include "tls/material.h"

#include "status/error.h"

#include <climits>
#include <filesystem>
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

std::optional<std::string> MaterialSource::folder() const {
  if (bytes_) return {};
  constexpr std::string_view scheme = "dir:";
  if (uri_.starts_with(scheme)) return uri_.substr(scheme.size());
  const std::string path = path_of(uri_);
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? std::optional(path) : std::nullopt;
}

}  // namespace sally::tls
