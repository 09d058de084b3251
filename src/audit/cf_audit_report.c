/* What was found, as text and as JSON. */
#include <stdarg.h>
#include <stdio.h>

#include "audit/cf_audit_state.h"
#include "audit/cf_since.h"
#include "base/cf_utc.h"

/* ---- text ---- */

static void say(cf_audit_out_t const *out, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(cf_audit_out_t const *out, char const *fmt, ...) {
  char    line[1024];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(line, sizeof line, fmt, ap);
  va_end(ap);
  if (n > (int)sizeof line - 1) n = (int)sizeof line - 1;
  out->write(out->ctx, CF_SPAN(line, (size_t)n));
}

static uint64_t told_faults(cf_audit_t const *a) { return a->n.faults < CF_AUDIT_FAULTS_MAX ? a->n.faults : CF_AUDIT_FAULTS_MAX; }

/* Which receipts hold before the first that does not. */
static void before_and_after(cf_audit_t const *a, cf_audit_fault_t const *f, cf_audit_out_t const *out) {
  uint64_t hold = 0;
  while (hold < a->counting.cnt && cf_audit_counting(a, hold + 1)->judged == CF_JUDGED_HOLDS) hold++;
  if (hold == 0) say(out, "  before    no receipt holds");
  else if (hold == 1) say(out, "  before    receipt 1 holds");
  else say(out, "  before    receipts 1 to %llu hold", (ull_t)hold);
  say(out, a->cut || a->n.not_judged ? "   after   not judged\n" : "   after   judged, see below\n");
}

static uint64_t hit_receipt(cf_audit_t const *a, cf_audit_fault_t const *f) {
  if (f->receipt || f->check != 9 || f->entry == CF_NO_INDEX) return f->receipt;
  for (uint64_t s = 1; s <= a->counting.cnt; s++) {
    if (cf_audit_counting(a, s)->index >= f->entry) return s;
  }
  return 0;
}

static void say_fault(cf_audit_t const *a, cf_audit_fault_t const *f, bool first, cf_audit_out_t const *out) {
  uint64_t receipt = hit_receipt(a, f);
  say(out, "FAIL  ");
  if (f->check) say(out, "check %u (%s)", f->check, cf_audit_check_name(f->check));
  else say(out, "%s", cf_audit_check_name(0));
  if (receipt) say(out, "  receipt %llu", (ull_t)receipt);
  else if (f->entry != CF_NO_INDEX) say(out, "  entry %llu", (ull_t)f->entry);
  say(out, "\n");
  if (f->file[0]) say(out, "  file      public/%s: %s\n", f->file, f->text);
  else say(out, "  found     %s\n", f->text);
  if (first && a->has_genesis) before_and_after(a, f, out);
  if (f->next) say(out, "  next      %s\n", f->next);
}

void cf_audit_line(cf_audit_t const *a, char out[200]) {
  cf_audit_counts_t const *n = &a->n;
  char                     more[64] = "";
  if (n->provisional) snprintf(more, sizeof more, "; %llu not yet witnessed", (ull_t)n->provisional);
  if (a->failed_io) {
    snprintf(out, 200, "UNREAD   the files could not be read; a retry may help");
    return;
  }
  if (n->faults) {
    cf_audit_fault_t const *f = &a->faults[0];
    snprintf(out, 200, "FAIL   %llu faults, the first: check %u, %.100s", (ull_t)n->faults, f->check,
             f->file[0] ? f->file : f->text);
    return;
  }
  if (cf_audit_unasked(a)) {
    snprintf(out, 200, "PART   %d of %d checks on %llu receipts; settlements are not judged: chain %llu was not asked%s", CF_AUDIT_CHECKS - 1,
             CF_AUDIT_CHECKS, (ull_t)(n->hold + n->not_judged), (ull_t)a->domain.ledger.chain_id, more);
    return;
  }
  snprintf(out, 200, "OK   %d of %d checks on %llu receipts; %llu settlements match the ledger%s", CF_AUDIT_CHECKS,
           CF_AUDIT_CHECKS, (ull_t)n->hold, (ull_t)n->executed, more);
}

static cf_result_row_t const *lie_at(cf_audit_t const *a, uint64_t i) { return *(cf_result_row_t *const *)cf_vec_at(&a->lies, i); }

static void say_lies(cf_audit_t const *a, cf_audit_out_t const *out) {
  for (uint64_t i = 0; i < a->lies.cnt && i < 20; i++)
    say(out, "NOTE  verifier %llu: %s\n  next      tell its operator and the governors; k others of the epoch hold\n", (ull_t)lie_at(a, i)->member,
        lie_at(a, i)->lie);
  if (a->lies.cnt > 20) say(out, "and %llu more results like these (--json has all)\n", (ull_t)(a->lies.cnt - 20));
}

static void say_assets(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (!a->blocks.cnt && !a->held_looked) return;
  say(out, "\n asset            deposited         paid out        in lanes     free lanes   settled net    settlements\n");
  for (size_t i = 0; i < a->domain.genesis.assets_cnt; i++) {
    cf_asset_t const     *g = &a->domain.genesis.assets[i];
    cf_asset_row_t const *x = &a->assets[g->id];
    say(out, " %-8.*s %16llu %16llu %15llu %14llu %13llu %14llu\n", (int)g->symbol.len, (char const *)g->symbol.ptr,
        (ull_t)x->deposited, (ull_t)x->paid, (ull_t)x->lanes, (ull_t)x->free_lanes, (ull_t)x->net, (ull_t)x->settlements);
  }
  for (size_t i = 0; a->held_looked && i < a->domain.genesis.assets_cnt; i++) {
    cf_asset_t const     *g = &a->domain.genesis.assets[i];
    cf_asset_row_t const *x = &a->assets[g->id];
    if (x->token.known)
      say(out, " held        %llu %.*s, %s\n", (ull_t)x->held, (int)g->symbol.len, (char const *)g->symbol.ptr,
          x->token.proven ? "proven" : "by the word of a quorum of the nodes: where its token keeps balances is not known");
  }
}

char const *cf_audit_verdict(cf_audit_t const *a, cf_content_row_t const *c) {
  if (c->bad) return "does not hold";
  if (c->abandoned) return "void";
  if (cf_audit_unasked(a)) return "opened, not judged";
  return c->executed ? "settled" : "opened, not final";
}

static void say_settlements(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (a->order_cnt) say(out, "\n settlement  receipts        intent   block   verdict\n");
  for (uint64_t i = 0; i < a->order_cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, a->order[i]);
    char                    range[48], block[24] = "-";
    snprintf(range, sizeof range, "%llu to %llu", (ull_t)c->doc.first, (ull_t)c->doc.last);
    if (c->executed) snprintf(block, sizeof block, "%llu", (ull_t)c->block);
    say(out, " %10llu  %-14s %7llu %7s   %s\n", (ull_t)c->number, range, (ull_t)c->intent, block, cf_audit_verdict(a, c));
  }
}

static void say_ledger(cf_audit_t const *a, cf_audit_out_t const *out) {
  cf_audit_counts_t const *n = &a->n;
  ull_t                    chain = (ull_t)a->domain.ledger.chain_id;
  if (!a->on_chain)
    say(out, " ledger      %llu blocks, %llu calls, %llu registrations, %llu finality proofs\n", (ull_t)n->blocks, (ull_t)n->calls,
        (ull_t)n->registrations, (ull_t)n->proofs);
  else if (cf_audit_unasked(a))
    say(out, " ledger      on chain %llu, which was NOT asked (--ledger evm:URL); %llu finality proofs\n", chain, (ull_t)n->proofs);
  else
    say(out, " ledger      on chain %llu, to final block %llu; %llu registrations, %llu finality proofs of %llu blocks\n", chain,
        (ull_t)a->facts.final.number, (ull_t)n->registrations, (ull_t)n->proofs, (ull_t)n->blocks);
  if (a->n.slots)
    say(out, " contract    %llu slots proven; keys: %llu live, %llu revoked, epochs below %llu fenced\n", (ull_t)n->slots, (ull_t)a->keys_live,
        (ull_t)a->keys_revoked, (ull_t)a->floor_epoch);
  if (cf_audit_unasked(a))
    say(out, " settlements %llu opened: %llu void; whether the others are final is NOT judged\n", (ull_t)n->contents, (ull_t)n->abandoned);
  else say(out, " settlements %llu opened: %llu final, %llu void\n", (ull_t)n->contents, (ull_t)n->executed, (ull_t)n->abandoned);
}

/* What an audit before knew, and was not read again. */
static void say_since(cf_audit_t const *a, cf_audit_out_t const *out) {
  cf_since_saved_t saved;
  uint64_t         time_s;
  char             when[CF_UTC_TEXT] = "?";
  if (!a->options.since || !cf_since_knows(a->options.since, NULL, NULL, &time_s)) return;
  cf_since_saved(&saved, a->options.since);
  if (cf_utc_write(when, (int64_t)time_s)) when[0] = '?';
  if (!saved.files) say(out, " since       the audit of %s; all was read again\n", when);
  else
    say(out, " since       the audit of %s; not read again, but judged: entries below %llu, %llu blocks, in all %llu files, %llu bytes\n",
        when, (ull_t)saved.entries, (ull_t)saved.blocks, (ull_t)saved.files, (ull_t)saved.bytes);
}

void cf_audit_text(cf_audit_t const *a, cf_audit_out_t const *out) {
  cf_audit_counts_t const *n = &a->n;
  char                     line[200], hex[16];
  for (uint64_t i = 0; i < told_faults(a) && i < 20; i++) say_fault(a, &a->faults[i], i == 0, out);
  if (n->faults > 20) say(out, "and %llu more faults (--json has %d)\n", (ull_t)(n->faults - 20), CF_AUDIT_FAULTS_MAX);
  say_lies(a, out);
  if (a->failed_io) say(out, "the files could not be read: nothing is said of them; a retry may help\n");
  if (!a->has_genesis) return;
  if (n->faults || n->lies) say(out, "\n");
  say(out, " domain      %s  %.*s%s\n", cf_short(hex, a->domain.id.b), (int)a->domain.genesis.name.len, (char const *)a->domain.genesis.name.ptr,
      a->options.domain ? "" : "   as its own folder says; --domain compares it with what you know");
  say(out, " log         %llu entries, %llu of them under %llu checkpoints of a quorum\n", (ull_t)n->entries, (ull_t)n->witnessed,
      (ull_t)n->checkpoints);
  say(out, " evidence    %llu certified epochs; %llu of %llu results derived again and equal\n", (ull_t)n->epochs,
      (ull_t)n->results, (ull_t)a->results.cnt);
  say(out, " receipts    %llu counting: %llu hold, %llu not yet witnessed, %llu fail, %llu not judged; %llu skipped\n",
      (ull_t)n->receipts, (ull_t)n->hold, (ull_t)n->provisional, (ull_t)n->fail, (ull_t)n->not_judged, (ull_t)n->skipped);
  say(out, " inputs      %llu, each once\n", (ull_t)n->inputs);
  say_ledger(a, out);
  say(out, " files       %llu read, %llu bytes%s\n", (ull_t)n->files, (ull_t)n->bytes,
      a->listed ? "" : "; the tree cannot be listed, so files that nothing names are not found");
  say_since(a, out);
  say_assets(a, out);
  say_settlements(a, out);
  cf_audit_line(a, line);
  say(out, "\n audit     %s\n", line);
}

/* ---- JSON: one value, in pieces ---- */

typedef struct {
  uint8_t               buf[4096];
  cf_wr_t               wr;
  cf_jw_t               j;
  cf_audit_out_t const *out;
} json_t;

static void flush(json_t *x) {
  x->out->write(x->out->ctx, cf_wr_out(&x->wr));
  x->wr.len = 0;
}

static void json_hash(json_t *x, char const *key, cf_hash_t const *h) { cf_jw_hex(&x->j, key, CF_SPAN_OF(h->b)); }

static void json_fault(cf_audit_t const *a, json_t *x, cf_audit_fault_t const *f) {
  uint64_t receipt = hit_receipt(a, f);
  cf_jw_obj(&x->j, NULL);
  cf_jw_u64(&x->j, "check", f->check);
  cf_jw_str(&x->j, "name", cf_audit_check_name(f->check));
  if (receipt) cf_jw_u64(&x->j, "receipt", receipt);
  if (f->entry != CF_NO_INDEX) cf_jw_u64(&x->j, "entry", f->entry);
  if (f->file[0]) cf_jw_str(&x->j, "file", f->file);
  cf_jw_str(&x->j, "text", f->text);
  if (f->next) cf_jw_str(&x->j, "next", f->next);
  cf_jw_end(&x->j, '}');
  flush(x);
}

static void json_counts(json_t *x, cf_audit_counts_t const *n) {
  struct {
    char const *name;
    uint64_t    value;
  } const rows[] = {
      {"files", n->files},
      {"bytes", n->bytes},
      {"entries", n->entries},
      {"witnessed", n->witnessed},
      {"checkpoints", n->checkpoints},
      {"epochs", n->epochs},
      {"results", n->results},
      {"lies", n->lies},
      {"receipts", n->receipts},
      {"hold", n->hold},
      {"provisional", n->provisional},
      {"fail", n->fail},
      {"not_judged", n->not_judged},
      {"skipped", n->skipped},
      {"inputs", n->inputs},
      {"settlements", n->contents},
      {"settled", n->executed},
      {"void", n->abandoned},
      {"blocks", n->blocks},
      {"calls", n->calls},
      {"registrations", n->registrations},
      {"finality_proofs", n->proofs},
      {"slots", n->slots},
      {"faults", n->faults},
  };
  cf_jw_obj(&x->j, "counts");
  for (size_t i = 0; i < CF_COUNT_OF(rows); i++) cf_jw_u64(&x->j, rows[i].name, rows[i].value);
  cf_jw_end(&x->j, '}');
  flush(x);
}

static void json_lies(cf_audit_t const *a, json_t *x) {
  cf_jw_arr(&x->j, "lies");
  for (uint64_t i = 0; i < a->lies.cnt; i++) {
    cf_jw_obj(&x->j, NULL);
    cf_jw_u64(&x->j, "verifier", lie_at(a, i)->member);
    cf_jw_u64(&x->j, "entry", lie_at(a, i)->index);
    cf_jw_str(&x->j, "text", lie_at(a, i)->lie);
    cf_jw_end(&x->j, '}');
    flush(x);
  }
  cf_jw_end(&x->j, ']');
}

static void json_assets(cf_audit_t const *a, json_t *x) {
  cf_jw_arr(&x->j, "assets");
  for (size_t i = 0; (a->blocks.cnt || a->held_looked) && i < a->domain.genesis.assets_cnt; i++) {
    cf_asset_t const     *g = &a->domain.genesis.assets[i];
    cf_asset_row_t const *r = &a->assets[g->id];
    char                  held[24];
    snprintf(held, sizeof held, "%llu", (ull_t)r->held);
    cf_jw_obj(&x->j, NULL);
    cf_jw_text(&x->j, "symbol", g->symbol);
    cf_jw_dec(&x->j, "deposited", (int64_t)r->deposited);
    cf_jw_dec(&x->j, "paid", (int64_t)r->paid);
    cf_jw_dec(&x->j, "lanes", (int64_t)r->lanes);
    cf_jw_dec(&x->j, "free", (int64_t)r->free_lanes);
    cf_jw_dec(&x->j, "net", (int64_t)r->net);
    cf_jw_u64(&x->j, "settlements", r->settlements);
    if (r->token.known) {
      cf_jw_str(&x->j, "held", held);
      cf_jw_bool(&x->j, "held_proven", r->token.proven);
    }
    cf_jw_end(&x->j, '}');
    flush(x);
  }
  cf_jw_end(&x->j, ']');
}

static void json_settlements(cf_audit_t const *a, json_t *x) {
  cf_jw_arr(&x->j, "settlements");
  for (uint64_t i = 0; i < a->order_cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, a->order[i]);
    cf_audit_custody_t      f;
    cf_jw_obj(&x->j, NULL);
    cf_jw_u64(&x->j, "number", c->number);
    json_hash(x, "digest", &c->digest);
    cf_jw_u64(&x->j, "first", c->doc.first);
    cf_jw_u64(&x->j, "last", c->doc.last);
    cf_jw_u64(&x->j, "intent", c->intent);
    cf_jw_u64(&x->j, "entry", c->index);
    cf_jw_str(&x->j, "verdict", cf_audit_verdict(a, c));
    if (c->executed) cf_jw_u64(&x->j, "block", c->block);
    if (c->abandoned) cf_jw_u64(&x->j, "abandoned_by", c->abandoned);
    if (!cf_audit_settlement(a, c->number, &f)) {
      json_hash(x, "evidence", &f.evidence);
      cf_jw_u64(&x->j, "policy", f.policy);
      cf_jw_u64(&x->j, "checkpoint", f.checkpoint);
    }
    cf_jw_end(&x->j, '}');
    flush(x);
  }
  cf_jw_end(&x->j, ']');
}

/* Of a ledger on a chain: what the report rests on. */
static void json_ledger(cf_audit_t const *a, json_t *x) {
  cf_jw_obj(&x->j, "ledger");
  cf_jw_u64(&x->j, "chain_id", a->domain.ledger.chain_id);
  cf_jw_hex(&x->j, "contract", CF_SPAN_OF(a->domain.ledger.contract.b));
  cf_jw_bool(&x->j, "asked", a->options.chain != NULL);
  if (a->options.chain) {
    cf_jw_u64(&x->j, "block", a->facts.final.number);
    json_hash(x, "hash", &a->facts.final.hash);
  }
  cf_jw_end(&x->j, '}');
  flush(x);
}

static void json_since(cf_audit_t const *a, json_t *x) {
  cf_since_saved_t saved;
  uint64_t         time_s;
  if (!a->options.since || !cf_since_knows(a->options.since, NULL, NULL, &time_s)) return;
  cf_since_saved(&saved, a->options.since);
  cf_jw_obj(&x->j, "since");
  cf_jw_u64(&x->j, "time", time_s);
  cf_jw_u64(&x->j, "entries", saved.entries);
  cf_jw_u64(&x->j, "blocks", saved.blocks);
  cf_jw_u64(&x->j, "files", saved.files);
  cf_jw_u64(&x->j, "bytes", saved.bytes);
  cf_jw_end(&x->j, '}');
  flush(x);
}

void cf_audit_json(cf_audit_t const *a, cf_audit_out_t const *out) {
  json_t x = {.out = out};
  x.wr = cf_wr_init(x.buf, sizeof x.buf);
  x.j = cf_jw_init(&x.wr);
  cf_jw_obj(&x.j, NULL);
  cf_jw_str(&x.j, "verdict", a->failed_io ? "unread" : a->n.faults ? "fail" : cf_audit_unasked(a) ? "part" : "ok");
  if (a->has_genesis) {
    json_hash(&x, "domain", &a->domain.id);
    cf_jw_text(&x.j, "name", a->domain.genesis.name);
    cf_jw_bool(&x.j, "domain_compared", a->options.domain != NULL);
  }
  cf_jw_bool(&x.j, "listed", a->listed);
  cf_jw_bool(&x.j, "fork_proven", a->fork_sz != 0);
  if (a->on_chain) json_ledger(a, &x);
  json_since(a, &x);
  json_counts(&x, &a->n);
  cf_jw_arr(&x.j, "faults");
  flush(&x);
  for (uint64_t i = 0; i < told_faults(a); i++) json_fault(a, &x, &a->faults[i]);
  cf_jw_end(&x.j, ']');
  json_lies(a, &x);
  json_assets(a, &x);
  json_settlements(a, &x);
  cf_jw_end(&x.j, '}');
  flush(&x);
}
