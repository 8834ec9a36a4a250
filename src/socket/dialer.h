// From a name to a connection: resolves, then tries the addresses, staggered (RFC 8305).
#pragma once

#include "socket/establishment.h"
#include "status/error.h"
#include "transport/endpoint.h"
#include "transport/event_loop.h"
#include "transport/tcp.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sally::socket {

// Loop's thread only, all of it; destroying it gives up.
class Dialer {
 public:
  // Exactly one of the two is set; called once, never inside the constructor.
  using Done = std::function<void(std::unique_ptr<transport::Transport> transport, ErrorRef error,
                                  DialReport report)>;
  Dialer(transport::EventLoop& loop, const std::string& host, const std::string& service,
         Done done);

 private:
  void resolved(transport::Resolution resolution);
  void start_next();
  void attempted(std::size_t index, std::unique_ptr<transport::Transport> transport,
                 const ErrorRef& error);
  void finish(std::unique_ptr<transport::Transport> transport, ErrorRef error);
  ErrorRef all_failed() const;

  transport::EventLoop& loop_;
  const std::string target_;
  Done done_;
  std::vector<transport::Endpoint> endpoints_;
  std::size_t next_ = 0;
  std::size_t failed_ = 0;
  ErrorRef first_error_;
  std::string failures_;
  const transport::Deadline began_ = transport::Clock::now();
  DialReport report_;
  std::vector<std::unique_ptr<transport::ConnectAttempt>> attempts_;
  transport::Timer stagger_;
  std::unique_ptr<transport::ResolveQuery> query_;  // last: its answer may use all of the others
};

}  // namespace sally::socket
