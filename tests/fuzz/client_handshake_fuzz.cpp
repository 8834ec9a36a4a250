// A client hears arbitrary bytes, or a good server's, changed.
#include "fuzz/support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sally;
  static const Ref<tls::Context> context = fuzz::client_context(SALLY_TLS_1_2);
  static const fuzz::Bytes tls12 = fuzz::record_flights(SALLY_TLS_1_2).server;
  static const fuzz::Bytes tls13 = fuzz::record_flights(SALLY_TLS_1_3).server;

  fuzz::shake(context, {.text = "localhost"}, fuzz::to_flight({data, size}, tls12, tls13));
  return 0;
}
