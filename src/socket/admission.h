// A connection's place among those that a listener counts.
#pragma once

#include "status/ref.h"

#include <string>

namespace sally::socket {

class Listener;
class Stream;

// Gives its place back as it goes, on any thread, and under the lock of its stream.
class Admission {
 public:
  Admission(Ref<Listener> listener, std::string source);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Makes the stream known to its listener, which may close it at the end of a drain.
  void belongs_to(Stream& stream);
  // The stream is going, while its connection is not yet over.
  void outlive_stream() noexcept;

 private:
  const Ref<Listener> listener_;
  const std::string source_;
  Stream* stream_ = nullptr;
};

}  // namespace sally::socket
