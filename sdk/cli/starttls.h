// starttls.h: how a plain connection agrees to go on under TLS.
#pragma once

#include <sallyport/sallyport.hpp>

// Speaks SMTP up to the server's consent (RFC 3207). Throws std::runtime_error with the server's
// words where it does not consent, and sally::Error.
void agree_by_smtp(sally::StreamSocket& socket, sally::Timeout timeout);
