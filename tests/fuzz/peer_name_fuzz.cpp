// Any text as the name of a peer: refused as an argument, or good enough for a handshake to begin
// with it.
#include "abi/peer_name.h"
#include "fuzz/support.h"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sally;
  static const Ref<tls::Context> context = fuzz::client_context(SALLY_TLS_1_2);
  const std::string text(reinterpret_cast<const char*>(data), size);
  tls::PeerName name;
  try {
    name = abi::to_peer_name(text);
  } catch (const Failure& failure) {
    fuzz::require(failure.error()->status() == SALLY_INVALID_ARGUMENT,
                  "a bad name is a bad argument");
    return 0;
  }
  fuzz::require(!name.text.empty() && name.text.size() <= 253,
                "a name that was taken has a length");
  fuzz::require(name.text.find('\0') == std::string::npos, "and no NUL");
  fuzz::ByteChannel channel({}, false);
  tls::Session session(context, name, channel);
  fuzz::require(session.handshake().state == tls::Progress::State::waiting, "the handshake begins");
  fuzz::require(channel.sent.size() > 50, "and the hello is out");
  return 0;
}
