# parley_room(NAME [ROOMS room...] [LIBS lib...] [PRIVATE_LIBS lib...] [ASIO] SOURCES file... [TESTS file...])
#
# One room: a static library that may include only the rooms it names. NAME is its folder below src/, as in http/server:
# the library is parley_http_server then, and its tests, which stand beside the code, become http_server_test. ASIO says
# that its sources see Asio, and so share the precompiled header. tests/structure/includes.py checks every #include.
function(parley_room NAME)
  cmake_parse_arguments(ROOM "ASIO" "" "ROOMS;LIBS;PRIVATE_LIBS;SOURCES;TESTS;TEST_LIBS" ${ARGN})
  string(REPLACE "/" "_" id ${NAME})
  set(target parley_${id})
  list(TRANSFORM ROOM_ROOMS REPLACE "/" "_" OUTPUT_VARIABLE room_targets)
  list(TRANSFORM room_targets PREPEND parley_)
  add_library(${target} STATIC ${ROOM_SOURCES})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/src)
  target_link_libraries(${target} PUBLIC ${room_targets} ${ROOM_LIBS} PRIVATE ${ROOM_PRIVATE_LIBS})
  if(ROOM_ASIO)
    target_link_libraries(${target} PUBLIC asio)
    target_precompile_headers(${target} REUSE_FROM parley_pch)
  endif()

  if(ROOM_TESTS)
    add_executable(${id}_test ${ROOM_TESTS})
    target_link_libraries(${id}_test PRIVATE ${target} ${ROOM_PRIVATE_LIBS} ${ROOM_TEST_LIBS} GTest::gmock GTest::gtest_main)
    if(ROOM_ASIO)
      target_precompile_headers(${id}_test REUSE_FROM parley_pch)
    endif()
    add_test(NAME ${id} COMMAND ${id}_test)
  endif()
endfunction()
