/* Every payer checks the evidence, opens a session with its first input, and then sends the others. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cf_demo.h"
#include "cli/cf_input.h"
#include "cli/cf_pool.h"
#include "cli/cf_submit.h"
#include "cli/cf_web.h"
#include "document/cf_boundary.h"

enum { POST_ITEMS = 64, POSTS = 4, THREADS = 2, TRIES = 400, PAUSE_MS = 25 };

/* ---- sealing ---- */

cf_demo_item_t *cf_demo_item(cf_demo_t *d, uint32_t party, uint32_t row, uint32_t asset, uint64_t amount) {
  if (d->item_cnt == d->item_max) abort(); /* sized by the input */
  cf_demo_item_t *it = &d->item[d->item_cnt++];
  *it = (cf_demo_item_t){.party = party, .row = row, .asset = asset, .amount = amount};
  return it;
}

int cf_demo_seal(cf_demo_t *d, cf_demo_item_t *it, cf_attested_t const *a) {
  uint8_t             input[CF_INPUT_MAX], room[CF_ENVELOPE_MAX];
  cf_demo_party_t    *p = &d->party[it->party];
  cf_wr_t             in = cf_wr_init(input, sizeof input), out = cf_wr_init(room, sizeof room);
  cf_clearing_input_t c = {.kind = CF_CLEARING_WITHDRAWAL, .asset = it->asset, .amount = it->amount};
  cf_error_t          err = {0};
  if (it->row != UINT32_MAX) {
    c.kind = CF_CLEARING_OBLIGATION;
    c.payee = d->party[d->in.rows[it->row].payee].account;
  }
  cf_clearing_input_encode(&in, &c);
  if (cf_party_seal(&p->state, &out, &it->id, &p->wallet, a, &d->ciphers, cf_wr_out(&in), cf_wall_s(), &d->entropy, &err))
    return cf_fail_error("seal", &err);
  uint8_t *bytes = malloc(out.len);
  if (!bytes) abort();
  memcpy(bytes, out.buf, out.len);
  it->envelope = CF_SPAN(bytes, out.len);
  return 0;
}

/* A share of the payers: each judges the evidence by itself before anything of its own is sealed. */
typedef struct {
  cf_demo_t *d;
  size_t     from, to; /* items */
  int        code;
} share_t;

static void *check_and_open(void *arg) {
  share_t        *s = arg;
  cf_demo_t       d = *s->d; /* ciphers of one's own */
  cf_attested_t  *a = calloc(1, sizeof *a);
  cf_verdict_t    verdict = {0};
  cf_hash_t const domain = s->d->folder.domain->id;
  if (!a) abort();
  d.ciphers = cf_ciphers_new(s->d->ciphers.suite);
  for (size_t i = s->from; !s->code && i < s->to; i++) {
    cf_bundle_ask_t const ask = {.domain = &domain, .at_s = cf_wall_s()};
    if (cf_bundle_check(a, s->d->remote.bundle, &ask, &verdict))
      s->code = cf_fail(CF_EXIT_FAILS, "refused", cf_verdict_name(verdict.code), verdict.item, "found", verdict.text, NULL);
    else s->code = cf_demo_seal(&d, &s->d->item[i], a);
  }
  cf_ciphers_free(&d.ciphers);
  free(a);
  return NULL;
}

static int open_sessions(cf_demo_t *d, size_t cnt) {
  pthread_t thread[THREADS];
  share_t   share[THREADS];
  int       code = 0;
  for (size_t t = 0; t < THREADS; t++) {
    share[t] = (share_t){d, cnt * t / THREADS, cnt * (t + 1) / THREADS, 0};
    if (pthread_create(&thread[t], NULL, check_and_open, &share[t])) abort();
  }
  for (size_t t = 0; t < THREADS; t++) {
    pthread_join(thread[t], NULL);
    if (share[t].code) code = share[t].code;
  }
  return code;
}

/* ---- sending ---- */

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

typedef struct {
  size_t   from, cnt;
  uint64_t sent_us;
  unsigned tries;
} post_t;

static void post(cf_demo_t *d, cf_pool_t *pool, post_t *p, uint64_t id) {
  uint8_t *buf = malloc(p->cnt * (4 + CF_ENVELOPE_MAX));
  cf_wr_t  wr = cf_wr_init(buf, p->cnt * (4 + CF_ENVELOPE_MAX));
  if (!buf) abort();
  for (size_t i = 0; i < p->cnt; i++) {
    cf_demo_item_t *it = &d->item[p->from + i];
    cf_wr_u32(&wr, (uint32_t)it->envelope.len);
    cf_wr_span(&wr, it->envelope);
    it->sent_ms = cf_mono_ms();
  }
  p->sent_us = now_us();
  cf_pool_ask(pool, id, "POST /v1/envelopes", cf_wr_out(&wr));
  free(buf);
}

/* What came of each item; false: nothing did, and the post is to be sent again. */
static int taken(cf_demo_t *d, post_t const *p, cf_done_t const *done, bool *again) {
  static cf_submitted_t s[POST_ITEMS];
  *again = done->status || done->code == 503 || done->code == 429;
  if (*again) return p->tries < TRIES ? 0 : cf_fail(CF_EXIT_WORLD, "demo", "unavailable", d->url, NULL);
  if (done->code != 200 || !cf_submit_answer(s, p->cnt, done->body)) return cf_web_malformed("demo", d->url, "/v1/envelopes");
  /* Who has a receipt gets it again.  The opening of a session goes in a post of its own now and then: refused, or still under way. */
  for (size_t i = 0; i < p->cnt; i++)
    *again |= s[i].kind == CF_SUBMIT_REFUSED && (s[i].class == CF_REFUSE_BUSY || s[i].class == CF_REFUSE_SESSION_UNKNOWN);
  if (*again) return p->tries < TRIES ? 0 : cf_fail(CF_EXIT_WORLD, "demo", "busy", d->url, NULL);
  uint64_t us = now_us() - p->sent_us;
  for (size_t i = 0; i < p->cnt; i++) {
    cf_demo_item_t *it = &d->item[p->from + i];
    cf_receipt_t    receipt;
    cf_hash_t       hash;
    cf_error_t      err = {0};
    if (s[i].kind == CF_SUBMIT_REFUSED && s[i].class == CF_REFUSE_REPLAYED && p->tries)
      continue; /* the answer was lost, not the input */
    if (s[i].kind != CF_SUBMIT_RECEIPT)
      return cf_fail(CF_EXIT_FAILS, "demo", "refused",
                     s[i].kind == CF_SUBMIT_REFUSED ? cf_refuse_name((cf_refuse_t)s[i].class) : "promised", NULL);
    if (cf_receipt_check(&receipt, &hash, &s[i].file, &it->id, &d->remote.attested->trust, &d->remote.attested->epoch, &err))
      return cf_fail_error("receipt", &err);
    it->sequence = receipt.sequence;
    d->receipt_us[d->receipt_cnt++] = us;
  }
  return 0;
}

static int send_part(cf_demo_t *d, size_t from, size_t end, bool bar) {
  cf_pool_t pool;
  post_t    posts[POSTS];
  size_t    next = from, done_cnt = from, under_way = 0;
  uint64_t  began = cf_mono_ms();
  int       code = cf_pool_open(&pool, d->url);
  for (size_t i = 0; !code && i < POSTS && next < end; i++, under_way++) {
    posts[i] = (post_t){.from = next, .cnt = end - next < POST_ITEMS ? end - next : POST_ITEMS};
    next += posts[i].cnt;
    post(d, &pool, &posts[i], i);
  }
  while (!code && under_way) {
    cf_done_t *done = cf_pool_wait(&pool);
    post_t    *p = &posts[done->id];
    uint64_t   id = done->id;
    bool       again;
    code = taken(d, p, done, &again);
    cf_done_free(done);
    if (code) break;
    if (again) {
      p->tries++;
      cf_web_sleep(PAUSE_MS);
      post(d, &pool, p, id);
      continue;
    }
    done_cnt += p->cnt;
    under_way--;
    if (bar) cf_demo_bar(done_cnt, d->in.rows_cnt, cf_mono_ms() - began);
    if (next == end) continue;
    *p = (post_t){.from = next, .cnt = end - next < POST_ITEMS ? end - next : POST_ITEMS};
    next += p->cnt;
    under_way++;
    post(d, &pool, p, id);
  }
  cf_pool_close(&pool);
  return code;
}

/* Items from on whose positions are no more than a window holds. */
static size_t window_end(cf_demo_t const *d, size_t from, uint32_t positions_max) {
  uint8_t *marked = calloc(d->in.parties_cnt, d->in.assets_cnt);
  size_t   at = from, cnt = 0;
  if (!marked) abort();
  for (; at < d->item_cnt && d->item[at].row != UINT32_MAX; at++) {
    cf_demo_row_t const *r = &d->in.rows[d->item[at].row];
    uint8_t             *payer = &marked[r->payer * d->in.assets_cnt + r->asset], *payee = &marked[r->payee * d->in.assets_cnt + r->asset];
    if (cnt + !*payer + !*payee > positions_max) break;
    cnt += (size_t)!*payer + !*payee;
    *payer = *payee = 1;
  }
  free(marked);
  return at > from ? at : d->item_cnt; /* withdrawals are few */
}

int cf_demo_send(cf_demo_t *d, size_t from, bool bar) {
  cf_clearing_params_t params;
  int                  code = 0;
  if (!d->evm.rpc) return send_part(d, from, d->item_cnt, bar);
  if (cf_clearing_params_decode(&params, d->folder.domain->policy.workload_params)) abort(); /* of a domain that runs */
  for (size_t end; !code && from < d->item_cnt; from = end) {
    end = window_end(d, from, params.positions_max * 3 / 4); /* the last part's window may still be open */
    code = send_part(d, from, end, bar);
    if (!code && end < d->item_cnt) code = cf_demo_settled(d);
  }
  return code;
}

/* ---- the chapter ---- */

int cf_demo_inputs(cf_demo_t *d) {
  int code = 0;
  for (uint32_t i = 0; i < d->in.rows_cnt; i++) {
    cf_demo_party_t *p = &d->party[d->in.rows[i].payer];
    if (!p->checked) (void)cf_demo_item(d, d->in.rows[i].payer, i, d->in.rows[i].asset, d->in.rows[i].amount);
    p->checked = true;
  }
  size_t payers = d->item_cnt;
  code = open_sessions(d, payers);
  if (!code) code = cf_demo_send(d, 0, false);
  if (!code) cf_demo_line(d, 4, "sealed", "%s payers checked the evidence first, then opened a session", cf_demo_number(payers));
  for (uint32_t i = 0, opened = 0; !code && i < d->in.rows_cnt; i++) {
    if (opened < payers && d->item[opened].row == i) opened++; /* sent already: openings stand in the order of rows */
    else
      code =
          cf_demo_seal(d, cf_demo_item(d, d->in.rows[i].payer, i, d->in.rows[i].asset, d->in.rows[i].amount), d->remote.attested);
  }
  return code ? code : cf_demo_send(d, payers, true);
}
