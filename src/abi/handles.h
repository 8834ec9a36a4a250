// The handles that stand for objects of the lower layers.
#pragma once

#include "abi/handle.h"
#include "socket/listener.h"
#include "socket/stream.h"
#include "tls/config.h"
#include "tls/credential.h"
#include "tls/trust_store.h"

#include <sallyport/credential.h>
#include <sallyport/listener.h>
#include <sallyport/stream.h>
#include <sallyport/tls_config.h>
#include <sallyport/trust_store.h>

struct sally_credential final
    : sally::abi::ObjectHandle<sally_credential, SALLY_HANDLE_CREDENTIAL, sally::tls::Credential> {
  using ObjectHandle::ObjectHandle;
};

struct sally_trust_store final
    : sally::abi::ObjectHandle<sally_trust_store, SALLY_HANDLE_TRUST_STORE,
                               sally::tls::TrustStore> {
  using ObjectHandle::ObjectHandle;
};

struct sally_tls_config final
    : sally::abi::ObjectHandle<sally_tls_config, SALLY_HANDLE_TLS_CONFIG, sally::tls::Config> {
  using ObjectHandle::ObjectHandle;
};

struct sally_stream final
    : sally::abi::ObjectHandle<sally_stream, SALLY_HANDLE_STREAM, sally::socket::Stream> {
  using ObjectHandle::ObjectHandle;
  ~sally_stream() {
    if (inherited())
      object->abandon_in_child();
    else
      object->abandon();
  }
};

struct sally_listener final
    : sally::abi::ObjectHandle<sally_listener, SALLY_HANDLE_LISTENER, sally::socket::Listener> {
  using ObjectHandle::ObjectHandle;
  ~sally_listener() {
    if (inherited())
      object->close_in_child();
    else
      object->close();
  }
};
