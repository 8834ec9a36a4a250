/* sallyport.h: the whole C ABI. */
#ifndef SALLYPORT_SALLYPORT_H
#define SALLYPORT_SALLYPORT_H

#include <sallyport/base.h>
#include <sallyport/bytes.h>
#include <sallyport/certificate.h>
#include <sallyport/credential.h>
#include <sallyport/decision.h>
#include <sallyport/error.h>
#include <sallyport/library.h>
#include <sallyport/listener.h>
#include <sallyport/queue.h>
#include <sallyport/runtime.h>
#include <sallyport/status.h>
#include <sallyport/stream.h>
#include <sallyport/stream_info.h>
#include <sallyport/ticket_keys.h>
#include <sallyport/tls_config.h>
#include <sallyport/trace.h>
#include <sallyport/trust_store.h>
#include <sallyport/verify.h>

#endif /* SALLYPORT_SALLYPORT_H */
