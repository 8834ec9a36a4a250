/*
 * echo_client_c: echo_client in C99. Same options, same output.
 *
 * It shows the manners of the C ABI: every call that can fail returns a status and hands out an
 * error, handles are given back with release, and releasing NULL does nothing, so that one way out
 * serves all failures.
 */
#define _GNU_SOURCE /* getopt_long */
#include "options_c.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sallyport/sallyport.h>

static const char* or_dash(const char* text) {
  return *text != '\0' ? text : "-";
}

static sally_status make_tls(const struct options* options, sally_tls_config** tls,
                             sally_error** error) {
  sally_credential* credential = NULL;
  sally_trust_store* trust = NULL;
  sally_status status = sally_tls_config_create(SALLY_ROLE_CLIENT, tls, error);
  if (status == SALLY_OK)
    status = sally_tls_config_set_versions(*tls, options->min_version, options->max_version, error);
  /* Without a trust store of its own, the config trusts the system's. */
  if (status == SALLY_OK && options->ca != NULL) {
    status = sally_trust_store_load(options->ca, &trust, error);
    if (status == SALLY_OK) status = sally_tls_config_set_trust(*tls, trust, error);
  }
  if (status == SALLY_OK && options->cert != NULL) {
    status =
        sally_credential_load(options->cert, options->key, options->passphrase, &credential, error);
    if (status == SALLY_OK) status = sally_tls_config_add_credential(*tls, credential, error);
  }
  if (status == SALLY_OK && options->alpn_count > 0)
    status = sally_tls_config_set_alpn(*tls, options->alpn, options->alpn_count, error);
  /* The config keeps references of its own. */
  sally_credential_release(credential);
  sally_trust_store_release(trust);
  return status;
}

static sally_status print_info(const sally_stream* stream, sally_error** error) {
  sally_stream_info* info = NULL;
  sally_status status = sally_stream_copy_info(stream, &info, error);
  if (status != SALLY_OK) return status;
  const char* sent = sally_stream_info_client_certificate_sent(info)        ? "sent"
                     : sally_stream_info_client_certificate_requested(info) ? "not-sent"
                                                                            : "not-asked";
  printf("connected %s %s %s %s alpn=%s server=\"%s\" client-certificate=%s id=%s\n",
         sally_stream_info_peer_address(info), sally_stream_info_version_name(info),
         sally_stream_info_suite(info), or_dash(sally_stream_info_group(info)),
         or_dash(sally_stream_info_alpn(info)),
         /* Borrowed from the info, and "" for a server without a certificate. */
         sally_certificate_subject(sally_stream_info_peer_certificate(info, 0)), sent,
         sally_stream_info_correlation_id(info));
  sally_stream_info_release(info);
  return SALLY_OK;
}

/* Sends some bytes, and waits until as many have come back in their place. */
static sally_status echo(sally_stream* stream, char* bytes, size_t size, int64_t timeout_ms,
                         sally_error** error) {
  size_t taken = 0;
  sally_status status = sally_stream_write(stream, bytes, size, 0, &taken, timeout_ms, error);
  for (size_t got = 0, more = 0; status == SALLY_OK && got < size; got += more)
    status = sally_stream_read_some(stream, bytes + got, size - got, &more, timeout_ms, error);
  return status;
}

static sally_status talk(sally_stream* stream, const struct options* options, sally_error** error) {
  char buffer[4096];
  sally_status status = SALLY_OK;
  for (size_t i = 0; status == SALLY_OK && i < options->message_count; ++i) {
    char* message = options->messages[i];
    status = echo(stream, message, strlen(message), options->timeout_ms, error);
    if (status == SALLY_OK) printf("echo: %s\n", message);
    fflush(stdout);
  }
  ssize_t size = 0;
  while (status == SALLY_OK && options->message_count == 0 &&
         (size = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
    status = echo(stream, buffer, (size_t)size, options->timeout_ms, error);
    if (status == SALLY_OK) fwrite(buffer, 1, (size_t)size, stdout);
    fflush(stdout);
  }
  return status;
}

static sally_status run(const struct options* options, const char* host, const char* port,
                        sally_error** error) {
  /* Members that are not set are zero, which stands for the default. */
  sally_stream_options stream_options = {.struct_size = sizeof stream_options};
  sally_stream* stream = NULL;
  sally_tls_config* tls = NULL;
  sally_status status = make_tls(options, &tls, error);
  if (status == SALLY_OK) {
    stream_options.host = host;
    stream_options.service = port;
    stream_options.verify_name = options->name;
    stream_options.tls = tls;
    status = sally_stream_create(&stream_options, &stream, error);
  }
  if (status == SALLY_OK) status = sally_stream_connect(stream, options->timeout_ms, error);
  /* In TLS 1.3 the server has not yet judged the client's certificate: a refusal comes with the
   * first read or write. */
  if (status == SALLY_OK) status = print_info(stream, error);
  fflush(stdout);
  if (status == SALLY_OK) status = talk(stream, options, error);
  /* Not left to release: this waits until the server has closed too, and so has got everything. */
  if (status == SALLY_OK) status = sally_stream_close(stream, options->timeout_ms, error);
  sally_stream_release(stream);
  sally_tls_config_release(tls);
  return status;
}

int main(int argc, char** argv) {
  struct options options = {0};
  const char *host = NULL, *port = NULL;
  if (!parse(argc, argv, &options) || !split_endpoint(options.connect, &host, &port))
    return usage(argv[0]);

  sally_error* error = NULL;
  if (run(&options, host, port, &error) == SALLY_OK) return 0;
  fprintf(stderr, "error: %s: %s\n", sally_status_name(sally_error_status(error)),
          sally_error_message(error));
  if (*sally_error_hint(error) != '\0') fprintf(stderr, "hint: %s\n", sally_error_hint(error));
  if (options.json) fprintf(stderr, "%s\n", sally_error_json(error));
  sally_error_release(error);
  return 1;
}
