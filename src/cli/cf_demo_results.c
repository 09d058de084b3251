/* Settlements become final; every party reads and checks what the enclave answered. */
#include <stdlib.h>
#include <string.h>

#include "cli/cf_demo.h"
#include "cli/cf_pool.h"
#include "cli/cf_web.h"

enum { SETTLE_MS = 60000, SETTLE_EVM_MS = 600000, STEP_MS = 20, QUIET_MS = 700, QUIET_EVM_MS = 4000, RESULTS_MS = 30000, ASKS = 16 };

/* ---- settlements ---- */

/* Positions of a final settlement: what moved per asset. */
static int count_body(cf_demo_t *d, cf_json_t settlement) {
  char         name[80];
  cf_span_t    body;
  cf_section_t section;
  cf_entry_t   entry;
  if (cf_json_str(name, sizeof name, cf_json_get(settlement, "body"))) return cf_web_malformed("demo", d->url, "/v1/settlements");
  int code = cf_web_get(&body, "demo", d->url, cf_fmt("/archive/%s", name));
  if (code || cf_settlement_body_check(CF_MODE_NET, body, NULL)) return code ? code : cf_web_malformed("demo", d->url, "/archive");
  bool any = false;
  for (cf_rd_t rd = cf_rd_span(body); cf_section_next(&rd, &section);) {
    if (section.kind != CF_SECTION_POSITIONS || section.asset >= d->in.assets_cnt) continue;
    any = true;
    d->settled[section.asset]++;
    while (cf_entry_next(&section, &entry))
      if (entry.amount > 0) d->net[section.asset] += (uint64_t)entry.amount;
  }
  d->windows += any;
  return 0;
}

static void note_settled(cf_demo_t *d, uint64_t first, uint64_t last, uint64_t now_ms) {
  for (size_t i = 0; i < d->item_cnt; i++)
    if (d->item[i].sequence >= first && d->item[i].sequence <= last)
      d->settled_ms[d->settled_cnt++] = now_ms - d->item[i].sent_ms;
}

/* The next settlement, when it is final. */
static int next_final(cf_demo_t *d, bool *final, uint64_t *last) {
  cf_span_t body;
  cf_json_t root;
  bool      found;
  char      state[32] = "";
  uint64_t  first;
  char     *path = cf_fmt("/v1/settlements/%llu", (unsigned long long)(d->settlements + 1));
  *final = false;
  int code = cf_web_ask(&body, &found, "demo", d->url, path, CF_SPAN(NULL, 0));
  if (code || !found) return code;
  if (cf_json_parse(&root, body, NULL) || cf_json_str(state, sizeof state, cf_json_get(root, "state")) ||
      cf_json_u64(&first, cf_json_get(root, "first")) || cf_json_u64(last, cf_json_get(root, "last")))
    return cf_web_malformed("demo", d->url, path);
  *final = !strcmp(state, "final") || !strcmp(state, "abandoned");
  if (!*final) return 0;
  d->settlements++;
  if (strcmp(state, "final")) return 0;
  note_settled(d, first, *last, cf_mono_ms());
  return count_body(d, root);
}

/* Done when everything that has a receipt is covered, and nothing new came for a while: a last window may still close. */
int cf_demo_settled(cf_demo_t *d) {
  uint64_t newest = 0, last = 0, began = cf_mono_ms(), quiet = began;
  int      code = 0;
  for (size_t i = 0; i < d->item_cnt; i++)
    if (d->item[i].sequence > newest) newest = d->item[i].sequence;
  while (!code) {
    bool final;
    code = next_final(d, &final, &last);
    if (code) break;
    uint64_t now = cf_mono_ms(), authorised = 0;
    if (final) {
      quiet = now;
      continue;
    }
    code = cf_demo_status(&authorised, d, "settlements");
    if (last >= newest && authorised == d->settlements && now - quiet >= (d->evm.rpc ? QUIET_EVM_MS : QUIET_MS)) break;
    if (now - began > (d->evm.rpc ? SETTLE_EVM_MS : SETTLE_MS))
      code = cf_fail(CF_EXIT_WORLD, "demo", "timeout", "settlements", "found",
                     cf_fmt("%llu are final", (unsigned long long)d->settlements), NULL);
    cf_web_sleep(STEP_MS);
  }
  return code;
}

/* ---- results ---- */

typedef struct {
  cf_receipt_t *at; /* by sequence */
  uint64_t      max;
} receipts_t;

static void take_entry(void *ctx, cf_span_t entry) {
  receipts_t  *r = ctx;
  cf_receipt_t receipt;
  cf_sign1_t   s;
  if (cf_document_open(&receipt, &s, &cf_receipt_table, entry, NULL)) return;
  if (receipt.sequence > r->max) {
    uint64_t max = receipt.sequence + 256;
    r->at = realloc(r->at, (max + 1) * sizeof *r->at);
    if (!r->at) abort();
    memset(r->at + (r->max ? r->max + 1 : 0), 0, (max - r->max + !r->max) * sizeof *r->at);
    r->max = max;
  }
  r->at[receipt.sequence] = receipt;
}

/* The answer to one input; notices come beside it. */
static void take_answer(cf_demo_t *d, cf_demo_item_t *it, cf_result_t const *r) {
  if (memcmp(r->envelope, it->id.b, 32) || r->class == CF_RESULT_NOTICE) return;
  it->accepted = r->class == CF_RESULT_ACCEPTED;
  it->refused = !it->accepted;
  if (it->row == UINT32_MAX) return;
  if (it->accepted) {
    cf_demo_row_t const *row = &d->in.rows[it->row];
    cf_demo_at(d, row->payer, row->asset)->out += row->amount;
    cf_demo_at(d, row->payee, row->asset)->in += row->amount;
    return;
  }
  d->in.refused = realloc(d->in.refused, (d->in.refused_cnt + 1) * sizeof *d->in.refused);
  if (!d->in.refused) abort();
  d->in.refused[d->in.refused_cnt++] = (cf_demo_refused_t){d->in.rows[it->row].line, cf_result_class_name(r->class)};
}

static int open_results(cf_demo_t *d, cf_demo_item_t *it, cf_span_t body, receipts_t const *receipts) {
  uint8_t          plain[CF_BUCKET_MAX];
  size_t           cnt;
  cf_error_t       err = {0};
  cf_rd_t          rd = cf_rd_span(body);
  cf_demo_party_t *p = &d->party[it->party];
  if (cf_released_begin(&cnt, &rd, &err)) return cf_fail_error("result", &err);
  for (size_t i = 0; i < cnt; i++) {
    cf_released_t r;
    cf_result_t   result;
    if (cf_released_next(&r, &rd, &err)) return cf_fail_error("result", &err);
    if (r.sequence > receipts->max || !receipts->at[r.sequence].sequence)
      continue; /* released after the log was read: a notice */
    if (cf_result_check(&r, &receipts->at[r.sequence], &err) ||
        cf_party_result(&result, plain, &p->state, &p->wallet, &d->ciphers, &r, &receipts->at[r.sequence], &err))
      return cf_fail_error("result", &err);
    if (!it->accepted && !it->refused) take_answer(d, it, &result);
  }
  return 0;
}

static void ask(cf_pool_t *pool, cf_demo_t const *d, size_t i) {
  char *path = cf_fmt("GET /v1/results/%s", cf_hex(CF_SPAN_OF(d->item[i].id.b)));
  cf_pool_ask(pool, i, path, CF_SPAN(NULL, 0));
}

int cf_demo_results(cf_demo_t *d) {
  receipts_t receipts = {0};
  cf_pool_t  pool;
  size_t     next = 0, under_way = 0, open = d->item_cnt;
  uint64_t   began = cf_mono_ms();
  int        code = cf_remote_entries("demo", d->url, take_entry, &receipts);
  if (!code) code = cf_pool_open(&pool, d->url);
  if (code) return code;
  while (!code && open) {
    while (under_way < ASKS && next < d->item_cnt) ask(&pool, d, next++), under_way++;
    cf_done_t *done = cf_pool_wait(&pool);
    size_t     i = done->id;
    bool       late = done->status || done->code == 404 || done->code == 503;
    if (!late && done->code != 200) code = cf_web_malformed("demo", d->url, "/v1/results");
    if (!late && !code) code = open_results(d, &d->item[i], done->body, &receipts);
    cf_done_free(done);
    if (late && cf_mono_ms() - began > RESULTS_MS)
      code = cf_fail(CF_EXIT_WORLD, "demo", "timeout", cf_hex(CF_SPAN_OF(d->item[i].id.b)), "found",
                     "its result was not released", NULL);
    if (late && !code) {
      cf_web_sleep(1);
      ask(&pool, d, i);
      continue;
    }
    under_way--;
    open--;
  }
  for (uint64_t s = 1; s <= receipts.max; s++) d->receipts += receipts.at[s].inputs > 0;
  free(receipts.at);
  cf_pool_close(&pool);
  return code;
}
