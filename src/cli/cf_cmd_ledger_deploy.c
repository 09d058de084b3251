/* ledger deploy: cf_deploy.h, as a command. */
#include <string.h>

#include "base/cf_secret.h"
#include "cli/cf_commands.h"
#include "cli/cf_deploy.h"
#include "cli/cf_key_file.h"
#include "cli/cf_wei.h"

static int say(cf_folder_t const *f, cf_deployed_t const *d) {
  cf_ledger_identity_t const *id = &f->domain->ledger;
  char                       *contract = cf_fmt("0x%s", cf_hex(CF_SPAN_OF(id->contract.b)));
  if (!cf_json_mode()) {
    char *line = cf_fmt("%s  on chain %llu, code %s, from block %llu%s\n", contract, (unsigned long long)id->chain_id,
                        cf_hex_short(CF_SPAN_OF(d->code_hash.b)), (unsigned long long)f->evm.from_block, d->was ? ", as before" : "");
    return cf_emit(CF_SPAN(line, strlen(line)), NULL);
  }
  cf_wr_t wr = cf_room(1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "contract", contract);
  cf_jw_u64(&j, "chain_id", id->chain_id);
  cf_jw_hex(&j, "code_hash", CF_SPAN_OF(d->code_hash.b));
  cf_jw_u64(&j, "from_block", f->evm.from_block);
  cf_jw_str(&j, "sender", cf_fmt("0x%s", cf_hex(CF_SPAN_OF(d->sender.b))));
  cf_jw_bool(&j, "was", d->was);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

int cf_cmd_ledger_deploy(cf_args_t const *a) {
  cf_folder_t   f;
  cf_deployer_t by = {0};
  cf_deployed_t is;
  uint8_t      *scalar = NULL;
  char const   *fund = cf_arg(a, "fund");
  if (fund && !cf_wei_parse(&by.fund_wei, fund)) return cf_fail_usage(a->command, "an amount like 0.5eth, 20gwei or 7wei", fund);
  int code = cf_arg_u64(&by.wait_s, a, "wait", 1, 86400);
  if (!code) code = cf_folder_open(&f, cf_dir(a));
  if (code) return code;
  if (!f.evm.nodes) return cf_fail(CF_EXIT_FAILS, "ledger deploy", "policy", f.dir, "found", "its ledger is embedded: nothing to deploy", NULL);
  if (!cf_arg(a, "deployer")) return cf_fail_usage(a->command, "whose contract? the keystore that init was given", "--deployer");
  code = cf_key_file_open(&scalar, &by.addr, a, cf_arg(a, "deployer"), f.domain->genesis.class == 2);
  by.scalar = scalar;
  if (!code) code = cf_deploy(&is, &f, &by);
  cf_secret_free(scalar);
  return code ? code : say(&f, &is);
}
