# parley_proto(TARGET file... [IMPORT dir... ]): TARGET, a library of the code that protoc makes of the files, in the
# folder of the caller's build. Beside the code stands FILE.desc, the descriptors with the comments.
function(parley_proto TARGET)
  cmake_parse_arguments(PROTO "" "" "IMPORT" ${ARGN})
  set(code)
  foreach(file ${PROTO_UNPARSED_ARGUMENTS})
    get_filename_component(name ${file} NAME_WE)
    set(base ${CMAKE_CURRENT_BINARY_DIR}/${name})
    list(TRANSFORM PROTO_IMPORT PREPEND -I OUTPUT_VARIABLE imports)
    add_custom_command(
      OUTPUT ${base}.pb.cc ${base}.pb.h ${base}.desc
      COMMAND protobuf::protoc -I${CMAKE_CURRENT_SOURCE_DIR} ${imports} --cpp_out=${CMAKE_CURRENT_BINARY_DIR}
              --include_source_info --descriptor_set_out=${base}.desc ${file}
      DEPENDS ${file}
      COMMENT "Running protoc on ${file}"
      VERBATIM)
    list(APPEND code ${base}.pb.cc ${base}.pb.h ${base}.desc)
  endforeach()
  add_library(${TARGET} STATIC ${code})
  target_compile_options(${TARGET} PRIVATE -w)  # not ours to mend
  target_include_directories(${TARGET} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${TARGET} PUBLIC protobuf::libprotobuf)
endfunction()
