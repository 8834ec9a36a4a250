// Bytes as they are, without TLS.
#pragma once

#include "transport/flow.h"
#include "transport/send_queue.h"

namespace sally::transport {

class PlainFlow final : public Flow {
 public:
  // The transport must outlive the flow.
  explicit PlainFlow(Transport& transport) : transport_(transport) {}

  Progress read(std::span<std::byte> buffer) override;
  Progress peek() override;
  Progress write(std::span<const std::byte> data, bool more) override;
  Progress flush() override;
  void end_sending() override;
  std::size_t pending_output() const noexcept override { return outgoing_.size(); }
  Traffic traffic() const noexcept override;

 private:
  Progress receive(std::span<std::byte> buffer);
  Progress fail(ErrorRef& sticky, ErrorRef error);

  Transport& transport_;
  SendQueue outgoing_;
  std::uint64_t received_ = 0;
  bool end_due_ = false;
  ErrorRef read_error_;
  ErrorRef write_error_;
};

}  // namespace sally::transport
