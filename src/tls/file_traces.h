// What can be seen of files from outside: by which folders a path leads, and whether what it leads to
// is still the same.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace sally::tls {

// The folders in which something must change for `path` to lead elsewhere: the one of each symbolic
// link on the way (a mounted Kubernetes secret has two), and the last one. Of a path that leads
// nowhere, as far as it goes.
std::set<std::string> folders_on_the_way(const std::string& path);

// Differs as soon as one of the files, or a file in one of the folders, is another one or was written
// to.
std::string traces_of(const std::vector<std::string>& paths);

}  // namespace sally::tls
