# Everything comes from Debian 12; docs/contributing.md says why each is here.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(Protobuf REQUIRED)
find_package(RocksDB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_library(JEMALLOC_LIBRARY jemalloc_pic REQUIRED)
find_program(THRIFT_COMPILER thrift REQUIRED)
# The static one: Debian's package of the shared one brings Qt, ICU and GLib into every image.
find_library(THRIFT_STATIC_LIBRARY libthrift.a REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
find_path(UTF8CPP_INCLUDE_DIR utf8.h PATH_SUFFIXES utf8cpp REQUIRED)

# But for Swagger UI, which ./x pins and fetches.
set(SWAGGER_UI_PACKAGE drf_spectacular_sidecar/static/drf_spectacular_sidecar/swagger-ui-dist)
file(GLOB SWAGGER_UI ${CMAKE_SOURCE_DIR}/build/tools/swagger-ui/lib/python3*/site-packages/${SWAGGER_UI_PACKAGE})
if(NOT SWAGGER_UI)
  message(FATAL_ERROR "Swagger UI is not in build/tools/swagger-ui: ./x build fetches it")
endif()
add_library(hiredis INTERFACE)
target_link_libraries(hiredis INTERFACE ${HIREDIS_LIBRARY})

add_library(utf8cpp INTERFACE)
target_include_directories(utf8cpp SYSTEM INTERFACE ${UTF8CPP_INCLUDE_DIR})

# Asio and Beast, compiled once (src/base/asio.cc) and precompiled for whoever includes them.
add_library(asio INTERFACE)
target_link_libraries(asio INTERFACE Boost::headers OpenSSL::SSL Threads::Threads)
target_compile_definitions(asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                           BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW)
# The frames of coroutines then come from operator new, which is jemalloc's short way; aligned_alloc() is its long one.
target_compile_definitions(asio INTERFACE BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
