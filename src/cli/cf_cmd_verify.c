/* verify --matrix, verify --policy F --show. */
#include <stdio.h>

#include "cli/cf_commands.h"
#include "cli/cf_evidence_args.h"
#include "cli/cf_show.h"

/* ---- what is checked ---- */

static void print_row(cf_jw_t *j, char const *platform, char const *name, char const *what) {
  if (!cf_json_mode()) {
    printf("%-6s %-18s %s\n", platform, name, what);
    return;
  }
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "platform", platform);
  cf_jw_str(j, "check", name);
  cf_jw_str(j, "what", what);
  cf_jw_end(j, '}');
}

static int print_matrix(void) {
  cf_check_row_t row;
  cf_wr_t        wr = cf_room(65536);
  cf_jw_t        j = cf_json_begin(&wr);
  if (cf_json_mode()) cf_jw_arr(&j, NULL);
  for (size_t i = 0; cf_evidence_matrix(&row, i); i++) print_row(&j, cf_platform_name(row.platform), row.name, row.what);
  for (size_t i = 0; cf_appraise_row(&row.name, &row.what, i); i++) print_row(&j, "policy", row.name, row.what);
  if (!cf_json_mode()) return 0;
  cf_jw_end(&j, ']');
  return cf_json_end(&j, NULL);
}

/* ---- a policy ---- */

static int print_policy(cf_args_t const *a) {
  static cf_appraisal_t policy;
  bool                  given;
  cf_wr_t               wr = cf_room(8 * CF_APPRAISAL_MAX), text = cf_room(32 * CF_APPRAISAL_MAX);
  int                   code = cf_appraisal_arg(&policy, &given, a);
  if (code) return code;
  cf_table_print(&wr, &cf_appraisal_table, &policy);
  if (cf_json_mode()) cf_wr_u8(&wr, '\n');
  else cf_show_pretty(&text, cf_wr_out(&wr));
  return cf_emit(cf_wr_out(cf_json_mode() ? &wr : &text), NULL);
}

int cf_cmd_verify(cf_args_t const *a) {
  if (cf_flag(a, "matrix")) return print_matrix();
  if (cf_flag(a, "show") && cf_flag(a, "policy")) return print_policy(a);
  return cf_fail_usage(a->command, "evidence, receipt, log, fork, bundle, --matrix or --policy F --show", "verify");
}
