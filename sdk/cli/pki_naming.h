// The names that a command is given, and what files are called after them.
#pragma once

#include "pki_certificate.h"
#include "pki_name.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace pki {

struct NameOptions {
  std::vector<std::string> any, dns, ip, uri, email;

  void add_to(CLI::App& command);
  // All of them, each once. Throws Unusable where there is none or one is wrong.
  std::vector<Name> read(Role role) const;
};

// What the word alone stands for: a server on localhost is reached by its addresses as well.
std::vector<Name> names_for(Role role, const std::string& word);

// Without a suffix; nothing in it means anything to a shell or leads elsewhere.
std::string file_name_of(const Name& name);

}  // namespace pki
