# libcounterfoil: what the rooms below evidence can do, behind include/counterfoil, for programs of others.

if(TARGET cf_library AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  include(GNUInstallDirs)
  set(map ${CMAKE_SOURCE_DIR}/src/library/counterfoil.map)
  file(GLOB library CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/library/*.c)
  add_library(counterfoil-objects OBJECT ${library} ${CMAKE_SOURCE_DIR}/src/crypto/cf_lib_guest.c)
  target_include_directories(counterfoil-objects PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  set(rooms $<TARGET_FILE:cf_evidence> $<TARGET_FILE:cf_translog> $<TARGET_FILE:cf_document> $<TARGET_FILE:cf_codec>
            $<TARGET_FILE:cf_crypto> $<TARGET_FILE:cf_base>)

  # One object, of which the public names alone are seen, for both libraries.
  file(STRINGS ${map} names REGEX "^ +counterfoil_")
  list(TRANSFORM names REPLACE " *(counterfoil_[a-z0-9_]+);" "-u;\\1")
  set(object ${CMAKE_BINARY_DIR}/libcounterfoil.o)
  add_custom_command(
    OUTPUT ${object} ${CMAKE_BINARY_DIR}/libcounterfoil.a
    COMMAND ${CMAKE_LINKER} -r --gc-sections ${names} -o ${object} $<TARGET_OBJECTS:counterfoil-objects> --start-group ${rooms} --end-group
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${object}
    COMMAND ${CMAKE_OBJCOPY} --strip-unneeded ${object}  # also names of what nothing calls any more
    COMMAND ${CMAKE_COMMAND} -E rm -f ${CMAKE_BINARY_DIR}/libcounterfoil.a
    COMMAND ${CMAKE_AR} rcsD ${CMAKE_BINARY_DIR}/libcounterfoil.a ${object}
    DEPENDS counterfoil-objects $<TARGET_OBJECTS:counterfoil-objects> ${rooms} ${map}
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(counterfoil-static DEPENDS ${CMAKE_BINARY_DIR}/libcounterfoil.a)

  add_library(counterfoil-shared SHARED ${object})
  add_dependencies(counterfoil-shared counterfoil-static)
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_target_properties(counterfoil-shared PROPERTIES OUTPUT_NAME counterfoil VERSION 1.0.0 SOVERSION 1 LINKER_LANGUAGE C LINK_DEPENDS ${map})
  target_link_options(counterfoil-shared PRIVATE -Wl,--version-script=${map} -Wl,-z,defs -Wl,--as-needed)
  target_link_libraries(counterfoil-shared PRIVATE crypto)
  add_dependencies(programs counterfoil-shared counterfoil-static)

  # Paths are those of the installation, which may be another place than was configured (make install PREFIX=…).
  install(TARGETS counterfoil-shared)
  install(FILES ${CMAKE_BINARY_DIR}/libcounterfoil.a TYPE LIB)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/counterfoil TYPE INCLUDE)
  configure_file(${CMAKE_SOURCE_DIR}/src/library/libcounterfoil.pc.in ${CMAKE_BINARY_DIR}/libcounterfoil.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/libcounterfoil.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  install(FILES ${CMAKE_SOURCE_DIR}/docs/man/counterfoil.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${CMAKE_SOURCE_DIR}/docs/man/libcounterfoil.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
endif()
