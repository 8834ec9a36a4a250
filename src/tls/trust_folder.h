// The files of a folder with certificates or CRLs, as c_rehash keeps them.
#pragma once

#include "tls/pem.h"

#include <string>
#include <vector>

namespace sally::tls {

// Every regular file, or link to one, directly in it, in the order of their names. Throws Failure
// where the folder, or one of them, cannot be read.
std::vector<PemSource> read_folder(const std::string& path);

}  // namespace sally::tls
