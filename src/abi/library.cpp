#include "tls/library.h"

#include "status/live_count.h"

#include <sallyport/library.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char* sally_library_version(void) {
  return TEXT(SALLY_VERSION_MAJOR) "." TEXT(SALLY_VERSION_MINOR) "." TEXT(SALLY_VERSION_PATCH);
}

const char* sally_library_tls_backend(void) {
  return sally::tls::backend_version();
}

int64_t sally_library_live_handles(int32_t kind) {
  if (kind < 0 || kind >= sally::handle_kinds) return -1;
  return sally::live_handles[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}
