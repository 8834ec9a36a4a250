// starttls.h: how a plain connection agrees to go on under TLS.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sallyport/sallyport.hpp>

// "smtp", "imap", and so on.
std::vector<std::string> starttls_protocols();

// Speaks one of these up to the server's consent. Throws std::runtime_error with the server's words where
// it does not consent, and sally::Error. `timeout` is that of the whole dialogue.
void agree_on_tls(const std::string& protocol, sally::StreamSocket& socket,
                  std::chrono::milliseconds timeout);
