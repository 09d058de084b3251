# Hours of traffic against real processes: the demo's chapters under another main (tests/soak/soak.c).
if(TARGET counterfoil AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  set(soak_files ${cli})
  list(FILTER soak_files EXCLUDE REGEX "cf_main\\.c$")
  add_executable(counterfoil-soak EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/soak/soak.c ${soak_files})
  target_link_libraries(counterfoil-soak PRIVATE cf_io cf_party cf_council cf_audit cf_gateway cf_platform sqlite3 pthread)
  add_dependencies(tests counterfoil-soak)
endif()
