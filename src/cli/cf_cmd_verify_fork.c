/* verify fork: do two heads of one log contradict each other, and who signed both?  Of a proof, or of two copies of the log. */
#include <string.h>

#include "audit/cf_tiles.h"
#include "cli/cf_commands.h"
#include "cli/cf_tree_reader.h"
#include "cli/cf_vkey_arg.h"
#include "ledger/cf_domain.h"
#include "translog/cf_fork.h"

/* Whose word the caller takes: neither, a log's key, or a domain's genesis, which names witnesses, too. */
typedef struct {
  cf_vkey_t const        *log;
  cf_witness_set_t const *set;
} trust_t;

static int trust_read(trust_t *t, cf_args_t const *a) {
  static cf_vkey_t   key;
  static cf_domain_t domain;
  cf_span_t          entry;
  cf_error_t         err = {0};
  int                code = cf_arg(a, "vkey") ? cf_vkey_arg(&key, "verify fork", a) : 0;
  if (!code && cf_arg(a, "vkey")) t->log = &key;
  if (code || !cf_arg(a, "genesis")) return code;
  code = cf_slurp(&entry, cf_arg(a, "genesis"), CF_ENTRY_MAX);
  if (code) return code;
  if (cf_domain_open(&domain, entry, NULL, &err)) return cf_fail_error("genesis", &err);
  t->set = &domain.witnesses;
  t->log = &domain.witnesses.log;
  return 0;
}

static bool same_key(cf_vkey_t const *x, cf_vkey_t const *y) {
  return x->type == y->type && !strcmp(x->name, y->name) && !memcmp(x->pub.b, y->pub.b, sizeof x->pub.b);
}

static bool is_member(trust_t const *t, cf_vkey_t const *key) {
  for (size_t i = 0; t->set && i < t->set->cnt; i++)
    if (same_key(&t->set->member[i], key)) return true;
  return !t->set;
}

/* ---- saying ---- */

static void json_head(cf_jw_t *j, cf_checkpoint_t const *c) {
  cf_jw_obj(j, NULL);
  cf_jw_u64(j, "size", c->size);
  cf_jw_hex(j, "root", CF_SPAN_OF(c->root.b));
  cf_jw_end(j, '}');
}

static int print_json(cf_fork_t const *f, cf_forked_t const *v, trust_t const *t) {
  cf_wr_t wr = cf_room(16384);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_str(&j, "origin", f->log.name);
  cf_jw_bool(&j, "trusted", t->log != NULL);
  cf_jw_arr(&j, "heads");
  for (size_t i = 0; i < 2; i++) json_head(&j, &v->head[i]);
  cf_jw_end(&j, ']');
  cf_jw_hex(&j, "other", CF_SPAN_OF(f->other.b));
  cf_jw_arr(&j, "witnesses");
  for (size_t i = 0; i < f->witness_cnt; i++) {
    bool first = v->cosig[0][i].have, second = v->cosig[1][i].have;
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "name", f->witness[i].name);
    cf_jw_str(&j, "signed", first && second ? "both" : first ? "first" : "second");
    cf_jw_bool(&j, "lied", first && second);
    if (t->set) cf_jw_bool(&j, "member", is_member(t, &f->witness[i]));
    cf_jw_end(&j, '}');
  }
  cf_jw_end(&j, ']');
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int print_text(cf_fork_t const *f, cf_forked_t const *v, trust_t const *t) {
  unsigned long long m = v->head[0].size, n = v->head[1].size;
  cf_wr_t            wr = cf_room(16384);
  char              *out = cf_fmt("OK   the log is forked: %s\n", f->log.name), *root = cf_hex_short(CF_SPAN_OF(v->head[0].root.b));
  char              *other = cf_hex_short(CF_SPAN_OF(f->other.b));
  cf_wr_bytes(&wr, out, strlen(out));
  out = m == n ? cf_fmt("  heads     of %llu entries, root %s, and of %llu entries, root %s\n", m, root, n, other)
               : cf_fmt("  heads     of %llu entries, root %s, and of %llu, root %s, whose first %llu have root %s\n", m, root, n,
                        cf_hex_short(CF_SPAN_OF(v->head[1].root.b)), m, other);
  cf_wr_bytes(&wr, out, strlen(out));
  out = cf_fmt("  log       signed both   %s\n",
               t->log ? "the key that you named" : "the key in the file: --vkey F or --genesis F names one that you trust");
  cf_wr_bytes(&wr, out, strlen(out));
  for (size_t i = 0; i < f->witness_cnt; i++) {
    bool first = v->cosig[0][i].have, second = v->cosig[1][i].have;
    out = cf_fmt("  witness   %s   %s%s\n", first && second ? "signed both: it lied" : first ? "signed the first alone" : "signed the second alone",
                 f->witness[i].name, is_member(t, &f->witness[i]) ? "" : "   (none of this domain's)");
    cf_wr_bytes(&wr, out, strlen(out));
  }
  out = cf_fmt("  next      rely on neither head; give this file to everyone who relies on the log\n");
  cf_wr_bytes(&wr, out, strlen(out));
  return cf_emit(cf_wr_out(&wr), NULL);
}

/* ---- two copies ---- */

static int read_own(cf_span_t *out, cf_audit_reader_t const *r, char const *where, char const *name, size_t max) {
  cf_span_t bytes;
  cf_wr_t   own;
  switch (r->read(r->ctx, name, max, &bytes)) {
  case CF_READ_OK:
    own = cf_room(bytes.len + 1);
    cf_wr_span(&own, bytes);
    *out = cf_wr_out(&own);
    return 0;
  case CF_READ_ABSENT:
  case CF_READ_LARGE:
    return cf_fail(CF_EXIT_FAILS, "verify fork", "format", cf_fmt("%s/%s", where, name), "found", "no such file of a log", NULL);
  case CF_READ_FAILED:
    break;
  }
  return cf_fail(CF_EXIT_WORLD, "verify fork", "io", cf_fmt("%s/%s", where, name), NULL);
}

/* The copy's head, with the cosignatures that it kept where it has them. */
static int read_head(cf_span_t *note, cf_checkpoint_t *head, cf_audit_reader_t const *r, char const *where, cf_vkey_t const *log) {
  cf_error_t      err = {0};
  cf_checkpoint_t c;
  cf_span_t       kept;
  int             code = read_own(note, r, where, "log/checkpoint", CF_NOTE_MAX);
  if (code) return code;
  if (cf_checkpoint_open(head, NULL, NULL, *note, log, &err)) return cf_fail_error("verify fork", &err);
  char *name = cf_fmt("checkpoints/%020llu", (unsigned long long)head->size);
  if (r->read(r->ctx, name, CF_NOTE_MAX, &kept) == CF_READ_OK && !cf_checkpoint_open(&c, NULL, NULL, kept, log, NULL) &&
      c.size == head->size && cf_hash_eq(&c.root, &head->root))
    return read_own(note, r, where, name, CF_NOTE_MAX);
  return 0;
}

static int make_proof(cf_span_t *out, trust_t *t, cf_args_t const *a) {
  static cf_domain_t domain;
  static cf_tiles_t  tiles;
  cf_audit_reader_t  r[2];
  cf_span_t          genesis, note[2];
  cf_checkpoint_t    head[2];
  cf_error_t         err = {0};
  cf_wr_t            wr = cf_room(CF_FORK_MAX);
  int                code = 0;
  for (size_t i = 0; !code && i < 2; i++) code = cf_tree_reader(&r[i], a->word[i]);
  if (!code && !t->set) code = read_own(&genesis, &r[0], a->word[0], "genesis", CF_ENTRY_MAX);
  if (!code && !t->set && cf_domain_open(&domain, genesis, NULL, &err)) return cf_fail_error("genesis", &err);
  cf_witness_set_t const *set = t->set ? t->set : &domain.witnesses;
  for (size_t i = 0; !code && i < 2; i++) code = read_head(&note[i], &head[i], &r[i], a->word[i], &set->log);
  if (code) return code;
  size_t larger = head[1].size > head[0].size;
  cf_tiles_init(&tiles, &r[larger], head[larger].size);
  cf_tree_reader_t tree = cf_tiles_reader(&tiles);
  if (cf_fork_make(&wr, note[0], note[1], set, &tree, &err)) return cf_fail_error("verify fork", &err);
  *out = cf_wr_out(&wr);
  return cf_arg(a, "o") ? cf_save(cf_arg(a, "o"), *out, false) : 0;
}

int cf_cmd_verify_fork(cf_args_t const *a) {
  static cf_forked_t v;
  static cf_fork_t   f;
  trust_t            trust = {0};
  cf_span_t          text;
  cf_error_t         err = {0};
  int                code = trust_read(&trust, a);
  if (!code) code = a->word_cnt == 2 ? make_proof(&text, &trust, a) : cf_slurp(&text, a->word[0], CF_FORK_MAX);
  if (code) return code;
  if (cf_fork_parse(&f, text, &err) || cf_fork_verify(&v, &f, &err)) return cf_fail_error("verify fork", &err);
  if (trust.log && !same_key(trust.log, &f.log))
    return cf_fail(CF_EXIT_FAILS, "verify fork", "policy", a->word[0], "found", cf_fmt("a proof against another log's key, %s", f.log.name), NULL);
  return cf_json_mode() ? print_json(&f, &v, &trust) : print_text(&f, &v, &trust);
}
