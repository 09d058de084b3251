/* ledger resume: the operator's word to a gateway whose sender halted. */
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_folder.h"
#include "cli/cf_web.h"
#include "gateway/cf_sender.h"

int cf_cmd_ledger_resume(cf_args_t const *a) {
  cf_folder_t f;
  char const *halt = a->word[1];
  int         code = cf_folder_open(&f, a->word[0]), h = CF_SENDER_RUNNING + 1;
  if (code) return code;
  if (!f.evm.nodes) return cf_fail_usage(a->command, "this domain's ledger is embedded: it sends no transactions", a->word[0]);
  while (h < CF_SENDER_HALTS && strcmp(halt, cf_sender_halt_name((cf_sender_halt_t)h))) h++;
  if (h == CF_SENDER_HALTS) return cf_fail_usage(a->command, "HALT is what status tells of the sender: finality, vanished, shared, gap or unseen", halt);
  if (h == CF_SENDER_HALT_STORE)
    return cf_fail(CF_EXIT_FAILS, "ledger resume", "refused", halt, "found", "records that contradict each other are not resumed", "next",
                   "let the account come to rest, then move gateway.db away (docs/protocol/sender.md)", NULL);
  cf_json_t root;
  char      is[16] = "", *url = cf_folder_url(&f, f.port);
  code = cf_web_json(&root, "ledger resume", url, "/v1/status");
  if (code) return code;
  if (cf_json_str(is, sizeof is, cf_json_get(cf_json_get(root, "sender"), "halt"))) return cf_web_malformed("ledger resume", url, "/v1/status");
  if (strcmp(is, halt)) /* said too early, it would mend a halt to come */
    return cf_fail(CF_EXIT_FAILS, "ledger resume", "refused", halt, "found", cf_fmt("the sender is %s", *is ? is : "running"), NULL);
  code = cf_save(cf_folder_path(&f, "gateway/resume"), CF_SPAN(halt, strlen(halt)), true);
  if (!code) cf_note("ledger resume: said; the gateway reads it within a second, and its log says what came of it");
  return code;
}
