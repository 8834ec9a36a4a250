// pump.h: carries standard input and output over a socket.
#pragma once

#include <sallyport/sallyport.hpp>

// Sends what standard input holds, and shuts the sending direction down at its end; writes what comes
// to standard output, until the peer ends that direction. Throws sally::Error, and
// std::system_error where standard input or output fail.
void pump(sally::StreamSocket& socket);
