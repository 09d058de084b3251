#include <stdlib.h>
#include <string.h>

#include "cli/cf_commands.h"
#include "cli/cf_process.h"
#include "io/cf_memory.h"
#include "translog/cf_line.h"
#include "translog/cf_witness.h"

/* The logs that the operator added to the domain's, one vkey a line. */
#define LOGS "logs"
enum { LOGS_SZ = CF_WITNESS_LOGS_MAX * (CF_VKEY_TEXT_MAX + 1) };

/* A state is written ahead with zeros, as much as there is. */
enum { STATE_SZ = 4 * CF_WITNESS_STATE_MAX };

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_witness_step(core, fx, ev); }

static cf_status_t trust_line(cf_witness_t *core, cf_vkey_t *log, cf_span_t line, cf_error_t *err) {
  cf_status_t st = cf_vkey_parse(log, line);
  if (st) return cf_error_set(err, st, LOGS, 0, "not the vkey of a log: %.*s", (int)line.len, (char const *)line.ptr);
  st = cf_witness_trust(core, log);
  if (st == CF_ERR_BOUND) return cf_error_set(err, st, LOGS, 0, "%d logs are the most", CF_WITNESS_LOGS_MAX);
  return st ? cf_error_set(err, st, LOGS, 0, "not the key of a log, or of one that is known already: %s", log->name) : CF_OK;
}

/* *text, to be freed, is the list as it is. */
static cf_status_t trust_added(cf_witness_t *core, cf_span_t *text, cf_files_t const *files, cf_error_t *err) {
  uint8_t    *bytes;
  bool        found;
  cf_status_t st = cf_files_get(&bytes, &text->len, &found, files, CF_SPAN_LIT(LOGS), LOGS_SZ, err);
  text->ptr = bytes;
  for (size_t at = 0; !st && at < text->len;) {
    cf_vkey_t log;
    uint8_t  *lf = memchr(bytes + at, '\n', text->len - at);
    size_t    end = lf ? (size_t)(lf - bytes) : text->len;
    st = trust_line(core, &log, CF_SPAN(bytes + at, end - at), err);
    at = end + 1;
  }
  return st;
}

/* Does the state say anything of the log called name? */
static cf_status_t state_has(bool *has, cf_files_t const *files, char const *name, cf_error_t *err) {
  uint8_t           *state;
  size_t             state_sz;
  cf_witness_notes_t notes;
  cf_span_t          text;
  cf_status_t        st = cf_files_get(&state, &state_sz, has, files, CF_SPAN_LIT(CF_WITNESS_STATE), STATE_SZ, err);
  bool               open = !st && *has && cf_witness_notes_open(&notes, CF_SPAN(state, state_sz));
  for (*has = false; open && !*has && cf_witness_notes_next(&notes, &text);) {
    cf_rd_t rd = cf_rd_span(text);
    *has = cf_span_eq(cf_rd_line(&rd), CF_SPAN(name, strlen(name)));
  }
  free(state);
  return st;
}

/* What was cosigned of a log goes with the folder: only one of which nothing lies here begins without a memory. */
static cf_status_t add(cf_witness_t *core, cf_files_t *files, cf_span_t list, char const *vkey, cf_error_t *err) {
  cf_vkey_t   log;
  char        file[CF_WITNESS_FILE_MAX], text[LOGS_SZ];
  cf_wr_t     wr = cf_wr_init(text, sizeof text);
  uint8_t    *old = NULL;
  size_t      old_sz;
  bool        known = false;
  cf_status_t st = trust_line(core, &log, CF_SPAN(vkey, strlen(vkey)), err);
  if (!st) st = cf_files_lock(files, "lock", err);
  if (st) return st;
  cf_witness_file(file, &log);
  st = cf_files_get(&old, &old_sz, &known, files, CF_SPAN(file, strlen(file)), CF_NOTE_MAX, err);
  free(old);
  if (!st && !known) st = state_has(&known, files, log.name, err);
  if (!st && !known) st = cf_memory_begin(files, file, err);
  cf_wr_span(&wr, list);
  if (list.len && list.ptr[list.len - 1] != '\n') cf_wr_u8(&wr, '\n');
  cf_vkey_format(&wr, &log);
  cf_wr_u8(&wr, '\n');
  return st ? st : cf_files_put(files, CF_SPAN_LIT(LOGS), cf_wr_out(&wr), err);
}

/* The domain's log and those that were added; more is to be added now. */
static int trust(cf_witness_t *core, cf_folder_t const *f, char const *folder, char const *more) {
  cf_files_t  files;
  cf_error_t  err = {0};
  cf_span_t   list = {NULL, 0};
  cf_status_t st = cf_witness_trust(core, &f->domain->witnesses.log);
  if (st) return cf_fail(CF_EXIT_FAILS, "witness", "policy", "log", NULL);
  st = cf_files_open(&files, folder, NULL, &err);
  if (!st) {
    st = trust_added(core, &list, &files, &err);
    if (!st && more) st = add(core, &files, list, more, &err);
    cf_files_close(&files);
  }
  return st ? cf_fail_error("witness", &err) : 0;
}

int cf_cmd_witness(cf_args_t const *a) {
  static char const *memory[CF_WITNESS_LOGS_MAX + 1];
  cf_folder_t        f;
  cf_host_config_t   host;
  uint8_t           *seed;
  size_t             n;
  cf_witness_t      *core = calloc(1, sizeof *core);
  char const        *more = cf_arg(a, "add-log");
  int                code = cf_process_open(&f, &n, a, CF_WITNESSES);
  if (!code) code = cf_key_load(&seed, &f, "witness", n, 1);
  if (code) return code;
  if (!core) abort();
  cf_vkey_t const *self = &f.domain->witnesses.member[n - 1];
  cf_ed25519_pub_t pub;
  cf_ed25519_pub(&pub, seed);
  if (memcmp(pub.b, self->pub.b, 32))
    return cf_fail(CF_EXIT_FAILS, "witness", "auth", "key", "found", "not the one that genesis names", NULL);
  char *folder = cf_folder_path(&f, "roles/witness-%zu", n);
  cf_witness_init(core, self, seed);
  code = trust(core, &f, folder, more);
  if (code || more) return code;
  cf_process_host(&host, &f, "witness", folder, cf_folder_port(&f, CF_ROLE_NAME_WITNESS, n));
  for (size_t i = 0; i < core->log_cnt; i++) memory[i] = core->log[i].file;
  host.lock = "lock";
  host.memory = memory;
  host.file_max = STATE_SZ;
  return cf_host_run(&host, step, core);
}
