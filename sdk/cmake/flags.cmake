# sallyport_flags: how everything of ours is compiled and linked; private to our targets.
# sallyport_library_link: what is said only when the shared library itself is linked.

include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)
include(CheckLinkerFlag)

add_library(sallyport_flags INTERFACE)
add_library(sallyport_library_link INTERFACE)

function(sallyport_compile_flag flag)
  string(MAKE_C_IDENTIFIER "SALLYPORT_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(sallyport_flags INTERFACE ${flag})
  endif()
endfunction()

function(sallyport_link_flag target flag)
  string(MAKE_C_IDENTIFIER "SALLYPORT_LINKS_${flag}" known)
  check_linker_flag(CXX "LINKER:${flag}" ${known})
  if(${known})
    target_link_options(${target} INTERFACE "LINKER:${flag}")
  endif()
endfunction()

# Warnings.
target_compile_options(
  sallyport_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                            $<$<BOOL:${SALLYPORT_WERROR}>:-Werror>)

# Hardening.
set(instrumented OFF)
if(SALLYPORT_SANITIZE OR SALLYPORT_FUZZ)
  set(instrumented ON)
endif()
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  sallyport_compile_flag(${flag})
endforeach()
target_compile_definitions(sallyport_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
if(NOT instrumented)
  # A level that compiler or C library lack only draws a warning, hence the look at what is in force.
  set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_cxx_source_compiles(
    "#include <features.h>
     static_assert(__USE_FORTIFY_LEVEL == 3);
     int main() {}"
    SALLYPORT_HAS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  set(fortify 2)
  if(SALLYPORT_HAS_FORTIFY_3)
    set(fortify 3)
  endif()
  # It works on optimised code only, and warns elsewhere.
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  target_compile_options(
    sallyport_flags INTERFACE $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=${fortify}>)
endif()
foreach(flag -z,relro -z,now -z,noexecstack --as-needed)
  sallyport_link_flag(sallyport_flags ${flag})
endforeach()
sallyport_link_flag(sallyport_library_link -z,nodelete)
if(SALLYPORT_PRIVATE_OPENSSL)
  # The version script hides them too, where a linker has version scripts. No check_linker_flag: without it there is no
  # private OpenSSL.
  target_link_options(sallyport_library_link INTERFACE LINKER:--exclude-libs,ALL LINKER:--gc-sections)
endif()
if(NOT (instrumented AND CMAKE_CXX_COMPILER_ID MATCHES "Clang"))
  # Clang leaves a shared library's sanitizer symbols to the program.
  sallyport_link_flag(sallyport_library_link --no-undefined)
endif()

# Sanitizers.
if(SALLYPORT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "SALLYPORT_FUZZ needs clang (CC=clang-14 CXX=clang++-14)")
  endif()
  set(sanitizers fuzzer-no-link,address,undefined)
elseif(SALLYPORT_SANITIZE)
  set(sanitizers ${SALLYPORT_SANITIZE})
endif()
if(instrumented)
  target_compile_options(sallyport_flags INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all
                                                   -fno-omit-frame-pointer)
  target_link_options(sallyport_flags INTERFACE -fsanitize=${sanitizers})
endif()
