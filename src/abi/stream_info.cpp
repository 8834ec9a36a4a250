#include "abi/stream_info.h"

#include "abi/boundary.h"
#include "abi/bytes.h"

int32_t sally_stream_info_version(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.version : 0;
}

const char* sally_stream_info_version_name(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.version_name.c_str() : "";
}

const char* sally_stream_info_suite(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.suite.c_str() : "";
}

const char* sally_stream_info_group(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.group.c_str() : "";
}

const char* sally_stream_info_alpn(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.alpn.c_str() : "";
}

const char* sally_stream_info_server_name(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.server_name.c_str() : "";
}

int32_t sally_stream_info_resumed(const sally_stream_info* info) {
  return info != nullptr && info->facts.session.resumed ? 1 : 0;
}

int32_t sally_stream_info_peer_verified(const sally_stream_info* info) {
  return info != nullptr && info->facts.session.peer_verified ? 1 : 0;
}

int32_t sally_stream_info_client_certificate_requested(const sally_stream_info* info) {
  return info != nullptr && info->facts.session.certificate_requested ? 1 : 0;
}

int32_t sally_stream_info_client_certificate_sent(const sally_stream_info* info) {
  return info != nullptr && info->facts.session.certificate_sent ? 1 : 0;
}

const char* sally_stream_info_local_address(const sally_stream_info* info) {
  return info != nullptr ? info->facts.local_address.c_str() : "";
}

const char* sally_stream_info_peer_address(const sally_stream_info* info) {
  return info != nullptr ? info->facts.peer_address.c_str() : "";
}

const char* sally_stream_info_correlation_id(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.correlation_id.c_str() : "";
}

size_t sally_stream_info_peer_certificate_count(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.peer_chain.size() : 0;
}

sally_certificate* sally_stream_info_peer_certificate(const sally_stream_info* info, size_t index) {
  const bool there = index < sally_stream_info_peer_certificate_count(info);
  return there ? info->facts.session.peer_chain[index].get() : nullptr;
}

size_t sally_stream_info_verified_count(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.verified_chain.size() : 0;
}

sally_certificate* sally_stream_info_verified(const sally_stream_info* info, size_t index) {
  const bool there = index < sally_stream_info_verified_count(info);
  return there ? info->facts.session.verified_chain[index].get() : nullptr;
}

const sally_error* sally_stream_info_peer_findings(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.findings.get() : nullptr;
}

int32_t sally_stream_info_pin_matched(const sally_stream_info* info) {
  return info != nullptr && info->facts.session.pin_matched ? 1 : 0;
}

sally_certificate* sally_stream_info_own_certificate(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.own_certificate.get() : nullptr;
}

size_t sally_stream_info_passed_over_count(const sally_stream_info* info) {
  return info != nullptr ? info->facts.session.passed_over.size() : 0;
}

const char* sally_stream_info_passed_over(const sally_stream_info* info, size_t index) {
  const bool there = index < sally_stream_info_passed_over_count(info);
  return there ? info->facts.session.passed_over[index].c_str() : nullptr;
}

namespace {

const sally::socket::AttemptReport* attempt(const sally_stream_info* info, std::size_t index) {
  if (index >= sally_stream_info_attempt_count(info)) return nullptr;
  return &info->facts.establishment.dial.attempts[index];
}

}  // namespace

int64_t sally_stream_info_duration(const sally_stream_info* info, int32_t duration) {
  if (info == nullptr) return 0;
  const sally::socket::Establishment& report = info->facts.establishment;
  switch (duration) {
    case SALLY_DURATION_RESOLVE:
      return report.dial.resolve_us;
    case SALLY_DURATION_CONNECT:
      return report.dial.connect_us;
    case SALLY_DURATION_HANDSHAKE:
      return report.handshake_us;
    default:
      return 0;
  }
}

int32_t sally_stream_info_round_trips(const sally_stream_info* info) {
  return info != nullptr ? info->facts.establishment.round_trips : 0;
}

size_t sally_stream_info_attempt_count(const sally_stream_info* info) {
  return info != nullptr ? info->facts.establishment.dial.attempts.size() : 0;
}

const char* sally_stream_info_attempt_address(const sally_stream_info* info, size_t index) {
  const auto* report = attempt(info, index);
  return report != nullptr ? report->address.c_str() : nullptr;
}

sally_status sally_stream_info_attempt_status(const sally_stream_info* info, size_t index) {
  const auto* report = attempt(info, index);
  return report != nullptr ? report->status : sally_status{SALLY_INVALID_ARGUMENT};
}

int64_t sally_stream_info_attempt_began(const sally_stream_info* info, size_t index) {
  const auto* report = attempt(info, index);
  return report != nullptr ? report->began_us : 0;
}

int64_t sally_stream_info_attempt_duration(const sally_stream_info* info, size_t index) {
  const auto* report = attempt(info, index);
  return report != nullptr ? report->took_us : 0;
}

uint64_t sally_stream_info_bytes(const sally_stream_info* info, int32_t counter) {
  if (info == nullptr) return 0;
  const sally::transport::Traffic& traffic = info->facts.traffic;
  switch (counter) {
    case SALLY_BYTES_READ:
      return traffic.given;
    case SALLY_BYTES_WRITTEN:
      return traffic.taken;
    case SALLY_BYTES_WIRE_RECEIVED:
      return traffic.wire_received;
    case SALLY_BYTES_WIRE_SENT:
      return traffic.wire_sent;
    default:
      return 0;
  }
}

int32_t sally_stream_info_secured(const sally_stream_info* info) {
  return info != nullptr && info->facts.secured ? 1 : 0;
}

sally_status sally_stream_info_copy_json(const sally_stream_info* info, sally_bytes** json,
                                         sally_error** error) {
  return sally::abi::guarded(error, [&] {
    sally::abi::require(info != nullptr, "a handle is NULL");
    sally::abi::require(json != nullptr, "json is NULL");
    *json = sally::abi::to_bytes(sally::socket::to_json(info->facts));
    return SALLY_OK;
  });
}

sally_stream_info* sally_stream_info_retain(sally_stream_info* info) {
  if (info != nullptr) info->retain();
  return info;
}

void sally_stream_info_release(sally_stream_info* info) {
  if (info != nullptr) info->release();
}
