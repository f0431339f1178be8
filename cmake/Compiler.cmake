# The compiler, and the flags that every target shares.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # g++ 12 mistreats temporaries of a co_await expression: what it builds crashes.
  message(FATAL_ERROR "Only clang builds Parley: take a preset, or run ./x build")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header carries no timestamp (below), so ccache may reuse what was compiled with it.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
                    -fno-omit-frame-pointer -fstack-protector-strong)
# Libraries and programs alike, so that they can share one precompiled header.
add_compile_options(-fPIE)
add_link_options(-pie)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_compile_options(-Wthread-safety "SHELL:-Xclang -fno-pch-timestamp")
add_link_options(-fuse-ld=lld)
if(PARLEY_SANITIZE)
  # No vptr check: the libraries of the distribution come without the type information that it compares.
  add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=vptr)
  add_link_options(-fsanitize=${PARLEY_SANITIZE})
endif()
if(PARLEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
