// A server that requires a client certificate hears arbitrary bytes, or a good client's, changed.
#include "fuzz/support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sally;
  static const Ref<tls::Context> context = fuzz::server_context(SALLY_TLS_1_3);
  static const Ref<tls::Context> context_1_2 = fuzz::server_context(SALLY_TLS_1_2);
  static const fuzz::Bytes tls12 = fuzz::record_flights(SALLY_TLS_1_2).client;
  static const fuzz::Bytes tls13 = fuzz::record_flights(SALLY_TLS_1_3).client;

  const std::span input(data, size);
  const bool old = size > 0 && input.front() % 3 == 1;
  fuzz::shake(old ? context_1_2 : context, {}, fuzz::to_flight(input, tls12, tls13));
  return 0;
}
