/* A round of echo under mutual TLS through a libsallyport that is loaded by its path, for hosts that
 * have an OpenSSL of their own. */
#ifndef TESTS_PRIVATE_ECHO_H
#define TESTS_PRIVATE_ECHO_H

/* The certificates are those of the folder `zoo`. Says on stderr what fails; 0 where nothing did. */
int private_echo(const char* library, const char* zoo, int dlopen_flags);

/* The name and version of the OpenSSL that the library has; NULL where it cannot be loaded. */
const char* private_backend(const char* library);

/* Lets a thread read from a peer that is silent, and comes back while it does. 0 where it does. */
int private_leave_reading(const char* library, const char* zoo);

#endif
