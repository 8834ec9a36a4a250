#pragma once

#include "socket/stream.h"
#include "status/live_count.h"
#include "status/ref.h"

#include <sallyport/stream_info.h>

// Plain data, so a forked child may go on reading it.
struct sally_stream_info final : sally::RefCounted<sally_stream_info>,
                                 sally::LiveCount<SALLY_HANDLE_STREAM_INFO> {
  explicit sally_stream_info(sally::socket::StreamFacts content) : facts(std::move(content)) {}
  const sally::socket::StreamFacts facts;
};
