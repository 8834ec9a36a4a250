#include "certificates.h"

#include "options.h"
#include "report.h"

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t largest = 64 << 10;
constexpr std::size_t most_files = 1000;
constexpr std::string_view begin_mark = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view end_mark = "-----END CERTIFICATE-----";

// A certificate is only had from a chain that is judged, here by itself; the verdict is no matter.
std::optional<sally::Certificate> parse_one(std::string_view data) {
  try {
    const auto itself = sally::TrustStore::from_memory(data);
    auto chain =
        sally::verify({.trust = itself, .leaf = data, .purpose = SALLY_PURPOSE_ANY}).chain();
    if (!chain.empty()) return chain.front();
  } catch (const sally::Error&) {
  }
  return std::nullopt;
}

std::string text_of(const fs::path& file) {
  try {
    return read_file(file.string());
  } catch (const std::exception&) {
    return "";
  }
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code gone;
    if (!at->is_regular_file(gone) || at->file_size(gone) > largest || gone) continue;
    files.push_back(at->path());
    if (files.size() == most_files) break;
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::vector<sally::Certificate> parse_certificates(std::string_view data) {
  std::vector<sally::Certificate> all;
  const auto add = [&](std::string_view part) {
    if (auto found = parse_one(part)) all.push_back(*found);
  };
  if (data.find(begin_mark) == std::string_view::npos) {
    if (!data.empty()) add(data);
    return all;
  }
  for (auto at = data.find(begin_mark); at != std::string_view::npos;
       at = data.find(begin_mark, at + 1)) {
    const auto end = data.find(end_mark, at);
    if (end == std::string_view::npos) break;
    add(data.substr(at, end + end_mark.size() - at));
  }
  return all;
}

std::vector<sally::Certificate> certificates_of(const std::string& path) {
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return parse_certificates(text_of(path));
  std::vector<sally::Certificate> all;
  for (const FoundCertificate& found : certificates_in_folder(path)) {
    all.push_back(found.certificate);
  }
  return all;
}

std::vector<FoundCertificate> certificates_in_folder(const std::string& folder) {
  std::vector<FoundCertificate> all;
  for (const fs::path& file : files_in(folder)) {
    for (const sally::Certificate& certificate : parse_certificates(text_of(file))) {
      all.push_back({file.string(), certificate});
    }
  }
  return all;
}

std::vector<std::string> key_usages_of(const sally::Certificate& certificate) {
  return to_json(certificate).at("key_usage").get<std::vector<std::string>>();
}

std::vector<std::string> extended_usages_of(const sally::Certificate& certificate) {
  std::vector<std::string> names;
  for (const sally::ExtendedUsage& usage : certificate.extended_usages()) {
    names.emplace_back(usage.name);
  }
  return names;
}
