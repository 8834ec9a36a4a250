// certificates.h: reading certificates that are neither trusted nor shown, to tell about them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sallyport/sallyport.hpp>

// Those of PEM or DER; what does not decode is passed over. Keys are not looked at.
std::vector<sally::Certificate> parse_certificates(std::string_view data);

// Those of a file, or of the files directly in a folder that are no larger than 64 KiB, the first
// 1000. None where it cannot be read.
std::vector<sally::Certificate> certificates_of(const std::string& path);

// What its two extensions say that it is for, by name: "digitalSignature", "clientAuth". None where the
// extension is missing.
std::vector<std::string> key_usages_of(const sally::Certificate& certificate);
std::vector<std::string> extended_usages_of(const sally::Certificate& certificate);

struct FoundCertificate {
  std::string file;
  sally::Certificate certificate;
};
// The same, with the file that each was found in.
std::vector<FoundCertificate> certificates_in_folder(const std::string& folder);
