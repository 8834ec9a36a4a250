# Everything comes from the system. Nothing here reaches a program that uses the installed library.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(nlohmann_json 3 REQUIRED)

find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
mark_as_advanced(ASIO_INCLUDE_DIR)
add_library(sallyport_asio INTERFACE)
target_include_directories(sallyport_asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
target_compile_definitions(sallyport_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
target_link_libraries(sallyport_asio INTERFACE Threads::Threads)
if(SALLYPORT_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC warns that TSan does not follow fences. Asio's stand beside mutexes, which it does follow.
  target_compile_options(sallyport_asio INTERFACE -Wno-tsan)
endif()

# The headers only.
add_library(sallyport_p11_kit INTERFACE)
if(SALLYPORT_PKCS11)
  find_path(P11_KIT_INCLUDE_DIR p11-kit/p11-kit.h PATH_SUFFIXES p11-kit-1)
  mark_as_advanced(P11_KIT_INCLUDE_DIR)
  if(P11_KIT_INCLUDE_DIR)
    target_include_directories(sallyport_p11_kit SYSTEM INTERFACE ${P11_KIT_INCLUDE_DIR})
    target_compile_definitions(sallyport_p11_kit INTERFACE SALLYPORT_HAS_PKCS11)
    target_link_libraries(sallyport_p11_kit INTERFACE ${CMAKE_DL_LIBS})
  else()
    message(STATUS "No p11-kit headers: keys in PKCS#11 tokens will not be supported")
  endif()
endif()

if(SALLYPORT_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SALLYPORT_BUILD_EXAMPLES)
  find_package(CLI11 REQUIRED)
endif()
