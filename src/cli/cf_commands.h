/* The functions behind the table of cf_main.c: one per command or process. */
#ifndef CF_CLI_COMMANDS_H
#define CF_CLI_COMMANDS_H

#include "cli/cf_cli.h"

int cf_cmd_init(cf_args_t const *a);
int cf_cmd_up(cf_args_t const *a);
int cf_cmd_status(cf_args_t const *a);
int cf_cmd_gateway(cf_args_t const *a);
int cf_cmd_verifier(cf_args_t const *a);
int cf_cmd_verifier_serve(cf_args_t const *a);
int cf_cmd_witness(cf_args_t const *a);
int cf_cmd_observer(cf_args_t const *a);
int cf_cmd_ledger_serve(cf_args_t const *a);
int cf_cmd_ledger_deploy(cf_args_t const *a);
int cf_cmd_ledger_resume(cf_args_t const *a);
int cf_cmd_ledger_show(cf_args_t const *a);

int cf_cmd_wallet_new(cf_args_t const *a);
int cf_cmd_wallet_keystore(cf_args_t const *a);
int cf_cmd_wallet_show(cf_args_t const *a);
int cf_cmd_attest(cf_args_t const *a);
int cf_cmd_seal(cf_args_t const *a);
int cf_cmd_submit(cf_args_t const *a);
int cf_cmd_receipt(cf_args_t const *a);
int cf_cmd_result(cf_args_t const *a);
int cf_cmd_deposit(cf_args_t const *a);
int cf_cmd_withdraw(cf_args_t const *a);
int cf_cmd_exit_request(cf_args_t const *a);
int cf_cmd_exit_finalize(cf_args_t const *a);
int cf_cmd_exit_root(cf_args_t const *a);

int cf_cmd_verify(cf_args_t const *a);
int cf_cmd_verify_evidence(cf_args_t const *a);
int cf_cmd_evidence_make(cf_args_t const *a);
int cf_cmd_collateral_fetch(cf_args_t const *a);
int cf_cmd_collateral_list(cf_args_t const *a);
int cf_cmd_collateral_show(cf_args_t const *a);
int cf_cmd_bundle_make(cf_args_t const *a);
int cf_cmd_bundle_show(cf_args_t const *a);
int cf_cmd_verify_bundle(cf_args_t const *a);
int cf_cmd_verify_receipt(cf_args_t const *a);
int cf_cmd_verify_log(cf_args_t const *a);
int cf_cmd_verify_fork(cf_args_t const *a);
int cf_cmd_audit(cf_args_t const *a);
int cf_cmd_monitor(cf_args_t const *a);
int cf_cmd_show(cf_args_t const *a);
int cf_cmd_schema(cf_args_t const *a);
int cf_cmd_demo(cf_args_t const *a);

#endif
