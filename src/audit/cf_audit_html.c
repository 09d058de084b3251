/* The same as one page: nothing in it is fetched from anywhere. */
#include <stdarg.h>
#include <stdio.h>

#include "audit/cf_audit_state.h"
#include "base/cf_text.h"

static void raw(cf_audit_out_t const *out, char const *s) { out->write(out->ctx, CF_SPAN(s, strlen(s))); }

/* Text of unknown origin: file names, names in genesis. */
static void escaped(cf_audit_out_t const *out, cf_span_t s) {
  for (size_t i = 0; i < s.len; i++) {
    switch (s.ptr[i]) {
    case '&':
      raw(out, "&amp;");
      break;
    case '<':
      raw(out, "&lt;");
      break;
    case '>':
      raw(out, "&gt;");
      break;
    case '"':
      raw(out, "&quot;");
      break;
    default:
      out->write(out->ctx, CF_SPAN(s.ptr + i, 1));
      break;
    }
  }
}

static void text(cf_audit_out_t const *out, char const *s) { escaped(out, CF_SPAN(s, strlen(s))); }

static void say(cf_audit_out_t const *out, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Markup with numbers and static words only. */
static void say(cf_audit_out_t const *out, char const *fmt, ...) {
  char    line[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(line, sizeof line, fmt, ap);
  va_end(ap);
  raw(out, line);
}

static char const head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Audit</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\n"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid "
    "#d7dce1}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}.ok{color:#1a6b34}.no{color:#a3201b}.box{border-left:4px "
    "solid;padding:.2rem 1rem;margin:1rem 0}\n"
    "@media(prefers-color-scheme:dark){body{color:#dde3ea;background:#14171b}th,td{border-color:#343a41}.ok{color:#6fd08f}.no{"
    "color:#ff8f86}}\n"
    "</style>\n<body>\n";

static void faults(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (!a->n.faults) return;
  raw(out, "<h2>What does not hold</h2>\n");
  for (uint64_t i = 0; i < a->n.faults && i < CF_AUDIT_FAULTS_MAX; i++) {
    cf_audit_fault_t const *f = &a->faults[i];
    raw(out, "<div class=\"box no\"><b>");
    if (f->check) say(out, "Check %u: ", f->check);
    text(out, cf_audit_check_name(f->check));
    if (f->receipt) say(out, ", receipt %llu", (ull_t)f->receipt);
    if (f->entry != CF_NO_INDEX) say(out, ", entry %llu", (ull_t)f->entry);
    raw(out, "</b><br>");
    if (f->file[0]) {
      raw(out, "<code>public/");
      text(out, f->file);
      raw(out, "</code>: ");
    }
    text(out, f->text);
    if (f->next) {
      raw(out, "<br>Next: ");
      text(out, f->next);
    }
    raw(out, "</div>\n");
  }
}

static void lies(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (a->lies.cnt) raw(out, "<h2>Verifiers who said what does not follow</h2>\n<p>k others of each epoch hold, and nothing rests on these.\n<ul>\n");
  for (uint64_t i = 0; i < a->lies.cnt; i++) {
    cf_result_row_t const *r = *(cf_result_row_t *const *)cf_vec_at(&a->lies, i);
    say(out, "<li>verifier %llu: ", (ull_t)r->member);
    text(out, r->lie);
    raw(out, "\n");
  }
  if (a->lies.cnt) raw(out, "</ul>\n");
}

static void row(cf_audit_out_t const *out, char const *name, uint64_t value) {
  say(out, "<tr><td>%s<td class=\"n\">%llu\n", name, (ull_t)value);
}

static void counts(cf_audit_t const *a, cf_audit_out_t const *out) {
  cf_audit_counts_t const *n = &a->n;
  raw(out, "<h2>What was read</h2>\n<table>\n");
  row(out, "log entries", n->entries);
  row(out, "of them under a witness quorum", n->witnessed);
  row(out, "kept checkpoints", n->checkpoints);
  row(out, "certified epochs", n->epochs);
  row(out, "attestation results derived again, and equal", n->results);
  row(out, "receipts", n->receipts);
  row(out, "that hold in all ten checks", n->hold);
  row(out, "not yet witnessed", n->provisional);
  row(out, "that fail", n->fail);
  row(out, "not judged", n->not_judged);
  row(out, "inputs, each once", n->inputs);
  if (a->on_chain) {
    row(out, "blocks of the chain, that finality proofs name", n->blocks);
  } else {
    row(out, "ledger blocks replayed", n->blocks);
    row(out, "calls in them", n->calls);
  }
  row(out, "finality proofs", n->proofs);
  row(out, "files read", n->files);
  raw(out, "</table>\n");
}

static void assets(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (!a->blocks.cnt && !a->held_looked) return;
  raw(out, "<h2>Assets, in minor units</h2>\n<table>\n<tr><th>asset<th class=\"n\">deposited<th class=\"n\">paid out<th "
           "class=\"n\">in lanes"
           "<th class=\"n\">free lanes<th class=\"n\">settled net<th class=\"n\">settlements\n");
  for (size_t i = 0; i < a->domain.genesis.assets_cnt; i++) {
    cf_asset_t const     *g = &a->domain.genesis.assets[i];
    cf_asset_row_t const *x = &a->assets[g->id];
    raw(out, "<tr><td>");
    escaped(out, g->symbol);
    say(out,
        "<td class=\"n\">%llu<td class=\"n\">%llu<td class=\"n\">%llu<td class=\"n\">%llu<td class=\"n\">%llu<td "
        "class=\"n\">%llu\n",
        (ull_t)x->deposited, (ull_t)x->paid, (ull_t)x->lanes, (ull_t)x->free_lanes, (ull_t)x->net, (ull_t)x->settlements);
  }
  raw(out, "</table>\n");
}

static void settlements(cf_audit_t const *a, cf_audit_out_t const *out) {
  if (!a->order_cnt) return;
  raw(out, "<h2>Settlements, from receipt to block</h2>\n<table>\n<tr><th "
           "class=\"n\">number<th>receipts<th>digest<th>custody<th>verdict\n");
  for (uint64_t i = 0; i < a->order_cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, a->order[i]);
    cf_audit_custody_t      f;
    char                    line[200] = "", hex[16];
    if (!cf_audit_settlement(a, c->number, &f)) cf_audit_custody_line(&f, line);
    say(out, "<tr><td class=\"n\">%llu<td>%llu to %llu<td><code>%s</code><td>", (ull_t)c->number, (ull_t)c->doc.first,
        (ull_t)c->doc.last, cf_short(hex, c->digest.b));
    text(out, line);
    say(out, "<td class=\"%s\">%s\n", c->bad ? "no" : "ok", cf_audit_verdict(a, c));
  }
  raw(out, "</table>\n");
}

void cf_audit_html(cf_audit_t const *a, cf_audit_out_t const *out) {
  char line[200], hex[65];
  bool ok = !a->n.faults && !a->failed_io && !cf_audit_unasked(a);
  cf_audit_line(a, line);
  raw(out, head);
  raw(out, "<h1>Audit of ");
  if (a->has_genesis) escaped(out, a->domain.genesis.name);
  raw(out, "</h1>\n");
  if (a->has_genesis) {
    say(out, "<p>Domain <code>%s</code>%s</p>\n", cf_hex_encode(hex, CF_SPAN_OF(a->domain.id.b)),
        a->options.domain ? ", as was asked for." : ", as its own folder says: compare it with what you know.");
  }
  say(out, "<div class=\"box %s\"><b>", ok ? "ok" : "no");
  text(out, a->failed_io ? "The files could not be read: nothing is said of them." : line);
  raw(out, "</b></div>\n");
  faults(a, out);
  lies(a, out);
  if (a->has_genesis) {
    counts(a, out);
    assets(a, out);
    settlements(a, out);
  }
  raw(out, "</body></html>\n");
}
