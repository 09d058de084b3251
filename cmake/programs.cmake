# The programs.  Each is one main over the rooms.

# The enclave: one static file, so that its digest covers all of its code.  Sanitizers cannot be linked statically, nor live
# under its system call filter: there it is not built.
if(TARGET cf_enclave AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  add_executable(counterfoil-enclave ${CMAKE_SOURCE_DIR}/src/enclave/cf_enclave_main.c ${CMAKE_SOURCE_DIR}/src/crypto/cf_provider_static.c)
  target_link_libraries(counterfoil-enclave PRIVATE cf_enclave)
  target_link_options(counterfoil-enclave PRIVATE -static -Wl,--gc-sections -Wl,--no-warnings)  # libcrypto's resolver and loader, which nothing calls
endif()

if(TARGET cf_platform AND EXISTS ${CMAKE_SOURCE_DIR}/src/platform/cf_launch_main.c)
  add_executable(counterfoil-launch ${CMAKE_SOURCE_DIR}/src/platform/cf_launch_main.c)
  target_link_libraries(counterfoil-launch PRIVATE cf_platform)
endif()

if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/cf_main.c)
  file(GLOB cli CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/cli/*.c)
  add_executable(counterfoil ${cli})
  foreach(room io party council audit gateway platform)
    if(TARGET cf_${room})
      target_link_libraries(counterfoil PRIVATE cf_${room})
    endif()
  endforeach()
  target_link_libraries(counterfoil PRIVATE sqlite3 pthread)
endif()

# What ends processes for tests/kill: a program of the tests.
if(NOT CF_SANITIZE AND NOT CF_FUZZ)
  add_executable(cf-kill EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/kill/cf_kill.c ${CMAKE_SOURCE_DIR}/tests/kill/disk.c)
  target_link_libraries(cf-kill PRIVATE seccomp)
  set_target_properties(cf-kill PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()

# Random calls with what the ledger says to them, for the contracts to do again (contracts/test): a program of the tests.
if(TARGET cf_ledger AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  add_executable(cf-ledger-ops EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/evm/ledger_ops.c)
  target_link_libraries(cf-ledger-ops PRIVATE cf_ledger cmocka)
  target_compile_options(cf-ledger-ops PRIVATE -Wno-conversion -Wno-cast-qual)
  set_target_properties(cf-ledger-ops PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()

# A log of as many entries as one likes, written fast (tests/log): a program of the tests.
if(TARGET cf_translog AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  add_executable(cf-make-log EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/log/cf_make_log.c)
  target_link_libraries(cf-make-log PRIVATE cf_translog)
  set_target_properties(cf-make-log PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()

# What talks to real nodes for tests/e2e/evm-node.sh and evm-second.sh.
if(TARGET cf_io AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  foreach(program evm-node evm-observer evm-same)
    string(REPLACE - _ file ${program})
    add_executable(cf-${program} EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/evm/${file}.c)
    target_link_libraries(cf-${program} PRIVATE cf_io cmocka)
    target_compile_options(cf-${program} PRIVATE -Wno-conversion -Wno-cast-qual)
    set_target_properties(cf-${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
endif()

# The kernel's interfaces of confidential machines, played (tests/attest): a program of the tests.
if(TARGET cf_evidence AND NOT CF_SANITIZE AND NOT CF_FUZZ)
  add_executable(cf-attest-fake EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/attest/fake_main.c)
  target_link_libraries(cf-attest-fake PRIVATE cf_evidence cmocka fuse3 crypto)
  target_compile_options(cf-attest-fake PRIVATE -Wno-conversion -Wno-cast-qual)
  target_compile_definitions(cf-attest-fake PRIVATE CF_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(cf-attest-fake PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
