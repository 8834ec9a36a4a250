#include "pki_name_rules.h"

#include <algorithm>

namespace pki {

namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

// Not those of <cctype>, which depend on the locale.
bool is_lower(char c) {
  return letters.find(c) != std::string_view::npos;
}
bool is_digit(char c) {
  return digits.find(c) != std::string_view::npos;
}
bool is_alnum(char c) {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_plain(char c) {
  return c > ' ' && c < '\x7f';
}

template <class Test>
bool all(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

std::string label_complaint(std::string_view label) {
  if (label.empty()) return "there is nothing between two dots, or a dot at the end";
  if (label.size() > 63) return "more than 63 letters between two dots";
  if (label.front() == '-' || label.back() == '-') return "a hyphen beside a dot or at the end";
  if (all(label, [](char c) { return is_alnum(c) || c == '-'; })) return "";
  return "a host name has letters, digits, hyphens and dots only";
}

bool is_atom(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// The SPIFFE-ID standard, section 2.
std::string spiffe_complaint(std::string_view rest) {
  const std::string_view domain = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(domain.size());
  if (domain.empty() || domain.size() > 255) return "a SPIFFE ID has a trust domain";
  const auto in_domain = [](char c) {
    return is_lower(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
  };
  const auto in_path = [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; };
  if (!all(domain, in_domain))
    return "a SPIFFE trust domain has small letters, digits, '.', '-' and '_' only";
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == ".." || !all(segment, in_path))
      return "between the slashes of a SPIFFE ID stand letters, digits, '.', '-' and '_'";
    path.remove_prefix(segment.size());
  }
  return "";
}

}  // namespace

std::string host_complaint(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > 253) return "it is longer than 253 letters";
  if (!all(text, [](char c) { return (c & 0x80) == 0; }))
    return "a name that is not ASCII is written in its xn-- form";
  if (text.find(':') != std::string_view::npos) return "a port has no place in a certificate";
  std::string_view rest = text;
  if (rest.starts_with("*.")) {
    rest.remove_prefix(2);
    if (rest.find('.') == std::string_view::npos)
      return "no verifier takes a wildcard for all of a top-level domain";
  }
  std::string_view label;
  while (true) {
    label = rest.substr(0, rest.find('.'));
    if (const std::string complaint = label_complaint(label); !complaint.empty()) return complaint;
    if (label.size() == rest.size()) break;
    rest.remove_prefix(label.size() + 1);
  }
  return all(label, is_digit) ? "its last part is a number, as that of an IP address" : "";
}

std::string email_complaint(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return "it has no @";
  const std::string_view local = text.substr(0, at);
  if (local.empty() || local.size() > 64) return "before the @ stand 1 to 64 letters";
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos ||
      !all(local, [](char c) { return is_atom(c) || c == '.'; })) {
    return "before the @ stands something that would need quotes";
  }
  const std::string_view host = text.substr(at + 1);
  return host.starts_with("*") ? "it has a wildcard" : host_complaint(host);
}

std::string uri_complaint(std::string_view text) {
  if (text.size() > 2048) return "it is longer than 2048 letters";
  if (!all(text, is_plain))
    return "a URI has no spaces, and of others than ASCII only their %-form";
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return "it has no scheme, such as spiffe://";
  std::string scheme(text.substr(0, colon));
  if (is_digit(scheme.front()) ||
      !all(scheme, [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; })) {
    return "its scheme is none";
  }
  std::string_view rest = text.substr(colon + 1);
  if (rest.empty() || rest == "//") return "there is nothing behind its scheme";
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (scheme != "spiffe") return "";
  if (!text.starts_with("spiffe://")) return "a SPIFFE ID begins with spiffe://";
  rest.remove_prefix(2);
  return spiffe_complaint(rest);
}

std::string printable(std::string_view text) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  std::string clean;
  for (const char c : text) {
    if (c >= ' ' && c < '\x7f') {
      clean += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      clean.append("\\x").append(1, hexadecimal[byte >> 4]).append(1, hexadecimal[byte & 15]);
    }
  }
  return clean;
}

}  // namespace pki
