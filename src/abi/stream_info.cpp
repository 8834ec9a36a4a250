#include "abi/stream_info.h"

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

sally_stream_info* sally_stream_info_retain(sally_stream_info* info) {
  if (info != nullptr) info->retain();
  return info;
}

void sally_stream_info_release(sally_stream_info* info) {
  if (info != nullptr) info->release();
}
