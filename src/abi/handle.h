// What all handles share: references, counting, and knowing whether they were inherited through a
// fork.
#pragma once

#include "status/live_count.h"
#include "status/ref.h"
#include "transport/fork.h"

#include <cstdint>

namespace sally::abi {

template <class Derived, std::int32_t kind>
class Handle : public RefCounted<Derived>, public LiveCount<kind> {
 public:
  // Made by the parent of this process: what it stands for has threads and locks that did not come
  // along.
  bool inherited() const noexcept { return generation_ != transport::fork_generation(); }

 private:
  const std::uint64_t generation_ = transport::fork_generation();
};

// A handle that is nothing but a reference to an object of a lower layer. In a forked child the
// object is leaked: its destructor might touch OpenSSL or a lock.
template <class Derived, std::int32_t kind, class Object>
class ObjectHandle : public Handle<Derived, kind> {
 public:
  explicit ObjectHandle(Ref<Object> target) noexcept : object(std::move(target)) {}
  Ref<Object> object;

 protected:
  ~ObjectHandle() {
    if (this->inherited()) static_cast<void>(object.detach());
  }
};

}  // namespace sally::abi
