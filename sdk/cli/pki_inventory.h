// What was found in files, and what belongs together.
#pragma once

#include "pki_reader.h"

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include <sallyport/certificate.hpp>

namespace pki {

// The place of a certificate or key among the files, both counted from 0.
struct Place {
  std::size_t file, index;
};

struct ShownCertificate {
  sally::Certificate certificate;
  std::string sha1;         // fingerprint, in lower-case hexadecimal
  std::vector<Place> keys;  // that are its own
};

struct ShownKey {
  std::string kind;  // "EC P-256"
  std::string pin;   // of its public key
  std::vector<Place> certificates;
};

struct ShownCrl {
  std::string issuer;
  long long this_update = 0;
  long long next_update = 0;  // 0: it does not say
  std::size_t revoked = 0;
};

struct ShownFile {
  std::string path;
  std::vector<ShownCertificate> certificates = {};
  std::vector<ShownKey> keys = {};
  std::vector<ShownCrl> crls = {};
  bool key_for_all = false;           // others than its owner may read a key that is in it
  std::string error = {}, hint = {};  // "" where it was read
};

class Inventory {
 public:
  Inventory(const std::vector<std::string>& paths, const std::optional<Secret>& passphrase);

  const std::vector<ShownFile>& files() const { return files_; }
  bool all_read() const;
  // Whether each key is that of a certificate, where there are certificates.
  bool all_match() const;

 private:
  std::vector<ShownFile> files_;
};

// The time, in no finer steps: nanoseconds end in 2262, and a certificate may last until 9999. A second
// that has begun is counted, so that no day is said to be left that is not whole.
std::chrono::sys_seconds this_second();
long long days_left(const sally::Certificate& certificate);

void print_text(const Inventory& inventory, std::ostream& out);
void print_json(const Inventory& inventory, std::ostream& out);

}  // namespace pki
