/* Councils, their acts, and the rules of genesis that a field table cannot say. */
#include "document/cf_documents.h"

#include "codec/cf_cbor.h"
#include "codec/cf_eip712.h"

uint64_t
cf_council_f_max(uint64_t n, uint64_t k) {
  uint64_t a = 2 * k > n + 1 ? 2 * k - n - 1 : 0, b = k ? (k - 1) / 2 : 0;
  return a < b ? a : b;
}

static bool
is_zero(uint8_t const *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i]) return false;
  return true;
}

/* Which keys a member of that role must have; all others must be zero. */
static bool
keys_fit(uint64_t role, cf_member_t const *m) {
  bool addr = !is_zero(m->addr, sizeof m->addr), es256 = !is_zero(m->es256, sizeof m->es256), ed = !is_zero(m->ed25519, sizeof m->ed25519);
  if (role == CF_WITNESSES) return !addr && !es256 && ed;
  if (role == CF_VERIFIERS) return addr && es256 && !ed;
  return addr && !es256 && !ed;
}

cf_status_t
cf_council_check(cf_council_t const *c, cf_error_t *err) {
  static char const *const names[CF_COUNCILS + 1] = { "council", "governors", "guardians", "verifiers", "witnesses", "observers", "custodians" };
  char const              *name               = names[c->role <= CF_COUNCILS ? c->role : 0];
  uint64_t                 n = c->members_cnt, k = c->k, f = c->f;
  if (c->role < 1 || c->role > CF_COUNCILS || k < 1 || k > n)
    return cf_error_set(err, CF_ERR_POLICY, name, 0, "k = %llu of n = %llu members", (unsigned long long)k, (unsigned long long)n);
  bool quorums_meet = c->role == CF_WITNESSES || c->role == CF_OBSERVERS;
  if (quorums_meet ? 2 * k < n + f + 1 || k < 2 * f + 1 : k < f + 1)
    return cf_error_set(err, CF_ERR_POLICY, name, 0, "%llu of %llu withstands %llu faults at most, not f = %llu", (unsigned long long)k,
                        (unsigned long long)n, (unsigned long long)(quorums_meet ? cf_council_f_max(n, k) : k - 1), (unsigned long long)f);
  for (size_t i = 0; i < c->members_cnt; i++) {
    cf_member_t const *m = &c->members[i];
    if (!keys_fit(c->role, m)) return cf_error_set(err, CF_ERR_POLICY, name, 0, "member %zu lacks a key of its role, or has one of another", i);
    for (size_t j = 0; j < i; j++) {
      cf_member_t const *o = &c->members[j];
      if (cf_span_eq(m->name, o->name) || (!is_zero(m->addr, 20) && !memcmp(m->addr, o->addr, 20)) ||
          (!is_zero(m->es256, 64) && !memcmp(m->es256, o->es256, 64)) || (!is_zero(m->ed25519, 32) && !memcmp(m->ed25519, o->ed25519, 32)))
        return cf_error_set(err, CF_ERR_POLICY, name, 0, "members %zu and %zu share a name or a key", j, i);
    }
  }
  return CF_OK;
}

cf_council_t const *
cf_genesis_council(cf_genesis_t const *g, cf_council_role_t role) {
  for (size_t i = 0; i < g->councils_cnt; i++)
    if (g->councils[i].role == role) return &g->councils[i];
  return NULL;
}

/* ---- acts ---- */

cf_hash_t
cf_council_doc_digest(cf_hash_t const *separator, uint64_t council, uint64_t version, uint64_t number, uint64_t not_after, cf_hash_t const *body) {
  cf_hash_t const words[] = { cf_word_u64(council), cf_word_u64(version), cf_word_u64(number), cf_word_u64(not_after), *body };
  return cf_eip712_digest(separator, "Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)", words,
                          CF_COUNT_OF(words));
}

cf_status_t
cf_council_doc_decode(cf_council_doc_t *out, cf_span_t in, cf_error_t *err) {
  cf_council_doc_t d  = { 0 };
  cf_rd_t          rd = cf_rd_span(in);
  if (cf_cbor_array(&rd) != 2) rd.bad = true;
  d.body = cf_cbor_bstr(&rd);
  if (cf_cbor_array(&rd) != 5) rd.bad = true;
  d.council   = cf_cbor_uint(&rd);
  d.version   = cf_cbor_uint(&rd);
  d.number    = cf_cbor_uint(&rd);
  d.not_after = cf_cbor_uint(&rd);
  d.sigs_cnt  = cf_cbor_array(&rd);
  if (!rd.bad && (d.council > CF_COUNCILS || d.version > UINT32_MAX || d.number >> 48 || d.not_after >> 40 || d.sigs_cnt > CF_MEMBERS_MAX))
    return cf_error_set(err, CF_ERR_BOUND, "council-document", rd.pos, "a number of the act, or of its signatures, is out of bounds");
  for (size_t i = 0; !rd.bad && i < d.sigs_cnt; i++) {
    if (cf_cbor_array(&rd) != 2) rd.bad = true;
    d.member[i] = cf_cbor_uint(&rd);
    cf_cbor_bstr_fixed(&rd, d.sig[i], 64);
  }
  if (!cf_rd_done(&rd)) return cf_error_set(err, CF_ERR_FORMAT, "council-document", rd.pos, "not [body, [council, version, number, not-after, signatures]]");
  *out = d;
  return CF_OK;
}

void
cf_council_doc_encode(cf_wr_t *wr, cf_council_doc_t const *d) {
  cf_cbor_w_array(wr, 2);
  cf_cbor_w_bstr(wr, d->body);
  cf_cbor_w_array(wr, 5);
  cf_cbor_w_uint(wr, d->council);
  cf_cbor_w_uint(wr, d->version);
  cf_cbor_w_uint(wr, d->number);
  cf_cbor_w_uint(wr, d->not_after);
  cf_cbor_w_array(wr, d->sigs_cnt);
  for (size_t i = 0; i < d->sigs_cnt; i++) {
    cf_cbor_w_array(wr, 2);
    cf_cbor_w_uint(wr, d->member[i]);
    cf_cbor_w_bstr(wr, CF_SPAN(d->sig[i], 64));
  }
}

cf_status_t
cf_council_doc_verify(cf_council_doc_t const *d, cf_council_t const *c, cf_hash_t const *separator, uint64_t now_s, cf_error_t *err) {
  if (d->council != c->role || d->version != c->version) return cf_error_set(err, CF_ERR_AUTH, "act.council", 0, "signed for another council");
  if (now_s > d->not_after) return cf_error_set(err, CF_ERR_STALE, "act.not-after", 0, "lapsed at %llu", (unsigned long long)d->not_after);
  cf_hash_t body   = cf_document_hash(CF_SPAN(NULL, 0), d->body);
  cf_hash_t digest = cf_council_doc_digest(separator, d->council, d->version, d->number, d->not_after, &body);
  for (size_t i = 0; i < d->sigs_cnt; i++) {
    cf_addr_t addr;
    if (d->member[i] >= c->members_cnt || (i && d->member[i] <= d->member[i - 1]))
      return cf_error_set(err, CF_ERR_AUTH, "act.signatures", i, "members must be known, distinct and ascending");
    if (cf_k256_recover(&addr, d->sig[i], &digest) || memcmp(addr.b, c->members[d->member[i]].addr, 20))
      return cf_error_set(err, CF_ERR_AUTH, "act.signatures", i, "not by member %llu", (unsigned long long)d->member[i]);
  }
  if (d->sigs_cnt < c->k) return cf_error_set(err, CF_ERR_AUTH, "act.signatures", 0, "%zu of the %llu that are due", d->sigs_cnt, (unsigned long long)c->k);
  return CF_OK;
}

/* ---- genesis ---- */

static cf_status_t
ledger_check(cf_genesis_ledger_t const *l, cf_error_t *err) {
  uint64_t v = l->max_validity_s;
  if (l->kind == 1 && l->chain_id < (1ULL << 40)) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.chain_id", 0, "an embedded ledger's lies above 2^40");
  if (l->kind == 2 && l->chain_id >= (1ULL << 40)) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.chain_id", 0, "no EVM chain's lies above 2^40");
  if (l->overlap_s != v) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.overlap_s", 0, "is not V");
  if (2 * l->key_delay_s >= v) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.key_delay_s", 0, "is not below V / 2");
  if (l->mode != 1) return cf_error_set(err, CF_ERR_UNSUPPORTED, "genesis.ledger.mode", 0, "net (1) is what this version settles");
  if (l->exit_delay_s < l->max_pause_s + 4 * v) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.exit_delay_s", 0, "below max_pause + 4 V");
  if (l->notice_s < l->exit_delay_s + l->max_pause_s) return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.notice_s", 0, "below exit_delay + max_pause");
  if (l->dead_after_s < l->exit_delay_s + 2 * l->max_pause_s + 4 * v)
    return cf_error_set(err, CF_ERR_POLICY, "genesis.ledger.dead_after_s", 0, "below exit_delay + 2 max_pause + 4 V");
  return CF_OK;
}

static cf_status_t
policy_check(cf_genesis_t const *g, cf_policy_t const *p, cf_error_t *err) {
  if (p->version != 1 || !is_zero(p->previous, 32)) return cf_error_set(err, CF_ERR_POLICY, "policy.version", 0, "genesis carries version 1, of no previous");
  for (size_t i = 0; i < p->ek_roots_cnt; i++) {
    if (g->class != 1) break;
    if (p->ek_roots[i].class == 4) return cf_error_set(err, CF_ERR_POLICY, "policy.ek_roots", i, "owner-controlled (a test root) in class production");
    if (p->ek_roots[i].class == 3 && !p->accept_discrete) return cf_error_set(err, CF_ERR_POLICY, "policy.ek_roots", i, "discrete, not accepted explicitly");
  }
  if (p->attest_interval_s > p->attest_max_age_s) return cf_error_set(err, CF_ERR_POLICY, "policy.attest_interval_s", 0, "above attest_max_age_s");
  return CF_OK;
}

cf_status_t
cf_genesis_check(cf_genesis_t const *g, cf_policy_t *policy, cf_error_t *err) {
  cf_status_t st;
  for (size_t i = 0; i < g->councils_cnt; i++) {
    if (i && g->councils[i].role <= g->councils[i - 1].role) return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", i, "roles must rise");
    if ((st = cf_council_check(&g->councils[i], err))) return st;
  }
  for (unsigned role = CF_GOVERNORS; role <= CF_OBSERVERS; role++)
    if (!cf_genesis_council(g, (cf_council_role_t)role)) return cf_error_set(err, CF_ERR_POLICY, "genesis.councils", role, "a council is missing");
  for (size_t i = 0; i < g->assets_cnt; i++)
    if (g->assets[i].id != i) return cf_error_set(err, CF_ERR_POLICY, "genesis.assets", i, "ids count from 0");
  if ((st = ledger_check(&g->ledger, err))) return st;
  if ((st = cf_table_decode(policy, &cf_policy_table, g->policy, err))) return st;
  return policy_check(g, policy, err);
}
