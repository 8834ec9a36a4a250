/*
 * agent: one end of the language matrix in C, with nothing but the C ABI and its blocking forms. What it does and prints is
 * in README.md.
 */
#define _GNU_SOURCE /* PATH_MAX, nanosleep */
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sallyport/sallyport.h>

enum { LARGE = 1 << 20, SMALL = 64, MOST_SECONDS = 60 };

static const char *zoo, *mode, *port;
static unsigned char sent[LARGE], came[LARGE];

static void say(const char* word, const char* what) {
  printf("%s %s\n", word, what);
  fflush(stdout);
}

static void say_count(const char* word, size_t count) {
  printf("%s %zu\n", word, count);
  fflush(stdout);
}

static int is(const char* name) {
  return strcmp(mode, name) == 0;
}

static void fail(const char* what) {
  say("error", what);
  exit(1);
}

static void must(sally_status status, sally_error* error) {
  if (status == SALLY_OK) return;
  const char* message = error != NULL ? sally_error_message(error) : "";
  printf("error %s: %s\n", sally_status_name(status), message);
  fflush(stdout);
  exit(1);
}

static void pause_ms(long milliseconds) {
  const struct timespec time = {0, milliseconds * 1000000};
  nanosleep(&time, NULL);
}

/* --- What both sides are made of ----------------------------------------------------------------------- */

static const char* file(char* buffer, const char* name, const char* ending) {
  if (snprintf(buffer, PATH_MAX, "%s/%s.%s", zoo, name, ending) >= PATH_MAX) fail("a long path");
  return buffer;
}

static sally_tls_config* config(int32_t role, const char* name) {
  char chain[PATH_MAX], key[PATH_MAX], roots[PATH_MAX];
  sally_error* error = NULL;
  sally_tls_config* tls = NULL;
  sally_credential* credential = NULL;
  sally_trust_store* trust = NULL;
  must(sally_tls_config_create(role, &tls, &error), error);
  must(sally_credential_load(file(chain, name, "pem"), file(key, name, "key"), NULL, &credential,
                             &error),
       error);
  must(sally_tls_config_add_credential(tls, credential, &error), error);
  must(sally_trust_store_load(file(roots, "ca-root", "pem"), &trust, &error), error);
  must(sally_tls_config_set_trust(tls, trust, &error), error);
  sally_credential_release(credential);
  sally_trust_store_release(trust);
  return tls;
}

/* --- The server ---------------------------------------------------------------------------------------- */

static void* accept_late(void* user) {
  sally_event event;
  size_t count = 0;
  sally_error* error = NULL;
  must(sally_queue_take(user, &event, sizeof event, 1, &count, SALLY_TIMEOUT_NEVER, &error), error);
  pause_ms(200);
  must(sally_decision_accept(event.object, &error), error);
  sally_event_dispose(&event);
  return NULL;
}

static void echo_back(sally_stream* stream) {
  size_t total = 0;
  sally_error* error = NULL;
  while (1) {
    size_t size = 0, taken = 0;
    const sally_status status =
        sally_stream_read_some(stream, came, sizeof came, &size, SALLY_TIMEOUT_NEVER, &error);
    if (status == SALLY_END_OF_STREAM) break;
    must(status, error);
    must(sally_stream_write(stream, came, size, 0, &taken, SALLY_TIMEOUT_NEVER, &error), error);
    total += size;
  }
  sally_error_release(error);
  error = NULL;
  must(sally_stream_close(stream, SALLY_TIMEOUT_DEFAULT, &error), error);
  if (total != (is("echo") ? LARGE : SMALL)) fail("another number of bytes came");
  say_count("ok", total);
}

static void tell_refusal(sally_listener* listener) {
  sally_bytes* peer = NULL;
  sally_error *why = NULL, *error = NULL;
  must(sally_listener_next_refusal(listener, SALLY_TIMEOUT_NEVER, &peer, &why, &error), error);
  say("status", sally_status_name(sally_error_status(why)));
  sally_bytes_release(peer);
  sally_error_release(why);
}

static void serve(void) {
  sally_error* error = NULL;
  sally_listener* listener = NULL;
  sally_stream* stream = NULL;
  sally_queue* queue = NULL;
  pthread_t thread;
  sally_tls_config* tls = config(SALLY_ROLE_SERVER, "server-good");
  must(sally_tls_config_set_client_auth(tls, SALLY_CLIENT_AUTH_REQUIRE, &error), error);
  /* A client that knew whom the server trusts would keep another certificate to itself. */
  if (is("refused"))
    must(sally_tls_config_set_ca_hints(tls, SALLY_CA_HINTS_NONE, NULL, &error), error);

  sally_completion decisions = {.struct_size = sizeof decisions};
  sally_listener_options options = {
      .struct_size = sizeof options, .host = "127.0.0.1", .service = "0", .tls = tls};
  if (is("late")) {
    must(sally_tls_config_set_questions(tls, SALLY_QUESTION_PEER, &error), error);
    must(sally_queue_create(&queue, &error), error);
    if (pthread_create(&thread, NULL, accept_late, queue) != 0) fail("no thread");
    decisions.queue = queue;
    options.decisions = &decisions;
  }
  must(sally_listener_bind(&options, &listener, &error), error);
  say_count("port", sally_listener_port(listener));
  if (is("refused")) {
    tell_refusal(listener);
  } else {
    must(sally_listener_accept(listener, SALLY_TIMEOUT_NEVER, &stream, &error), error);
    echo_back(stream);
  }
  if (is("late")) pthread_join(thread, NULL);
  sally_stream_release(stream);
  sally_listener_release(listener);
  sally_queue_release(queue);
  sally_tls_config_release(tls);
}

/* --- The client ---------------------------------------------------------------------------------------- */

static void* send_all(void* stream) {
  sally_error* error = NULL;
  size_t taken = 0;
  const size_t size = is("echo") ? LARGE : SMALL;
  must(sally_stream_write(stream, sent, size, 0, &taken, SALLY_TIMEOUT_NEVER, &error), error);
  must(sally_stream_shutdown(stream, SALLY_TIMEOUT_DEFAULT, &error), error);
  return NULL;
}

/* The server echoes while this side still sends, so each direction has a thread. */
static void echo(sally_stream* stream) {
  const size_t size = is("echo") ? LARGE : SMALL;
  sally_error* error = NULL;
  size_t got = 0, more = 0;
  unsigned char extra = 0;
  pthread_t thread;
  for (size_t i = 0; i < size; ++i) sent[i] = (unsigned char)i;
  if (pthread_create(&thread, NULL, send_all, stream) != 0) fail("no thread");
  must(sally_stream_read_exactly(stream, came, size, &got, SALLY_TIMEOUT_NEVER, &error), error);
  if (sally_stream_read_some(stream, &extra, 1, &more, SALLY_TIMEOUT_NEVER, &error) !=
      SALLY_END_OF_STREAM)
    fail("more came back than was sent");
  sally_error_release(error);
  pthread_join(thread, NULL);
  if (memcmp(sent, came, size) != 0) fail("other bytes came back");
  say_count("ok", size);
}

static atomic_int reading_is_over;

/* A cancel ends what is pending, so one that comes too early has to be said again. */
static void* cancel(void* stream) {
  while (!atomic_load(&reading_is_over)) {
    pause_ms(20);
    must(sally_stream_cancel(stream, SALLY_DIRECTION_READ, NULL), NULL);
  }
  return NULL;
}

static void give_up_reading(sally_stream* stream) {
  const int cancels = is("cancel");
  size_t size = 0;
  pthread_t thread;
  if (cancels && pthread_create(&thread, NULL, cancel, stream) != 0) fail("no thread");
  const sally_status status = sally_stream_read_some(stream, came, sizeof came, &size,
                                                     cancels ? SALLY_TIMEOUT_NEVER : 50, NULL);
  atomic_store(&reading_is_over, 1);
  if (cancels) pthread_join(thread, NULL);
  say("status", sally_status_name(status));
}

static void connect_and_talk(void) {
  sally_error* error = NULL;
  sally_stream* stream = NULL;
  sally_tls_config* tls =
      config(SALLY_ROLE_CLIENT, is("refused") ? "client-unknown-ca" : "client-good");
  sally_stream_options options = {.struct_size = sizeof options,
                                  .host = "127.0.0.1",
                                  .verify_name = "localhost",
                                  .service = port,
                                  .tls = tls};
  must(sally_stream_create(&options, &stream, &error), error);
  sally_status status = sally_stream_connect(stream, SALLY_TIMEOUT_DEFAULT, &error);
  if (is("refused")) {
    /* In TLS 1.3 the first read tells. */
    size_t size = 0;
    if (status == SALLY_OK)
      status = sally_stream_read_some(stream, came, 1, &size, SALLY_TIMEOUT_NEVER, &error);
    if (status == SALLY_OK) fail("nobody was refused");
    say("status", sally_status_name(status));
    sally_error_release(error);
  } else {
    must(status, error);
    if (is("cancel") || is("deadline")) give_up_reading(stream);
    echo(stream);
    must(sally_stream_close(stream, SALLY_TIMEOUT_DEFAULT, &error), error);
  }
  sally_stream_release(stream);
  sally_tls_config_release(tls);
}

/* --- The command line ---------------------------------------------------------------------------------- */

static const char* option(int argc, char** argv, const char* name) {
  for (int i = 2; i + 1 < argc; i += 2)
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  return NULL;
}

int main(int argc, char** argv) {
  static char folder[PATH_MAX];
  struct stat found;
  const char* dir = option(argc, argv, "--dir");
  mode = option(argc, argv, "--mode");
  port = option(argc, argv, "--port");
  if (dir == NULL || mode == NULL)
    fail("usage: agent server|client --dir DIR --mode MODE [--port N]");
  snprintf(folder, sizeof folder, "%s/zoo", dir);
  zoo = stat(folder, &found) == 0 ? folder : dir;
  alarm(MOST_SECONDS);

  if (strcmp(argv[1], "server") == 0) {
    serve();
  } else if (port != NULL) {
    connect_and_talk();
  } else {
    fail("a client needs --port");
  }
  return 0;
}
