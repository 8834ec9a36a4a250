#include <stdio.h>
#include <string.h>

#include <sallyport/sallyport.h>

int main(void) {
  char expected[32];
  snprintf(expected, sizeof expected, "%d.%d.%d", SALLY_VERSION_MAJOR, SALLY_VERSION_MINOR,
           SALLY_VERSION_PATCH);
  if (strcmp(sally_library_version(), expected) != 0) {
    fprintf(stderr, "headers of %s, library of %s\n", expected, sally_library_version());
    return 1;
  }
  if (sally_library_tls_backend()[0] == '\0') {
    fputs("the library does not name its TLS backend\n", stderr);
    return 1;
  }
  printf("C consumer: %s with %s\n", sally_library_version(), sally_library_tls_backend());
  return 0;
}
