# An OpenSSL that is the library's own: linked statically, and none of its symbols seen from outside
# (sdk/docs/private-openssl.md). Which one: that of SALLYPORT_OPENSSL_SOURCE, built here by sdk/openssl/build;
# else the static libraries of OPENSSL_ROOT_DIR or of the system.

set(SALLYPORT_OPENSSL_SOURCE "" CACHE STRING "OpenSSL to build: a folder, a tarball, or \"debian\" for its source package")
set(SALLYPORT_OPENSSL_SHA256 "" CACHE STRING "What the tarball of SALLYPORT_OPENSSL_SOURCE must hash to")

if(SALLYPORT_OPENSSL_SOURCE)
  set(built ${PROJECT_BINARY_DIR}/openssl)
  set(arguments --prefix ${built} --source ${SALLYPORT_OPENSSL_SOURCE})
  if(SALLYPORT_OPENSSL_SHA256)
    list(APPEND arguments --sha256 ${SALLYPORT_OPENSSL_SHA256})
  endif()
  # While CMake configures, because everything below wants to know what came of it. A second time does nothing.
  execute_process(COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${PROJECT_SOURCE_DIR}/sdk/openssl/build
                          ${arguments} COMMAND_ERROR_IS_FATAL ANY)
  if(NOT OPENSSL_ROOT_DIR STREQUAL built)
    unset(OPENSSL_INCLUDE_DIR CACHE)
    unset(OPENSSL_SSL_LIBRARY CACHE)
    unset(OPENSSL_CRYPTO_LIBRARY CACHE)
  endif()
  set(OPENSSL_ROOT_DIR ${built} CACHE PATH "Where OpenSSL is" FORCE)
endif()

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3.0 REQUIRED)
foreach(library ${OPENSSL_SSL_LIBRARY} ${OPENSSL_CRYPTO_LIBRARY})
  if(NOT library MATCHES "\\.a$")
    message(FATAL_ERROR "SALLYPORT_PRIVATE_OPENSSL needs static libraries, and this is none: ${library}")
  endif()
  if(SALLYPORT_OPENSSL_SOURCE AND NOT library MATCHES "^${built}/")
    message(FATAL_ERROR "${library} was found before the OpenSSL that was built in ${built}")
  endif()
endforeach()
message(STATUS "A private OpenSSL ${OPENSSL_VERSION}: ${OPENSSL_SSL_LIBRARY}")
