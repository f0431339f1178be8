# parley_embed(TARGET SOURCE [MACRO file]...): compiles SOURCE, one of TARGET's, with each MACRO as its file's path, and
# again when a file changes.
function(parley_embed TARGET SOURCE)
  while(ARGN)
    list(POP_FRONT ARGN macro file)
    set_property(SOURCE ${SOURCE} APPEND PROPERTY COMPILE_DEFINITIONS ${macro}="${file}")
    set_property(SOURCE ${SOURCE} APPEND PROPERTY OBJECT_DEPENDS ${file})
  endwhile()
endfunction()

# The same with each file in gzip; the bytes are the same in every build.
function(parley_embed_gzip TARGET SOURCE)
  while(ARGN)
    list(POP_FRONT ARGN macro file)
    get_filename_component(name ${file} NAME)
    set(packed ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz)
    add_custom_command(OUTPUT ${packed} COMMAND gzip -9 -n -c ${file} > ${packed} DEPENDS ${file} VERBATIM)
    target_sources(${TARGET} PRIVATE ${packed})
    parley_embed(${TARGET} ${SOURCE} ${macro} ${packed})
  endwhile()
endfunction()
