/* The observer of a ledger on a chain, and its node's answers: bytes, and a mask laid over good answers, all of which the node could
   send.  Whatever it is, the core lives; and what it signs is the block that the good answers are of. */
#include "council/cf_observer.h"
#include "ledger/cf_evm_rpc.h"

#include "../../unit/ledger/evm_json.h"
#include "events.h"

#define NOW_S 1700000000

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_domain_t   domain;
static cf_observer_t o;
static evm_chain_t   chain;
static uint8_t       good[2][32 << 10], answer[32 << 10];
static size_t        good_sz[2];
static bool          is_signed;

static void w_begin(cf_jw_t *j, uint64_t id) {
  cf_jw_obj(j, NULL);
  cf_jw_str(j, "jsonrpc", "2.0");
  cf_jw_u64(j, "id", id);
}

static void make(void) {
  cf_p256_key_t *key = cf_p256_key_from(secret);
  domain_make(&domain, key);
  cf_p256_key_free(key);
  domain.ledger.chain_id = domain.genesis.ledger.chain_id = 31337;
  cf_evm_header_t h;
  cf_hash_t       path;
  uint8_t         nodes[16 << 10];
  cf_wr_t         nw = cf_wr_init(nodes, sizeof nodes);
  chain.contract = domain.ledger.contract;
  memset(chain.code_hash.b, 3, 32);
  evm_put(&chain, cf_slot_account(1), (cf_hash_t){{8}});
  evm_mine(&chain, 100, NOW_S);
  assert(cf_evm_header_decode(&h, NULL, CF_SPAN(chain.header, chain.header_sz), NULL) == CF_OK);

  cf_wr_t wr = cf_wr_init(good[0], sizeof good[0]);
  cf_jw_t j = cf_jw_init(&wr);
  cf_jw_arr(&j, NULL);
  w_begin(&j, 1);
  cf_jw_quantity(&j, "result", 31337);
  cf_jw_end(&j, '}');
  w_begin(&j, 2);
  evm_w_block(&j, "result", &h, &chain.hash);
  cf_jw_end(&j, '}');
  cf_jw_end(&j, ']');
  good_sz[0] = wr.len;

  wr = cf_wr_init(good[1], sizeof good[1]);
  j = cf_jw_init(&wr);
  w_begin(&j, 1);
  cf_jw_obj(&j, "result");
  cf_jw_data(&j, "address", CF_SPAN_OF(chain.contract.b));
  path = cf_keccak256(CF_SPAN_OF(chain.contract.b));
  mpt_prove(&nw, chain.accounts, EVM_ACCOUNTS, &path, 1);
  evm_w_nodes(&j, "accountProof", cf_wr_out(&nw));
  cf_jw_end(&j, '}');
  cf_jw_end(&j, '}');
  good_sz[1] = wr.len;
  assert(!wr.bad);
}

/* One reading for one request, whose log was read: its answers are told one by one. */
static void reading(cf_span_t const *answers, size_t n) {
  static uint8_t scratch[1 << 16];
  cf_observer_config_t const cfg = {.domain = &domain, .ledger = 1, .scalar = secret};
  assert(cf_observer_init(&o, &cfg, NULL) == CF_OK);
  o.ready = true;
  o.follow.phase = CF_FOLLOW_IDLE;
  o.follow.now.deployment = chain.code_hash;
  o.waiting[0] = (cf_observer_waiting_t){.request = 1, .log = CF_OBSERVER_READ};
  o.waiting_cnt = 1;
  is_signed = false;
  uint64_t asked = 99; /* nobody's: it only makes the core go on */
  for (size_t i = 0; i <= n && o.waiting_cnt; i++) {
    cf_effects_t fx = {.scratch = scratch, .scratch_max = sizeof scratch};
    cf_event_t   ev = {.kind = CF_EV_DONE, .id = asked, .code = 200, .now = {1000, (uint64_t)NOW_S * 1000}};
    if (i) ev.body = answers[i - 1];
    cf_observer_step(&o, &fx, &ev);
    for (size_t k = 0; k < fx.cnt; k++) {
      assert(fx.at[k].kind != CF_FX_EXIT);
      if (fx.at[k].kind == CF_FX_ASK) asked = fx.at[k].id;
      if (fx.at[k].kind == CF_FX_PUT) is_signed = true;
    }
  }
  if (is_signed) assert(o.last.number == 100 && cf_hash_eq(&o.last.hash, &chain.hash) && !o.broken);
  cf_observer_fini(&o);
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  cf_span_t all[] = {CF_SPAN(good[0], 0), CF_SPAN(good[1], 0)};
  if (!good_sz[0]) {
    make();
    all[0].len = good_sz[0], all[1].len = good_sz[1];
    reading(all, 2);
    assert(is_signed);
  }
  all[0].len = good_sz[0], all[1].len = good_sz[1];
  reading(&(cf_span_t){data, size}, 1);
  if (size < 4) return 0;
  size_t which = data[0] & 1, at = ((size_t)data[1] << 8 | data[2]) % good_sz[which]; /* u8 which answer, u16 where, then bytes to xor */
  memcpy(answer, good[which], good_sz[which]);
  for (size_t i = 3; i < size && at < good_sz[which]; i++, at++) answer[at] ^= data[i];
  all[which] = CF_SPAN(answer, good_sz[which]);
  reading(all, 2);
  all[1] = CF_SPAN(data, size);
  if (which) reading(all, 2);
  return 0;
}
