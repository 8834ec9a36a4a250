// The handles that stand for objects of the lower layers.
#pragma once

#include "abi/handle.h"
#include "socket/async_operation.h"
#include "socket/listener.h"
#include "socket/stream.h"
#include "tls/config.h"
#include "tls/credential.h"
#include "tls/decision.h"
#include "tls/source.h"
#include "tls/ticket_keys.h"
#include "tls/trace_sink.h"
#include "tls/trust_store.h"
#include "transport/runtime.h"

#include <sallyport/credential.h>
#include <sallyport/decision.h>
#include <sallyport/listener.h>
#include <sallyport/queue.h>
#include <sallyport/runtime.h>
#include <sallyport/stream.h>
#include <sallyport/ticket_keys.h>
#include <sallyport/tls_config.h>
#include <sallyport/trace.h>
#include <sallyport/trust_store.h>

struct sally_credential final : sally::abi::ObjectHandle<sally_credential, SALLY_HANDLE_CREDENTIAL,
                                                         sally::tls::CredentialSource> {
  using ObjectHandle::ObjectHandle;
};

struct sally_trust_store final
    : sally::abi::ObjectHandle<sally_trust_store, SALLY_HANDLE_TRUST_STORE,
                               sally::tls::TrustSource> {
  using ObjectHandle::ObjectHandle;
};

struct sally_ticket_keys final
    : sally::abi::ObjectHandle<sally_ticket_keys, SALLY_HANDLE_TICKET_KEYS,
                               sally::tls::TicketKeySource> {
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

struct sally_runtime final
    : sally::abi::ObjectHandle<sally_runtime, SALLY_HANDLE_RUNTIME, sally::transport::Runtime> {
  using ObjectHandle::ObjectHandle;
  // Nobody can run it any more, but streams may still have something to end on it.
  ~sally_runtime() {
    if (!inherited()) object->hand_over();
  }
};

struct sally_queue final
    : sally::abi::ObjectHandle<sally_queue, SALLY_HANDLE_QUEUE, sally::socket::CompletionQueue> {
  using ObjectHandle::ObjectHandle;
  ~sally_queue() {
    if (inherited())
      object->close_in_child();
    else
      object->abandon();
  }
};

struct sally_operation final : sally::abi::ObjectHandle<sally_operation, SALLY_HANDLE_OPERATION,
                                                        sally::socket::AsyncOperation> {
  using ObjectHandle::ObjectHandle;
};

struct sally_trace final
    : sally::abi::ObjectHandle<sally_trace, SALLY_HANDLE_TRACE, sally::tls::TraceSink> {
  using ObjectHandle::ObjectHandle;
};

struct sally_decision final
    : sally::abi::ObjectHandle<sally_decision, SALLY_HANDLE_DECISION, sally::tls::Decision> {
  using ObjectHandle::ObjectHandle;
  ~sally_decision() {
    if (!inherited()) object->drop();
  }
};
