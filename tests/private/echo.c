#define _GNU_SOURCE
#include "echo.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/sallyport.h>

enum { PATIENCE_MS = 30000 };

static void* library_handle;

static void* symbol(const char* name) {
  void* found = dlsym(library_handle, name);
  if (found == NULL) fprintf(stderr, "echo: %s is not there\n", name);
  return found;
}

/* By address, so that a host need not be linked with the library. */
#define CALL(name) ((__typeof__(&name))symbol(#name))

static int failed(const char* what, sally_status status, sally_error** error) {
  if (status == SALLY_OK) return 0;
  fprintf(stderr, "echo: %s: %s\n", what,
          *error != NULL ? CALL(sally_error_json)(*error) : CALL(sally_status_name)(status));
  CALL(sally_error_release)(*error);
  *error = NULL;
  return 1;
}

static sally_tls_config* make_config(int32_t role, const char* zoo, const char* name) {
  char certificate[4096];
  char key[4096];
  char anchors[4096];
  snprintf(certificate, sizeof certificate, "%s/%s.pem", zoo, name);
  snprintf(key, sizeof key, "%s/%s.key", zoo, name);
  snprintf(anchors, sizeof anchors, "%s/ca-root.pem", zoo);
  sally_tls_config* config = NULL;
  sally_credential* credential = NULL;
  sally_trust_store* trust = NULL;
  sally_error* error = NULL;
  sally_status status = CALL(sally_credential_load)(certificate, key, NULL, &credential, &error);
  if (status == SALLY_OK) status = CALL(sally_trust_store_load)(anchors, &trust, &error);
  if (status == SALLY_OK) status = CALL(sally_tls_config_create)(role, &config, &error);
  if (status == SALLY_OK) status = CALL(sally_tls_config_add_credential)(config, credential, &error);
  if (status == SALLY_OK) status = CALL(sally_tls_config_set_trust)(config, trust, &error);
  if (status == SALLY_OK && role == SALLY_ROLE_SERVER)
    status = CALL(sally_tls_config_set_client_auth)(config, SALLY_CLIENT_AUTH_REQUIRE, &error);
  CALL(sally_credential_release)(credential);
  CALL(sally_trust_store_release)(trust);
  if (!failed(name, status, &error)) return config;
  CALL(sally_tls_config_release)(config);
  return NULL;
}

struct ends {
  sally_stream* client;
  sally_stream* server;
};

static int join(struct ends* ends, sally_tls_config* client, sally_tls_config* server) {
  sally_error* error = NULL;
  sally_listener* listener = NULL;
  const sally_listener_options binding = {
      .struct_size = sizeof binding, .host = "127.0.0.1", .service = "0", .tls = server};
  if (failed("bind", CALL(sally_listener_bind)(&binding, &listener, &error), &error)) return 1;
  char port[8];
  snprintf(port, sizeof port, "%u", (unsigned)CALL(sally_listener_port)(listener));
  const sally_stream_options options = {.struct_size = sizeof options,
                                        .host = "127.0.0.1",
                                        .verify_name = "localhost",
                                        .service = port,
                                        .tls = client};
  int bad = failed("stream", CALL(sally_stream_create)(&options, &ends->client, &error), &error) ||
            failed("connect", CALL(sally_stream_connect)(ends->client, PATIENCE_MS, &error), &error) ||
            failed("accept", CALL(sally_listener_accept)(listener, PATIENCE_MS, &ends->server, &error),
                   &error);
  CALL(sally_listener_release)(listener);
  return bad;
}

static int pass_on(sally_stream* from, sally_stream* to, const char* text, size_t size) {
  char got[256] = {0};
  size_t count = 0;
  sally_error* error = NULL;
  return failed("write", CALL(sally_stream_write)(from, text, size, 0, &count, PATIENCE_MS, &error),
                &error) ||
         failed("read", CALL(sally_stream_read_exactly)(to, got, size, &count, PATIENCE_MS, &error),
                &error) ||
         memcmp(text, got, size) != 0;
}

static int load(const char* library, int dlopen_flags) {
  library_handle = dlopen(library, RTLD_NOW | dlopen_flags);
  if (library_handle == NULL) fprintf(stderr, "echo: %s\n", dlerror());
  return library_handle == NULL;
}

static int connect_ends(struct ends* ends, const char* zoo) {
  sally_tls_config* client = make_config(SALLY_ROLE_CLIENT, zoo, "client-good");
  sally_tls_config* server = make_config(SALLY_ROLE_SERVER, zoo, "server-good");
  const int bad = client == NULL || server == NULL || join(ends, client, server);
  CALL(sally_tls_config_release)(client);
  CALL(sally_tls_config_release)(server);
  return bad;
}

int private_echo(const char* library, const char* zoo, int dlopen_flags) {
  static const char text[] = "what the host's OpenSSL does not see";
  if (load(library, dlopen_flags)) return 1;
  struct ends ends = {NULL, NULL};
  const int bad = connect_ends(&ends, zoo) || pass_on(ends.client, ends.server, text, sizeof text) ||
                  pass_on(ends.server, ends.client, text, sizeof text);
  CALL(sally_stream_release)(ends.client);
  CALL(sally_stream_release)(ends.server);
  return bad;
}

const char* private_backend(const char* library) {
  return load(library, 0) ? NULL : CALL(sally_library_tls_backend)();
}

static pthread_barrier_t begun;

static void* read_for_ever(void* stream) {
  char byte;
  size_t count;
  sally_error* error = NULL;
  pthread_barrier_wait(&begun);
  const sally_status status =
      CALL(sally_stream_read_some)(stream, &byte, 1, &count, SALLY_TIMEOUT_NEVER, &error);
  (void)status; /* the program ends first */
  return NULL;
}

int private_leave_reading(const char* library, const char* zoo) {
  if (load(library, 0)) return 1;
  struct ends ends = {NULL, NULL};
  pthread_t thread;
  if (connect_ends(&ends, zoo) || pthread_barrier_init(&begun, NULL, 2) != 0 ||
      pthread_create(&thread, NULL, read_for_ever, ends.client) != 0)
    return 1;
  pthread_barrier_wait(&begun);
  return 0; /* streams and thread are left as they are */
}
