# The simulator: floors 0 to 5 and nothing above.  libcrypto is seeded only here and in tests (cf_entropy_sim.c).

# What sim/cf_memo.c wraps, for each program that it is linked into.
function(cf_link_memo program)
  foreach(name cf_ed25519_verify cf_p256_verify cf_k256_recover cf_ed25519_sign cf_p256_sign cf_k256_sign cf_ed25519_pub
               cf_k256_addr cf_x509_chain_check)
    target_link_options(${program} PRIVATE -Wl,--wrap=${name})
  endforeach()
endfunction()

file(GLOB sim_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/*.c)
if(TARGET cf_gateway AND TARGET cf_enclave AND TARGET cf_council AND TARGET cf_party AND TARGET cf_audit)
  add_executable(counterfoil-sim EXCLUDE_FROM_ALL ${sim_files} ${CMAKE_SOURCE_DIR}/src/crypto/cf_entropy_sim.c)
  target_include_directories(counterfoil-sim PRIVATE ${CMAKE_SOURCE_DIR}/sim)
  target_link_libraries(counterfoil-sim PRIVATE cf_gateway cf_enclave cf_council cf_party cf_audit)
  cf_link_memo(counterfoil-sim)
  target_link_options(counterfoil-sim PRIVATE -Wl,--wrap=cf_aead_seal)  # sim/cf_nonces.c
  if(NOT CF_SANITIZE)
    add_dependencies(tests counterfoil-sim)  # tests/e2e/sim.sh
  endif()
endif()
