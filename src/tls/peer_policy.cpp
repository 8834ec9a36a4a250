#include "tls/peer_policy.h"

#include "status/error.h"
#include "tls/certificate.h"
#include "tls/openssl.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ranges>
#include <string_view>

namespace sally::tls {

namespace {

constexpr std::size_t digest_size = 32;
constexpr std::size_t longest_dns_name = 253;  // RFC 1035 section 2.3.4
constexpr std::size_t longest_label = 63;

[[noreturn]] void refuse(const std::string& what, const std::string& found) {
  throw Failure(SALLY_INVALID_ARGUMENT, {.message = "'" + found + "' " + what, .found = found});
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), lower);
  return copy;
}

// --- What may be allowed

}  // namespace

bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > longest_dns_name) return false;
  for (const auto part : std::views::split(name, '.')) {
    const std::string_view label(part.begin(), part.end());
    const auto is_label_byte = [](char c) {
      const char l = lower(c);
      return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_';
    };
    if (label.empty() || label.size() > longest_label || !std::ranges::all_of(label, is_label_byte))
      return false;
  }
  return true;
}

namespace {

std::string to_dns_pattern(const std::string& pattern) {
  std::string name = lowered(pattern);
  if (name.ends_with('.')) name.pop_back();
  const bool wildcard = name.starts_with("*.");
  const std::string_view rest = std::string_view(name).substr(wildcard ? 2 : 0);
  if (!is_dns_name(rest)) refuse("is no DNS name, nor one after '*.'", pattern);
  if (wildcard && rest.find('.') == std::string_view::npos)
    refuse("would allow every name of a top-level domain", pattern);
  return name;
}

// As a certificate's is printed.
std::string to_ip_pattern(const std::string& pattern) {
  std::array<unsigned char, 16> address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, pattern.c_str(), address.data()) != 1) continue;
    if (inet_ntop(family, address.data(), text.data(), text.size()) != nullptr) return text.data();
  }
  refuse("is no IP address", pattern);
}

std::string to_email_pattern(const std::string& pattern) {
  const std::size_t at = pattern.rfind('@');
  const bool good =
      at != std::string::npos && at > 0 && is_dns_name(std::string_view(pattern).substr(at + 1)) &&
      std::ranges::all_of(pattern,
                          [](char c) { return c > 0x20 && c < 0x7f && c != '\\' && c != '*'; });
  if (!good) refuse("is no e-mail address", pattern);
  // RFC 5280 section 7.5: the part before the @ keeps its case, the host has none.
  return pattern.substr(0, at) + lowered(std::string_view(pattern).substr(at));
}

std::string to_uri_pattern(const std::string& pattern) {
  const bool prefix = pattern.ends_with("/*");
  const std::string_view uri =
      std::string_view(pattern).substr(0, pattern.size() - (prefix ? 1 : 0));
  const std::size_t scheme = uri.find("://");
  const bool good = scheme != std::string_view::npos && scheme > 0 && uri.size() > scheme + 3 &&
                    uri[scheme + 3] != '/' && std::ranges::all_of(uri, [](char c) {
                      return c > 0x20 && c < 0x7f && c != '\\' && c != '*';
                    });
  if (!good) refuse("is no URI with an authority, with no '*' but a final '/*'", pattern);
  return pattern;
}

// --- What a certificate has

// RFC 9525 section 6.3: the certificate's wildcard stands for one whole label, and is the leftmost.
bool matches_wildcard(std::string_view wildcard, std::string_view name) {
  if (!wildcard.starts_with("*.") || !is_dns_name(wildcard.substr(2))) return false;
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && name.substr(dot) == wildcard.substr(1);
}

bool matches_dns(std::string_view pattern, std::string_view found) {
  std::string name = lowered(found);
  if (name == pattern) return true;
  if (pattern.starts_with("*.")) return is_dns_name(name) && matches_wildcard(pattern, name);
  // The same rule as for the name of a server: one wildcard for a whole label, and not of a
  // top-level domain.
  return std::ranges::count(name, '.') >= 2 && matches_wildcard(name, pattern);
}

bool matches_email(std::string_view pattern, std::string_view found) {
  const std::size_t at = found.rfind('@');
  if (at == std::string_view::npos) return false;
  return std::string(found.substr(0, at)) + lowered(found.substr(at)) == pattern;
}

// Below a prefix only what means the same to every reader: no "..", nothing encoded.
bool is_plain_path(std::string_view path) {
  if (path.empty() || path.find_first_of("%?#\\") != std::string_view::npos) return false;
  return std::ranges::none_of(std::views::split(path, '/'), [](const auto part) {
    const std::string_view segment(part.begin(), part.end());
    return segment.empty() || segment == "." || segment == "..";
  });
}

bool matches_uri(std::string_view pattern, std::string_view found) {
  if (!pattern.ends_with("/*")) return found == pattern;
  const std::string_view prefix = pattern.substr(0, pattern.size() - 1);
  return found.starts_with(prefix) && is_plain_path(found.substr(prefix.size()));
}

bool matches(const AllowedPeer& allowed, const AlternativeName& name) {
  if (allowed.kind != name.kind) return false;
  switch (allowed.kind) {
    case SALLY_NAME_DNS:
      return matches_dns(allowed.pattern, name.text);
    case SALLY_NAME_EMAIL:
      return matches_email(allowed.pattern, name.text);
    case SALLY_NAME_URI:
      return matches_uri(allowed.pattern, name.text);
    default:
      return name.text == allowed.pattern;
  }
}

bool is_allowed(X509* leaf, const std::vector<AllowedPeer>& allowed) {
  const std::vector<AlternativeName> names = names_of(leaf);
  const auto uris = std::ranges::count(names, SALLY_NAME_URI, &AlternativeName::kind);
  return std::ranges::any_of(allowed, [&](const AllowedPeer& peer) {
    // SPIFFE X509-SVID section 2: exactly one URI, or it is no identity.
    if (peer.kind == SALLY_NAME_URI && peer.pattern.starts_with("spiffe://") && uris != 1)
      return false;
    return std::ranges::any_of(names,
                               [&](const AlternativeName& name) { return matches(peer, name); });
  });
}

void add(std::vector<Finding>& findings, sally_status status, bool ignored, X509* leaf) {
  X509_up_ref(leaf);
  findings.push_back({.status = status,
                      .code = X509_V_ERR_APPLICATION_VERIFICATION,
                      .depth = 0,
                      .certificate = X509Owner(leaf),
                      .ignored = ignored});
}

void check_pins(X509* leaf, std::span<const X509Owner> chain, const std::vector<Pin>& pins,
                PolicyAnswer& answer) {
  std::vector<std::string> keys;
  for (const X509Owner& certificate : chain) keys.push_back(pin_of(certificate.get()).digest);
  const auto holds = [&](const Pin& pin) {
    const std::size_t first = (pin.flags & SALLY_PIN_ISSUER) != 0 ? 1 : 0;
    return keys.size() > first && std::find(keys.begin() + static_cast<std::ptrdiff_t>(first),
                                            keys.end(), pin.digest) != keys.end();
  };
  // Pins of one kind are alternatives; each kind that there is must be met.
  for (const std::uint32_t kind : {0u, std::uint32_t{SALLY_PIN_ISSUER}}) {
    for (const std::uint32_t report : {0u, std::uint32_t{SALLY_PIN_REPORT_ONLY}}) {
      const auto of_kind = [&](const Pin& pin) { return pin.flags == (kind | report); };
      if (std::ranges::none_of(pins, of_kind)) continue;
      if (std::ranges::any_of(pins, [&](const Pin& pin) { return of_kind(pin) && holds(pin); })) {
        answer.pin_matched = true;
        continue;
      }
      add(answer.findings, SALLY_PEER_PIN_MISMATCH, report != 0, leaf);
    }
  }
}

std::string from_base64(std::string_view text) {
  std::array<unsigned char, 64> out{};
  if (text.size() != 44 || text[43] != '=' || text[42] == '=') return {};
  const int size = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  return size == 33 ? std::string(reinterpret_cast<char*>(out.data()), digest_size) : std::string();
}

int hex_value(char c) {
  const char l = lower(c);
  if (l >= '0' && l <= '9') return l - '0';
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string from_hexadecimal(std::string_view text) {
  if (text.size() != 2 * digest_size) return {};
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace

PolicyAnswer check_policy(X509* leaf, std::span<const X509Owner> chain, const PeerPolicy& policy) {
  PolicyAnswer answer;
  if (!policy.allowed.empty() && !is_allowed(leaf, policy.allowed))
    add(answer.findings, SALLY_PEER_NOT_ALLOWED, false, leaf);
  if (!policy.pins.empty()) check_pins(leaf, chain, policy.pins, answer);
  return answer;
}

AllowedPeer to_allowed_peer(std::int32_t kind, const std::string& pattern) {
  switch (kind) {
    case SALLY_NAME_DNS:
      return {kind, to_dns_pattern(pattern)};
    case SALLY_NAME_IP:
      return {kind, to_ip_pattern(pattern)};
    case SALLY_NAME_EMAIL:
      return {kind, to_email_pattern(pattern)};
    case SALLY_NAME_URI:
      return {kind, to_uri_pattern(pattern)};
    default:
      throw Failure(SALLY_INVALID_ARGUMENT, {.message = "kind is not a SALLY_NAME_* with a text"});
  }
}

Pin to_pin(const std::string& text, std::uint32_t flags) {
  constexpr std::string_view scheme = "sha256/";
  const std::string digest = text.starts_with(scheme)
                                 ? from_base64(std::string_view(text).substr(scheme.size()))
                                 : from_hexadecimal(text);
  if (digest.empty()) refuse("is neither sha256/BASE64 nor 64 hexadecimal digits", text);
  return {.digest = digest, .flags = flags};
}

std::string to_text(const Pin& pin) {
  std::array<unsigned char, 64> text{};
  const int size =
      EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(pin.digest.data()),
                      static_cast<int>(pin.digest.size()));
  return "sha256/" +
         std::string(reinterpret_cast<char*>(text.data()), static_cast<std::size_t>(size));
}

namespace {

Pin digest_of(unsigned char* encoded, int size) {
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(encoded);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t digested = 0;
  if (size <= 0 || EVP_Q_digest(library_context(), "SHA256", nullptr, encoded,
                                static_cast<std::size_t>(size), digest.data(), &digested) != 1)
    throw std::bad_alloc();
  return {.digest = std::string(reinterpret_cast<char*>(digest.data()), digested)};
}

}  // namespace

Pin pin_of(X509* certificate) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
  return digest_of(encoded, size);
}

Pin pin_of(const EVP_PKEY* key) {
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  return digest_of(encoded, size);
}

}  // namespace sally::tls
