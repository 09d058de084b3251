#include "ledger/cf_ledger_proof.h"
#include "party/cf_bundle.h"

cf_status_t cf_ledger_read(cf_hash_t *values, cf_finality_t *f, cf_domain_t const *trust, cf_ledger_shown_t const *shown,
                           cf_hash_t const *keys, size_t n, cf_error_t *err) {
  cf_finality_proof_t proof;
  cf_ledger_block_t   block;
  cf_status_t         st = cf_finality_proof_decode(&proof, shown->finality, err);
  if (!st) st = cf_ledger_block_decode(&block, cf_ledger_kind(&trust->ledger), shown->header, err);
  if (!st) st = cf_finality_proof_verify(f, &proof, &trust->ledger, &trust->observers, err);
  if (st) return st;
  if (f->number != block.number || f->time_s != block.time_s || !cf_hash_eq(&f->block_hash, &block.hash))
    return cf_error_set(err, CF_ERR_AUTH, "ledger.header", 0, "not the block that the observers hold final");
  st = cf_ledger_slots_prove(&trust->ledger, &block.state_root, shown->proof, keys, n, values);
  return st ? cf_error_set(err, st, "ledger.state", 0, "the state proof does not lead to the block's root") : CF_OK;
}

static cf_addr_t settlement_key(cf_attested_t const *a) {
  cf_addr_t key;
  memcpy(key.b, a->epoch.settlement, sizeof key.b);
  return key;
}

void cf_live_keys(cf_hash_t keys[CF_LIVE_KEYS], cf_attested_t const *a) {
  cf_addr_t key = settlement_key(a);
  keys[0] = cf_slot_plain(CF_SLOT_STATUS);
  keys[1] = cf_slot_key(&key);
}

static cf_verdict_code_t judge(cf_attested_t const *a, cf_ledger_status_t const *s, cf_ledger_key_t const *k, uint64_t at_s,
                               cf_verdict_t *v) {
  char const *item = "ledger";
  if (s->dead) return cf_verdict_set(v, CF_VERDICT_POLICY, item, 0, "the ledger was declared dead: only exits run");
  if (s->floor_epoch != a->epoch.boot)
    return cf_verdict_set(v, CF_VERDICT_REVOKED, item, 0,
                          "another instance took over: the ledger's floor is epoch %llu, this one booted at %llu",
                          (unsigned long long)s->floor_epoch, (unsigned long long)a->epoch.boot);
  if (k->state == CF_KEY_REVOKED) return cf_verdict_set(v, CF_VERDICT_REVOKED, item, 0, "the settlement key was revoked");
  if (k->state != CF_KEY_LIVE) return cf_verdict_set(v, CF_VERDICT_POLICY, item, 0, "the settlement key is not registered");
  if (k->epoch != a->epoch.epoch)
    return cf_verdict_set(v, CF_VERDICT_BINDING, item, 0, "the key is registered for another epoch");
  if (k->policy < s->min_key_policy)
    return cf_verdict_set(v, CF_VERDICT_REVOKED, item, 0, "keys registered under policy %u no longer count", (unsigned)k->policy);
  if (at_s + a->trust.policy.clock_skew_s < k->not_before_s)
    return cf_verdict_set(v, CF_VERDICT_NOT_YET_VALID, item, (int64_t)k->not_before_s, "the key's registration has not begun");
  if (at_s > k->not_after_s)
    return cf_verdict_set(v, CF_VERDICT_EXPIRED, item, (int64_t)k->not_after_s, "the key's registration ended");
  return CF_VERDICT_OK;
}

cf_verdict_code_t cf_live_check(cf_attested_t const *a, cf_ledger_shown_t const *shown, uint64_t at_s, cf_verdict_t *v) {
  cf_hash_t     keys[CF_LIVE_KEYS], values[CF_LIVE_KEYS];
  cf_finality_t f;
  cf_error_t    err = {0};
  uint64_t      age = a->trust.policy.attest_max_age_s, skew = a->trust.policy.clock_skew_s;
  *v = (cf_verdict_t){.next = cf_verdict_next(CF_VERDICT_OK)};
  cf_live_keys(keys, a);
  if (cf_ledger_read(values, &f, &a->trust, shown, keys, CF_LIVE_KEYS, &err))
    return cf_verdict_set(v, err.status == CF_ERR_AUTH ? CF_VERDICT_SIGNATURE : CF_VERDICT_MALFORMED, "ledger", 0, "%s: %s",
                          err.item, err.text);
  if (f.time_s > at_s + skew)
    return cf_verdict_set(v, CF_VERDICT_NOT_YET_VALID, "ledger", (int64_t)f.time_s, "a block made after the time of judgement");
  if (at_s > f.time_s + age + skew)
    return cf_verdict_set(v, CF_VERDICT_COLLATERAL_STALE, "ledger", (int64_t)(f.time_s + age),
                          "the final block is older than attest_max_age");
  cf_ledger_status_t status = cf_ledger_status_unpack(&values[0]);
  cf_ledger_key_t    key = cf_ledger_key_unpack(&values[1]);
  return judge(a, &status, &key, at_s, v);
}
