#include "cli/cf_folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_secret.h"
#include "base/cf_text.h"
#include "ledger/cf_ledger_proof.h"

char *cf_folder_path(cf_folder_t const *f, char const *fmt, ...) {
  char    name[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(name, sizeof name, fmt, args);
  va_end(args);
  return cf_fmt("%s/%s", f->dir, name);
}

/* ---- settings ---- */

static int malformed(char const *path, char const *item, char const *why) {
  return cf_fail(CF_EXIT_FAILS, "settings", "format", item, "file", path, "found", why, NULL);
}

static char *text_of(cf_json_t v) {
  char buf[512];
  return cf_json_str(buf, sizeof buf, v) ? NULL : cf_fmt("%s", buf);
}

static bool nodes_read(cf_folder_evm_t *e, cf_json_t v) {
  cf_json_t one;
  size_t    at = 0;
  for (e->nodes = 0; cf_json_each(v, &at, NULL, &one); e->nodes++)
    if (e->nodes == CF_EVM_NODES_MAX || !(e->node[e->nodes] = text_of(one))) return false;
  return v.type == CF_JSON_ARRAY;
}

static int evm_read(cf_folder_evm_t *e, char const *path, cf_json_t obj) {
  struct {
    char const *name;
    uint64_t    v;
  } rows[] = {{"quorum", 0}, {"from_block", 0}, {"confirmations", 0}, {"fee_max_gwei", 0}, {"budget_gwei", 0}};
  cf_evm_quorum_t q;
  cf_span_t       key;
  cf_json_t       v;
  if (obj.type != CF_JSON_OBJECT) return malformed(path, "evm", "not an object");
  for (size_t at = 0; cf_json_each(obj, &at, &key, &v);) {
    bool known = cf_span_eq(key, CF_SPAN_LIT("nodes")), ok = known && nodes_read(e, v);
    for (size_t i = 0; !known && i < CF_COUNT_OF(rows); i++)
      if (cf_span_eq(key, CF_SPAN(rows[i].name, strlen(rows[i].name)))) known = true, ok = !cf_json_u64(&rows[i].v, v);
    if (!ok) return malformed(path, cf_fmt("evm.%.*s", (int)key.len, key.ptr), known ? "not a value that it can have" : "no such setting");
  }
  e->quorum = rows[0].v <= CF_EVM_NODES_MAX ? (unsigned)rows[0].v : 0;
  e->from_block = rows[1].v;
  e->confirmations = rows[2].v;
  e->fee_max_gwei = rows[3].v;
  e->budget_gwei = rows[4].v;
  return cf_evm_quorum_init(&q, (unsigned)e->nodes, e->quorum) ? malformed(path, "evm.quorum", "not more than half of 1 to 8 nodes") : 0;
}

static int settings_read(cf_folder_t *f, char const *path, cf_span_t in) {
  cf_json_t  root, v;
  cf_error_t err = {0};
  cf_span_t  key;
  size_t     at = 0;
  if (cf_json_parse(&root, in, &err)) return cf_fail_error("settings", &err);
  while (cf_json_each(root, &at, &key, &v)) {
    uint64_t n = 0;
    bool     ok = true;
    if (cf_span_eq(key, CF_SPAN_LIT("version"))) ok = !cf_json_u64(&n, v) && n == 1;
    else if (cf_span_eq(key, CF_SPAN_LIT("address"))) ok = (f->address = text_of(v)) != NULL;
    else if (cf_span_eq(key, CF_SPAN_LIT("port")))
      ok = !cf_json_u64(&n, v) && n > 0 && n < 65000 && (f->port = (uint16_t)n, true);
    else if (cf_span_eq(key, CF_SPAN_LIT("tpm"))) ok = v.type == CF_JSON_NULL || (f->tpm = text_of(v)) != NULL;
    else if (cf_span_eq(key, CF_SPAN_LIT("evm"))) {
      int code = evm_read(&f->evm, path, v);
      if (code) return code;
    } else return malformed(path, cf_fmt("%.*s", (int)key.len, key.ptr), "no such setting");
    if (!ok) return malformed(path, cf_fmt("%.*s", (int)key.len, key.ptr), "not a value that it can have");
  }
  return f->address && f->port ? 0 : malformed(path, "address, port", "missing");
}

static void evm_write(cf_jw_t *j, cf_folder_evm_t const *e) {
  cf_jw_obj(j, "evm");
  cf_jw_arr(j, "nodes");
  for (size_t i = 0; i < e->nodes; i++) cf_jw_str(j, NULL, e->node[i]);
  cf_jw_end(j, ']');
  cf_jw_u64(j, "quorum", e->quorum);
  cf_jw_u64(j, "from_block", e->from_block);
  cf_jw_u64(j, "confirmations", e->confirmations);
  cf_jw_u64(j, "fee_max_gwei", e->fee_max_gwei);
  cf_jw_u64(j, "budget_gwei", e->budget_gwei);
  cf_jw_end(j, '}');
}

int cf_folder_save(cf_folder_t const *f) {
  cf_wr_t wr = cf_room(8192);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "version", 1);
  cf_jw_str(&j, "address", f->address);
  cf_jw_u64(&j, "port", f->port);
  if (f->tpm) cf_jw_str(&j, "tpm", f->tpm);
  else cf_jw_null(&j, "tpm");
  if (f->evm.nodes) evm_write(&j, &f->evm);
  cf_jw_end(&j, '}');
  cf_wr_u8(&wr, '\n');
  return cf_save(cf_folder_path(f, "domain.json"), cf_wr_out(&wr), true);
}

int cf_folder_open(cf_folder_t *f, char const *dir) {
  cf_span_t  in;
  cf_error_t err = {0};
  *f = (cf_folder_t){.dir = cf_absolute(dir)};
  if (!f->dir) return cf_fail(CF_EXIT_USAGE, "folder", "unreadable", dir, "next", "counterfoil init DIR makes a domain", NULL);
  char *path = cf_folder_path(f, "domain.json");
  int   code = cf_slurp(&in, path, 65536);
  if (!code) code = settings_read(f, path, in);
  if (!code) code = cf_slurp(&f->genesis, cf_folder_path(f, "public/genesis"), CF_ENTRY_MAX);
  if (code) return code;
  f->domain = calloc(1, sizeof *f->domain);
  if (!f->domain) abort();
  if (cf_domain_open(f->domain, f->genesis, NULL, &err)) return cf_fail_error("genesis", &err);
  return (f->domain->genesis.ledger.kind == CF_LEDGER_EVM) == (f->evm.nodes > 0)
             ? 0
             : malformed(path, "evm", "a ledger on a chain has it, an embedded one has not");
}

/* ---- who listens where ---- */

size_t cf_folder_members(cf_folder_t const *f, cf_council_role_t role) {
  return cf_genesis_council(&f->domain->genesis, role)->members_cnt;
}

uint16_t cf_folder_port(cf_folder_t const *f, cf_service_t service, size_t n) {
  size_t at = f->port + 1u;
  if (service == CF_ROLE_NAME_LEDGER) return (uint16_t)at;
  at += n; /* members count from 1 */
  if (service > CF_ROLE_NAME_WITNESS) at += cf_folder_members(f, CF_WITNESSES);
  if (service > CF_ROLE_NAME_VERIFIER) at += cf_folder_members(f, CF_VERIFIERS);
  return (uint16_t)at;
}

char *cf_folder_url(cf_folder_t const *f, uint16_t port) { return cf_fmt("http://%s:%u", f->address, port); }

/* ---- keys ---- */

static char *key_path(cf_folder_t const *f, char const *role, size_t n) {
  return n ? cf_folder_path(f, "keys/%s-%zu.key", role, n) : cf_folder_path(f, "keys/%s.key", role);
}

int cf_key_save(cf_folder_t const *f, char const *role, size_t n, uint8_t const *lines, size_t line_cnt) {
  char   text[2 * 65 + 1];
  size_t len = 0;
  for (size_t i = 0; i < line_cnt; i++) {
    cf_hex_encode(text + len, CF_SPAN(lines + 32 * i, 32));
    len += 64;
    text[len++] = '\n';
  }
  int code = cf_save(key_path(f, role, n), CF_SPAN(text, len), true);
  cf_wipe(text, sizeof text);
  return code;
}

int cf_key_load(uint8_t **lines, cf_folder_t const *f, char const *role, size_t n, size_t line_cnt) {
  cf_span_t in;
  char     *path = key_path(f, role, n);
  int       code = cf_slurp(&in, path, 4096);
  if (code) return code;
  *lines = cf_secret_new(32 * line_cnt);
  bool ok = *lines && in.len == 65 * line_cnt;
  for (size_t i = 0; ok && i < line_cnt; i++)
    ok = in.ptr[65 * i + 64] == '\n' && cf_hex_decode(*lines + 32 * i, 32, CF_SPAN(in.ptr + 65 * i, 64)) == CF_OK;
  free((void *)(uintptr_t)in.ptr);
  return ok ? 0
            : cf_fail(CF_EXIT_FAILS, "key", "format", path, "found", cf_fmt("not %zu lines of 64 hex digits", line_cnt), NULL);
}
