#include "tls/packed_session.h"

#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <cstring>
#include <new>
#include <span>

namespace sally::tls {

namespace {

using Bytes = std::span<const unsigned char>;

// One element of DER: what it is, and where what it holds begins.
struct Element {
  int tag = 0;
  int type = 0;  // V_ASN1_CONTEXT_SPECIFIC, ...
  Bytes whole;
  Bytes content;
};

// What OpenSSL itself has encoded.
Element first_of(Bytes bytes) {
  Element element;
  const unsigned char* at = bytes.data();
  long size = 0;
  const int read =
      ASN1_get_object(&at, &size, &element.tag, &element.type, static_cast<long>(bytes.size()));
  if ((read & 0x80) != 0) throw std::bad_alloc();
  element.content = Bytes(at, static_cast<std::size_t>(size));
  element.whole = Bytes(bytes.data(), element.content.data() + element.content.size());
  return element;
}

// SSL_SESSION of ssl/ssl_asn1.c has it as "[3] EXPLICIT X509", since OpenSSL 0.9.
bool is_peer(const Element& element) {
  constexpr int peer = 3;
  return element.type == V_ASN1_CONTEXT_SPECIFIC && element.tag == peer;
}

}  // namespace

PackedSession::PackedSession(SSL_SESSION* session) {
  unsigned char* encoded = nullptr;
  const int size = i2d_SSL_SESSION(session, &encoded);
  const auto wipe = [size](unsigned char* bytes) {
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  };
  const std::unique_ptr<unsigned char, decltype(wipe)> owner(size > 0 ? encoded : nullptr, wipe);
  if (!owner) throw std::bad_alloc();

  const Bytes members = first_of(Bytes(encoded, static_cast<std::size_t>(size))).content;
  std::size_t kept = 0;
  for (Bytes rest = members; !rest.empty();) {
    const Element element = first_of(rest);
    if (!is_peer(element)) kept += element.whole.size();
    rest = rest.subspan(element.whole.size());
  }
  size_ = static_cast<std::size_t>(
      ASN1_object_size(/*constructed=*/1, static_cast<int>(kept), V_ASN1_SEQUENCE));
  bytes_ = std::make_unique_for_overwrite<unsigned char[]>(size_);
  unsigned char* end = bytes_.get();
  ASN1_put_object(&end, /*constructed=*/1, static_cast<int>(kept), V_ASN1_SEQUENCE,
                  V_ASN1_UNIVERSAL);
  for (Bytes rest = members; !rest.empty();) {
    const Element element = first_of(rest);
    if (!is_peer(element)) {
      std::memcpy(end, element.whole.data(), element.whole.size());
      end += element.whole.size();
    }
    rest = rest.subspan(element.whole.size());
  }
}

PackedSession::~PackedSession() {
  OPENSSL_cleanse(bytes_.get(), size_);
}

SessionOwner PackedSession::unpack() const {
  const unsigned char* at = bytes_.get();
  SessionOwner session(d2i_SSL_SESSION(nullptr, &at, static_cast<long>(size_)));
  if (!session) clear_errors();
  return SessionOwner(checked(session.release()));
}

}  // namespace sally::tls
