#include "cli/cf_remote.h"

#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_evm_ledger.h"
#include "cli/cf_web.h"
#include "ledger/cf_blocks.h"

/* The ledger answers for its newest block and the gateway proves one that was the newest when it looked: each try asks both, and
   what the ledger said in earlier tries is kept, so that a proof which comes later still finds its block. */
enum { TRIES = 31, STEP_MS = 100, ASK_MS = 3000 };

typedef struct {
  uint64_t  number;
  cf_span_t header, proof;
} seen_t;

typedef struct {
  char const *gateway, *ledger;
  char       *state; /* path */
  seen_t      seen[TRIES];
  size_t      seen_cnt;
  cf_span_t   finality; /* newest; empty: none yet */
  char const *why;      /* it failed */
} live_t;

static bool failed(live_t *l, char const *url, char const *path, char const *why) {
  l->why = cf_fmt("%s%.*s: %s", url, (int)strcspn(path, "?"), path, why);
  return false;
}

/* Asks quietly: a failure here is told together with what holds.  404 leaves *out empty. */
static bool get(cf_span_t *out, live_t *l, char const *url, char const *path) {
  size_t      n = strlen(url);
  char       *full = cf_fmt("%.*s%s", (int)(n && url[n - 1] == '/' ? n - 1 : n), url, path);
  cf_error_t  err = {0};
  cf_done_t  *d = NULL;
  cf_status_t st = cf_http_get(&d, full, ASK_MS, &err);
  *out = CF_SPAN(NULL, 0);
  if (st) return failed(l, url, path, d && d->why ? d->why : err.text);
  if (d->code == 404) return true;
  if (d->code != 200) return failed(l, url, path, cf_fmt("status %u", d->code));
  *out = d->body; /* the entry is the process's */
  return true;
}

static bool find_ledger(live_t *l) {
  cf_span_t body;
  cf_json_t domain;
  char      url[256];
  if (!get(&body, l, l->gateway, "/v1/domain")) return false;
  if (cf_json_parse(&domain, body, NULL) || cf_json_str(url, sizeof url, cf_json_get(cf_json_get(domain, "ledger"), "url")))
    return failed(l, l->gateway, "/v1/domain", "not what this server's protocol says");
  if (!url[0]) return failed(l, l->gateway, "/v1/domain", "names no ledger that can be asked");
  l->ledger = cf_fmt("%s", url);
  return true;
}

static bool read_hex(cf_span_t *out, cf_json_t v) {
  if (v.type != CF_JSON_STRING) return false;
  size_t  n = (v.text.len - 2) / 2;
  cf_wr_t wr = cf_room(n + 1);
  *out = CF_SPAN(wr.buf, n);
  return !cf_json_hex(wr.buf, n, v);
}

static bool see(live_t *l) {
  cf_span_t         body;
  cf_json_t         root;
  cf_block_header_t header;
  seen_t           *s = &l->seen[l->seen_cnt];
  if (!get(&body, l, l->ledger, l->state)) return false;
  if (cf_json_parse(&root, body, NULL) || !read_hex(&s->header, cf_json_get(root, "header")) ||
      !read_hex(&s->proof, cf_json_get(root, "proof")) || cf_block_header_decode(&header, s->header))
    return failed(l, l->ledger, "/ledger/state", "not what this server's protocol says");
  s->number = header.number;
  l->seen_cnt++;
  return true;
}

/* Both speak of one block. */
static seen_t const *meeting(live_t const *l) {
  cf_finality_proof_t proof;
  if (cf_finality_proof_decode(&proof, l->finality, NULL)) return NULL;
  for (size_t i = l->seen_cnt; i; i--)
    if (l->seen[i - 1].number == proof.number) return &l->seen[i - 1];
  return NULL;
}

static seen_t const *look(live_t *l) {
  while (l->seen_cnt < TRIES) {
    if (!see(l) || !get(&l->finality, l, l->gateway, "/v1/finality")) return NULL;
    seen_t const *s = meeting(l);
    if (s) return s;
    cf_web_sleep(STEP_MS);
  }
  (void)failed(l, l->gateway, "/v1/finality", "no proof of a block that the ledger answers for");
  return NULL;
}

/* On a chain the proof comes first: a node is asked for that block, and for the slots in it. */
static seen_t const *look_evm(live_t *l, cf_attested_t const *a) {
  cf_finality_proof_t   proof;
  cf_evm_ledger_t       evm = {.id = a->trust.ledger};
  cf_folder_evm_t const node = {.nodes = 1, .node = {l->ledger}, .quorum = 1};
  cf_hash_t             keys[CF_LIVE_KEYS], values[CF_LIVE_KEYS];
  cf_wr_t               header = cf_room(CF_EVM_HEADER_MAX), state = cf_room(CF_EVM_PROOF_ROOM);
  cf_live_keys(keys, a);
  l->why = cf_fmt("%s: it does not answer, or what it says of the ledger does not hold", l->ledger);
  for (unsigned tries = 0;; tries++) {
    if (!get(&l->finality, l, l->gateway, "/v1/finality")) return NULL;
    if (!cf_finality_proof_decode(&proof, l->finality, NULL)) break;
    if (tries == TRIES) return failed(l, l->gateway, "/v1/finality", "no proof of a block"), NULL;
    cf_web_sleep(STEP_MS);
  }
  cf_evm_at_t const at = {.tag = CF_EVM_NUMBER, .number = proof.number};
  if (cf_nodes_open_quiet(&evm.nodes, "attest", &node, evm.id.chain_id) || cf_nodes_block(&evm.block, &evm.nodes, &at) ||
      cf_evm_ledger_prove(&state, values, &evm, keys, CF_LIVE_KEYS))
    return NULL;
  cf_evm_header_write(&header, &evm.block.header);
  l->seen[0] = (seen_t){proof.number, cf_wr_out(&header), cf_wr_out(&state)};
  return &l->seen[0];
}

static char *state_path(cf_attested_t const *a) {
  cf_hash_t keys[CF_LIVE_KEYS];
  cf_live_keys(keys, a);
  char *path = cf_fmt("/ledger/state?keys=%s", cf_hex(CF_SPAN_OF(keys[0].b)));
  for (size_t i = 1; i < CF_LIVE_KEYS; i++) path = cf_fmt("%s,%s", path, cf_hex(CF_SPAN_OF(keys[i].b)));
  return path;
}

int cf_remote_live(cf_remote_t *r, char const *url) {
  cf_attested_t const *a = r->attested;
  cf_council_t const  *v = cf_domain_verifiers(&a->trust);
  live_t               l = {.gateway = url, .state = state_path(a)};
  cf_verdict_t         verdict = {0};
  bool                 evm = cf_ledger_kind(&a->trust.ledger) == CF_LEDGER_EVM;
  seen_t const        *s = !find_ledger(&l) ? NULL : evm ? look_evm(&l, a) : look(&l);
  if (!s)
    return cf_fail(CF_EXIT_WORLD, "attest", "unavailable: ledger", "whether the key is live is not known", "found", l.why,
                   "holds",
                   cf_fmt("the offline half: evidence, %llu-of-%zu verifiers, their place in the log; until %s",
                          (unsigned long long)v->k, v->members_cnt, cf_time(a->until_s)),
                   "next", "ask again when the ledger answers; nothing was kept of the bundle", NULL);
  r->final_block = s->number;
  cf_ledger_shown_t const shown = {.header = s->header, .finality = l.finality, .proof = s->proof};
  return cf_live_check(a, &shown, cf_wall_s(), &verdict) ? cf_remote_refused(&verdict) : 0;
}
