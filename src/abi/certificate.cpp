#include "tls/certificate.h"

#include "abi/boundary.h"
#include "abi/bytes.h"

#include <sallyport/certificate.h>

using sally::abi::guarded;
using sally::abi::require;

const char* sally_certificate_subject(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.subject.c_str() : "";
}

const char* sally_certificate_issuer(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.issuer.c_str() : "";
}

const char* sally_certificate_serial(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.serial.c_str() : "";
}

int64_t sally_certificate_not_before(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.not_before : 0;
}

int64_t sally_certificate_not_after(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.not_after : 0;
}

const char* sally_certificate_key(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.key.c_str() : "";
}

const char* sally_certificate_fingerprint(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.fingerprint.c_str() : "";
}

size_t sally_certificate_san_count(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.names.size() : 0;
}

int32_t sally_certificate_san_kind(const sally_certificate* certificate, size_t index) {
  return index < sally_certificate_san_count(certificate) ? certificate->data.names[index].kind : 0;
}

const char* sally_certificate_san_text(const sally_certificate* certificate, size_t index) {
  return index < sally_certificate_san_count(certificate)
             ? certificate->data.names[index].text.c_str()
             : nullptr;
}

int32_t sally_certificate_is_ca(const sally_certificate* certificate) {
  return certificate != nullptr && certificate->data.is_ca ? 1 : 0;
}

uint32_t sally_certificate_key_usage(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.key_usage : 0;
}

size_t sally_certificate_extended_usage_count(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.extended_usages.size() : 0;
}

const char* sally_certificate_extended_usage(const sally_certificate* certificate, size_t index) {
  return index < sally_certificate_extended_usage_count(certificate)
             ? certificate->data.extended_usages[index].oid.c_str()
             : nullptr;
}

const char* sally_certificate_extended_usage_name(const sally_certificate* certificate,
                                                  size_t index) {
  return index < sally_certificate_extended_usage_count(certificate)
             ? certificate->data.extended_usages[index].name.c_str()
             : nullptr;
}

const char* sally_certificate_spki_pin(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.pin.c_str() : "";
}

const char* sally_certificate_signature_algorithm(const sally_certificate* certificate) {
  return certificate != nullptr ? certificate->data.signature_algorithm.c_str() : "";
}

sally_status sally_certificate_copy_json(const sally_certificate* certificate, sally_bytes** json,
                                         sally_error** error) {
  return guarded(error, [&] {
    require(certificate != nullptr, "a handle is NULL");
    require(json != nullptr, "json is NULL");
    *json = sally::abi::to_bytes(sally::tls::to_json(certificate->data));
    return SALLY_OK;
  });
}

sally_status sally_certificate_copy_der(const sally_certificate* certificate, sally_bytes** der,
                                        sally_error** error) {
  return guarded(error, [&] {
    require(certificate != nullptr, "a handle is NULL");
    require(der != nullptr, "der is NULL");
    *der = sally::abi::to_bytes(certificate->data.der);
    return SALLY_OK;
  });
}

sally_status sally_certificate_copy_pem(const sally_certificate* certificate, sally_bytes** pem,
                                        sally_error** error) {
  return guarded(error, [&] {
    require(certificate != nullptr, "a handle is NULL");
    require(pem != nullptr, "pem is NULL");
    *pem = sally::abi::to_bytes(sally::tls::to_pem(certificate->data));
    return SALLY_OK;
  });
}

sally_certificate* sally_certificate_retain(sally_certificate* certificate) {
  if (certificate != nullptr) certificate->retain();
  return certificate;
}

void sally_certificate_release(sally_certificate* certificate) {
  if (certificate != nullptr) certificate->release();
}
