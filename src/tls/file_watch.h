// Tells when files may have changed: written, replaced, or reached through a link that was swapped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sally::tls {

class FileWatch {
 public:
  // Looks at what changed, on a thread of the library; false: look again soon, even where nothing
  // changes any more.
  using Look = std::function<bool()>;
  // Asked for with a lock held that the destructor takes too: whoever is about to end gives none.
  using Claim = std::function<Look()>;

  // Paths of files and folders; a folder stands for the files in it. `seen` is what traces_of() gave
  // before they were read. Throws Failure where the system has no thread for it.
  FileWatch(std::vector<std::string> paths, std::string seen, Claim claim);
  // Never waits for a look that has begun.
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  struct Watched;

 private:
  const std::shared_ptr<Watched> watched_;
};

}  // namespace sally::tls
