/* echo(library, zoo) and backend(library) for Node, which exports an OpenSSL of its own. */
#include "echo.h"

#include <dlfcn.h>
#include <node_api.h>
#include <stddef.h>

enum { PATH_SIZE = 4096 };

static size_t texts(napi_env env, napi_callback_info info, char (*values)[PATH_SIZE], size_t most) {
  napi_value arguments[2];
  size_t count = most;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok) return 0;
  for (size_t i = 0; i < count && i < most; ++i)
    if (napi_get_value_string_utf8(env, arguments[i], values[i], PATH_SIZE, NULL) != napi_ok) return i;
  return count;
}

static napi_value echo(napi_env env, napi_callback_info info) {
  char values[2][PATH_SIZE];
  napi_value result = NULL;
  const int bad = texts(env, info, values, 2) != 2 || private_echo(values[0], values[1], RTLD_GLOBAL) != 0;
  napi_get_boolean(env, !bad, &result);
  return result;
}

static napi_value backend(napi_env env, napi_callback_info info) {
  char values[1][PATH_SIZE];
  napi_value result = NULL;
  const char* name = texts(env, info, values, 1) == 1 ? private_backend(values[0]) : NULL;
  napi_create_string_utf8(env, name != NULL ? name : "", NAPI_AUTO_LENGTH, &result);
  return result;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"echo", NULL, echo, NULL, NULL, NULL, napi_enumerable, NULL},
      {"backend", NULL, backend, NULL, NULL, NULL, napi_enumerable, NULL}};
  napi_define_properties(env, exports, 2, functions);
  return exports;
}
