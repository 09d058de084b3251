#include "ledger/cf_evm_code.h"

uint8_t const cf_evm_code[CF_EVM_CODE_SZ] = {
#include "ledger/cf_evm_code.inc"
};
