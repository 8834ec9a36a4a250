/* A program that uses a private libsallyport beside what it has of OpenSSL itself: nothing, the
 * system's library (-DHOST_LINKED), or symbols of its names that abort (fakes.c, with -rdynamic).
 *
 *   host global|local|exit LIBRARY ZOO
 */
#include "echo.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HOST_LINKED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

/* Some of everything that keeps a state: errors, settings, algorithms, random numbers. */
static int use_own(void) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL* connection = context != NULL ? SSL_new(context) : NULL;
  const int good = connection != NULL && SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1 &&
                   EVP_Digest("abc", 3, digest, &size, EVP_sha256(), NULL) == 1 && size == 32 &&
                   digest[0] == 0xba;
  SSL_free(connection);
  SSL_CTX_free(context);
  return !good;
}
#else
static int use_own(void) {
  return 0;
}
#endif

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int flags = strcmp(argv[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
  if (use_own() != 0) return 1;
  if (strcmp(argv[1], "exit") == 0) exit(private_leave_reading(argv[2], argv[3]));
  /* Once more: what the one leaves behind must not be in the other's way. */
  for (int i = 0; i < 2; ++i)
    if (private_echo(argv[2], argv[3], flags) != 0 || use_own() != 0) return 1;
  return 0;
}
