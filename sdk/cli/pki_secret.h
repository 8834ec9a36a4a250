// Bytes that may be a key or a passphrase: memory that is wiped before it is given back.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <openssl/crypto.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pki {

template <class T>
struct Wiping {
  using value_type = T;
  Wiping() = default;
  template <class U>
  Wiping(const Wiping<U>&) noexcept {}  // NOLINT: allocators convert

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    OPENSSL_cleanse(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(Wiping, Wiping) noexcept { return true; }
};

using Secret = std::vector<char, Wiping<char>>;

inline std::string_view view(const Secret& secret) {
  return {secret.data(), secret.size()};
}

// A whole file. Throws Unusable.
Secret read_file(const std::string& path);

// Where a passphrase comes from. Never from the command line itself, which any user of the machine
// can read while the program runs, and the shell's history keeps.
struct PassphraseSource {
  std::string file;
  std::string variable;

  void add_to(CLI::App& command, const std::string& what);
  bool given() const { return !file.empty() || !variable.empty(); }
  // The first line of the file, or what is in the variable; the last byte is a NUL.
  // None where there is no source; throws Unusable where there is nothing in it.
  std::optional<Secret> read() const;
};

}  // namespace pki
