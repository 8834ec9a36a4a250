#include "abi/bytes.h"

const void* sally_bytes_data(const sally_bytes* bytes) {
  return bytes != nullptr ? bytes->content.c_str() : nullptr;
}

size_t sally_bytes_size(const sally_bytes* bytes) {
  return bytes != nullptr ? bytes->content.size() : 0;
}

sally_bytes* sally_bytes_retain(sally_bytes* bytes) {
  if (bytes != nullptr) bytes->retain();
  return bytes;
}

void sally_bytes_release(sally_bytes* bytes) {
  if (bytes != nullptr) bytes->release();
}
