# parley_room(NAME [ROOMS room...] [LIBS lib...] [PRIVATE_LIBS lib...] [ASIO] SOURCES file... [TESTS file...])
#
# One room: a static library parley_NAME that may include only the rooms it names. Its tests, which stand beside the
# code, become the executable NAME_test. ASIO says that its sources see Asio, and so share the precompiled header.
# The declared rooms are written to rooms.txt in the build folder, against which a test checks every #include.
file(WRITE ${CMAKE_BINARY_DIR}/rooms.txt "")

function(parley_room NAME)
  cmake_parse_arguments(ROOM "ASIO" "" "ROOMS;LIBS;PRIVATE_LIBS;SOURCES;TESTS;TEST_LIBS" ${ARGN})
  set(target parley_${NAME})
  list(TRANSFORM ROOM_ROOMS PREPEND parley_ OUTPUT_VARIABLE room_targets)
  add_library(${target} STATIC ${ROOM_SOURCES})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/src)
  target_link_libraries(${target} PUBLIC ${room_targets} ${ROOM_LIBS} PRIVATE ${ROOM_PRIVATE_LIBS})
  if(ROOM_ASIO)
    target_link_libraries(${target} PUBLIC asio)
    target_precompile_headers(${target} REUSE_FROM parley_pch)
  endif()
  list(JOIN ROOM_ROOMS " " rooms)
  file(APPEND ${CMAKE_BINARY_DIR}/rooms.txt "${NAME}: ${rooms}\n")

  if(ROOM_TESTS)
    add_executable(${NAME}_test ${ROOM_TESTS})
    target_link_libraries(${NAME}_test PRIVATE ${target} ${ROOM_PRIVATE_LIBS} ${ROOM_TEST_LIBS} GTest::gmock GTest::gtest_main)
    if(ROOM_ASIO)
      target_precompile_headers(${NAME}_test REUSE_FROM parley_pch)
    endif()
    add_test(NAME ${NAME} COMMAND ${NAME}_test)
  endif()
endfunction()
