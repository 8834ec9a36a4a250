/* options_c.h: the command line of echo_client_c. Nothing here is about Sallyport. */
#ifndef EXAMPLES_OPTIONS_C_H
#define EXAMPLES_OPTIONS_C_H

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/tls_config.h>

enum { MOST = 64 }; /* messages, and application protocols */

struct options {
  char* connect;
  char *cert, *key, *passphrase, *ca, *name; /* NULL where not given */
  const char* alpn[MOST];
  char* messages[MOST];
  size_t alpn_count, message_count;
  int32_t min_version, max_version; /* 0 where not given */
  int64_t timeout_ms;               /* 0: each operation has its default */
  int json;
};

/* Splits "HOST:PORT" in place; IPv6 addresses are "[::1]:4433". */
static int split_endpoint(char* text, const char** host, const char** port) {
  char* colon = strrchr(text, ':');
  if (colon == NULL || colon[1] == '\0') return 0;
  *colon = '\0';
  *host = text;
  *port = colon + 1;
  if (text[0] == '[' && colon - text > 2 && colon[-1] == ']') {
    colon[-1] = '\0';
    *host = text + 1;
    return 1;
  }
  return strchr(text, ':') == NULL; /* "::1:4433" could mean two things */
}

static int usage(const char* program) {
  fprintf(stderr,
          "usage: %s --connect HOST:PORT [--cert FILE] [--key FILE] [--passphrase TEXT]\n"
          "  [--ca FILE] [--name NAME] [--alpn PROTOCOL]... [--min-version 1.2|1.3]\n"
          "  [--max-version 1.2|1.3] [--message TEXT]... [--timeout MS] [--json]\n",
          program);
  return 2;
}

/* Whether `text` is a version, or NULL for the default. */
static int read_version(const char* text, int32_t* version) {
  *version = 0;
  if (text != NULL && strcmp(text, "1.2") == 0) *version = SALLY_TLS_1_2;
  if (text != NULL && strcmp(text, "1.3") == 0) *version = SALLY_TLS_1_3;
  return text == NULL || *version != 0;
}

static int read_timeout(const char* text, int64_t* milliseconds) {
  char* end = NULL;
  if (text == NULL) return 1;
  *milliseconds = strtoll(text, &end, 10);
  return end != text && *end == '\0' && *milliseconds >= 0;
}

/* Whether the command line could be understood. */
static int parse(int argc, char** argv, struct options* options) {
  enum { ALPN = 100, MESSAGE, JSON };
  char *min = NULL, *max = NULL, *timeout = NULL;
  char** const texts[] = {&options->connect, &options->cert, &options->key, &options->passphrase,
                          &options->ca,      &options->name, &min,          &max,
                          &timeout};
  static const struct option known[] = {{"connect", required_argument, NULL, 0},
                                        {"cert", required_argument, NULL, 1},
                                        {"key", required_argument, NULL, 2},
                                        {"passphrase", required_argument, NULL, 3},
                                        {"ca", required_argument, NULL, 4},
                                        {"name", required_argument, NULL, 5},
                                        {"min-version", required_argument, NULL, 6},
                                        {"max-version", required_argument, NULL, 7},
                                        {"timeout", required_argument, NULL, 8},
                                        {"alpn", required_argument, NULL, ALPN},
                                        {"message", required_argument, NULL, MESSAGE},
                                        {"json", no_argument, NULL, JSON},
                                        {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    if (option == '?') return 0;
    if (option == JSON) {
      options->json = 1;
    } else if (option == ALPN) {
      if (options->alpn_count == MOST) return 0;
      options->alpn[options->alpn_count++] = optarg;
    } else if (option == MESSAGE) {
      if (options->message_count == MOST) return 0;
      options->messages[options->message_count++] = optarg;
    } else {
      *texts[option] = optarg;
    }
  }
  const int key_alone = options->key != NULL && options->cert == NULL;
  return options->connect != NULL && !key_alone && optind == argc &&
         read_version(min, &options->min_version) && read_version(max, &options->max_version) &&
         read_timeout(timeout, &options->timeout_ms);
}

#endif /* EXAMPLES_OPTIONS_C_H */
