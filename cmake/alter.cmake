# Alters a domain's public folder in memory and asks the audit (tests/alter/alter.sh).
if(TARGET cf_audit AND NOT CF_FUZZ)
  add_executable(counterfoil-alter EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/alter/alter.c ${CMAKE_SOURCE_DIR}/sim/cf_memo.c)
  target_link_libraries(counterfoil-alter PRIVATE cf_audit)
  cf_link_memo(counterfoil-alter)
  if(NOT CF_SANITIZE)
    add_dependencies(tests counterfoil-alter)
  endif()
endif()
