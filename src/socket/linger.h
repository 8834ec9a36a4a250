// Ends a refused connection so that the refusal arrives.
#pragma once

#include "tls/session.h"
#include "transport/transport.h"

#include <functional>
#include <memory>

namespace sally::socket {

// Sends what is pending (an alert), then an end of stream, and reads on until the peer closes too
// or two seconds have passed. Closing at once, with bytes of the peer unread, would reset the
// connection, and a reset overtakes the alert. Any thread; `done`, if there is one, is called on
// the loop's.
void linger(std::unique_ptr<transport::Transport> transport, std::unique_ptr<tls::Session> session,
            std::function<void()> done);

}  // namespace sally::socket
