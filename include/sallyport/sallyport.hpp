// sallyport.hpp: the whole of Sallyport for C++20. Header-only, over the C ABI and nothing else.
#pragma once

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/buffer.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/certificate.hpp>
#include <sallyport/credential.hpp>
#include <sallyport/decision.hpp>
#include <sallyport/error.hpp>
#include <sallyport/library.hpp>
#include <sallyport/line.hpp>
#include <sallyport/listener.hpp>
#include <sallyport/queue.hpp>
#include <sallyport/result.hpp>
#include <sallyport/runtime.hpp>
#include <sallyport/status.hpp>
#include <sallyport/stream.hpp>
#include <sallyport/stream_info.hpp>
#include <sallyport/stream_options.hpp>
#include <sallyport/task.hpp>
#include <sallyport/ticket_keys.hpp>
#include <sallyport/tls_config.hpp>
#include <sallyport/trace.hpp>
#include <sallyport/trust_store.hpp>
#include <sallyport/verify.hpp>
