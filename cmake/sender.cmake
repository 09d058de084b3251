# The sender against a model of a chain (tests/sender).
if(TARGET cf_gateway AND NOT CF_FUZZ)
  add_executable(sender-sim EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/sender/sim.c ${CMAKE_SOURCE_DIR}/tests/sender/model.c)
  target_include_directories(sender-sim PRIVATE ${CMAKE_SOURCE_DIR}/tests/sender)
  target_link_libraries(sender-sim PRIVATE cf_gateway)
  target_compile_options(sender-sim PRIVATE -Wno-conversion -Wno-cast-qual)
  set_target_properties(sender-sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT CF_SANITIZE)
    add_dependencies(tests sender-sim)  # tests/e2e/sender.sh
  endif()
endif()

# The same against a real node (tests/e2e/evm-node.sh).
if(TARGET cf_io AND TARGET cf_gateway AND NOT CF_FUZZ)
  add_executable(sender-anvil EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/sender/anvil.c)
  target_link_libraries(sender-anvil PRIVATE cf_io cf_gateway sqlite3 pthread)
  target_compile_options(sender-anvil PRIVATE -Wno-conversion -Wno-cast-qual)
  set_target_properties(sender-anvil PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT CF_SANITIZE)
    add_dependencies(tests sender-anvil)
  endif()
endif()
