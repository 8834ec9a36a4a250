#include "tls/library.h"

#include "abi/boundary.h"
#include "status/live_count.h"
#include "tls/provider.h"

#include <sallyport/library.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char* sally_library_version(void) {
  return TEXT(SALLY_VERSION_MAJOR) "." TEXT(SALLY_VERSION_MINOR) "." TEXT(SALLY_VERSION_PATCH);
}

const char* sally_library_tls_backend(void) {
  return sally::tls::backend_version();
}

sally_status sally_library_load_provider(const char* name, const char* configuration,
                                         sally_error** error) {
  using sally::abi::require;
  return sally::abi::guarded(error, [&] {
    require(name != nullptr && *name != '\0', "name is NULL or empty");
    require(configuration == nullptr || *configuration != '\0', "configuration is empty");
    sally::tls::load_provider(name, configuration);
    return SALLY_OK;
  });
}

int64_t sally_library_live_handles(int32_t kind) {
  if (kind < 0 || kind >= sally::handle_kinds) return -1;
  return sally::live_handles[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
}
