/* verifier serve: a verifier of anybody's evidence as a process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_ear_key.h"
#include "cli/cf_evidence_args.h"
#include "cli/cf_process.h"
#include "council/cf_rats.h"
#include "io/cf_collateral_dir.h"
#include "io/cf_proc.h"
#include "platform/cf_confine.h"

#define LISTEN "127.0.0.1:7480"
enum { SESSION_S = 300, SESSION_S_MAX = 3600, NAME_MAX = 64 };

static void step(void *core, cf_effects_t *fx, cf_event_t const *ev) { cf_rats_step(core, fx, ev); }

/* ---- what is at hand ---- */

typedef struct {
  cf_files_t            dir;
  cf_collateral_taken_t taken; /* of the question before */
} shelf_t;

static cf_status_t take(void *ctx, cf_evidence_item_t *items, size_t *cnt, int64_t at_s, cf_error_t *err) {
  shelf_t *s = ctx;
  cf_collateral_taken_free(&s->taken);
  cf_status_t st = cf_collateral_take(&s->taken, &s->dir, items, *cnt, at_s, err);
  if (st) return st;
  memcpy(items, s->taken.items, s->taken.item_cnt * sizeof *items);
  *cnt = s->taken.item_cnt;
  return CF_OK;
}

static int shelf_open(cf_rats_config_t *cfg, cf_args_t const *a) {
  static shelf_t shelf;
  cf_error_t     err = {0};
  char const    *path = cf_arg(a, "collateral");
  if (!path) return 0;
  if (cf_files_open(&shelf.dir, path, "", &err))
    return cf_fail(CF_EXIT_USAGE, "collateral", "unreadable", path, "found", err.text, NULL);
  cfg->collateral = take;
  cfg->ctx = &shelf;
  return 0;
}

/* Only roots: evidence comes from who asks. */
static int roots_arg(cf_rats_config_t *cfg, cf_args_t const *a) {
  static cf_items_t given;
  for (size_t i = 0; cf_arg_at(a, "with", i); i++) {
    char const *text = cf_arg_at(a, "with", i);
    cf_span_t   bytes, name = CF_SPAN(text, strcspn(text, "="));
    cf_error_t  err = {0};
    if (!text[name.len]) return cf_fail_usage(a->command, "--with is ROOT=F", text);
    int code = cf_slurp(&bytes, text + name.len + 1, CF_ITEMS_DER_MAX);
    if (code) return code;
    if (cf_items_add(&given, name, bytes, &err)) return cf_fail_usage(a->command, err.text, text);
    if (given.cnt) return cf_fail_usage(a->command, "roots alone: trusted_root, root-cloud, root-firmware, root-discrete, root-owner", text);
  }
  cfg->roots = given.roots;
  cfg->root_cnt = given.root_cnt;
  return 0;
}

/* ---- where ---- */

/* ADDRESS:PORT, or [v6]:PORT. */
static int listen_arg(char const **addr, uint16_t *port, cf_args_t const *a) {
  char const *text = cf_arg(a, "listen") ? cf_arg(a, "listen") : LISTEN, *colon = strrchr(text, ':');
  uint64_t    n = 0;
  if (!colon || cf_dec_u64(&n, CF_SPAN(colon + 1, strlen(colon + 1))) || !n || n > UINT16_MAX)
    return cf_fail_usage(a->command, "--listen is ADDRESS:PORT", text);
  bool v6 = text[0] == '[' && colon > text + 2 && colon[-1] == ']';
  *addr = v6 ? cf_fmt("%.*s", (int)(colon - text - 2), text + 1) : cf_fmt("%.*s", (int)(colon - text), text);
  *port = (uint16_t)n;
  return 0;
}

typedef struct {
  char const             *at, *collateral;
  cf_rats_config_t const *cfg;
} said_t;

/* All is open: say where and under which policy, then give up the rest. */
static cf_status_t enter(void *ctx, cf_error_t *err) {
  said_t const *s = ctx;
  cf_wr_t       wr = cf_room(4096);
  cf_jw_t       j = cf_json_begin(&wr);
  cf_confine_t  stays = {.read = {s->collateral}, .read_cnt = s->collateral != NULL, .list = {s->collateral}, .list_cnt = s->collateral != NULL};
  unsigned      layers;
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_str(&j, "url", cf_fmt("http://%s", s->at));
  cf_jw_text(&j, "policy", s->cfg->policy->name);
  cf_ear_key_json(&j, "ear_key", s->cfg->key);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) (void)cf_json_end(&j, NULL);
  else printf("verifier  http://%s/challenge-response/v1/newSession   policy %.*s\n", s->at, (int)s->cfg->policy->name.len,
              (char const *)s->cfg->policy->name.ptr);
  fflush(stdout);
  return cf_confine(&stays, &layers, err);
}

int cf_cmd_verifier_serve(cf_args_t const *a) {
  static cf_appraisal_t policy;
  static cf_rats_t      core;
  cf_p256_key_t        *key = NULL;
  cf_rats_config_t      cfg = {.policy = &policy, .name = cf_arg(a, "name") ? cf_arg(a, "name") : "counterfoil", .entropy = cf_entropy_system()};
  cf_host_config_t      host = {.role = "verifier", .ready_fd = cf_proc_ready_fd(), .log_fd = 2, .enter = enter};
  uint64_t              session_s = SESSION_S;
  bool                  given;
  int                   code = cf_process_begin();
  if (!code && !cf_arg(a, "key")) code = cf_fail_usage(a->command, "which key signs results? --key F", "--key");
  if (!code && (!*cfg.name || strlen(cfg.name) > NAME_MAX)) code = cf_fail_usage(a->command, "--name has 1 to 64 bytes", cfg.name);
  if (!code) code = cf_arg_u64(&session_s, a, "session", 1, SESSION_S_MAX);
  if (!code) code = listen_arg(&host.listen_addr, &host.listen_port, a);
  if (!code) code = cf_appraisal_arg(&policy, &given, a);
  if (!code && !given) cf_appraisal_default(&policy);
  if (!code) code = roots_arg(&cfg, a);
  if (!code) code = shelf_open(&cfg, a);
  if (!code) code = cf_ear_key(&key, cf_arg(a, "key"));
  if (code) return code;
  said_t said = {.at = cf_arg(a, "listen") ? cf_arg(a, "listen") : LISTEN, .collateral = cf_arg(a, "collateral"), .cfg = &cfg};
  cfg.key = key;
  cfg.session_ms = session_s * 1000;
  cf_rats_init(&core, &cfg);
  host.folder = said.collateral ? said.collateral : ".";
  host.enter_ctx = &said;
  host.http = (cf_http_limits_t){.body_max = CF_RATS_BODY_MAX, .deletes = true};
  return cf_host_run(&host, step, &core);
}
