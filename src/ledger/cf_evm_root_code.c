#include "ledger/cf_evm_code.h"

uint8_t const cf_evm_root_code[CF_EVM_ROOT_CODE_SZ] = {
#include "ledger/cf_evm_root_code.inc"
};
