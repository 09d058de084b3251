/* Trust policies: what is read says the same when it is written again in its shortest form; whose word is enough stays enough when more sign, agrees
   with what the groups say from the quorum downwards, and otherwise somebody is named. */
#include <assert.h>

#include "translog/cf_line.h"
#include "translog/cf_tlog_policy.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
write_word(cf_wr_t *wr, cf_span_t s) {
  if (!s.len) return;
  cf_wr_str(wr, " ");
  cf_wr_span(wr, s);
}

static cf_span_t
name_of(cf_tlog_policy_t const *p, unsigned node) {
  return node == CF_TLOG_POLICY_NONE ? CF_SPAN_LIT("none") : node < 32 ? p->witness[node].name : p->group[node - 32].name;
}

static void
write_policy(cf_wr_t *wr, cf_tlog_policy_t const *p) {
  for (size_t i = 0; i < p->log_cnt; i++) {
    cf_wr_str(wr, "log ");
    cf_vkey_format(wr, &p->log[i].key);
    write_word(wr, p->log[i].url);
    cf_wr_str(wr, "\n");
  }
  for (size_t i = 0; i < p->witness_cnt; i++) {
    cf_wr_str(wr, "witness");
    write_word(wr, p->witness[i].name);
    cf_wr_str(wr, " ");
    cf_vkey_format(wr, &p->witness[i].key);
    write_word(wr, p->witness[i].url);
    cf_wr_str(wr, "\n");
  }
  for (size_t i = 0; i < p->group_cnt; i++) {
    cf_wr_str(wr, "group");
    write_word(wr, p->group[i].name);
    cf_wr_str(wr, " ");
    cf_wr_dec(wr, p->group[i].k);
    for (unsigned node = 0; node < 64; node++)
      if (p->group[i].members >> node & 1) write_word(wr, name_of(p, node));
    cf_wr_str(wr, "\n");
  }
  cf_wr_str(wr, "quorum");
  write_word(wr, name_of(p, p->quorum));
  cf_wr_str(wr, "\n");
}

static bool
stands(cf_tlog_policy_t const *p, unsigned node, uint32_t signers) {
  if (node < 32) return signers >> node & 1;
  unsigned yes = 0;
  for (unsigned m = 0; m < 64; m++)
    if (p->group[node - 32].members >> m & 1) {
      assert(m < node);
      yes += stands(p, m, signers);
    }
  return yes >= p->group[node - 32].k;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint8_t   once[1 << 17], twice[1 << 17];
  cf_tlog_policy_t p, q;
  char             why[64];
  cf_error_t       err = { .status = CF_OK };
  cf_status_t      st = cf_tlog_policy_parse(&p, CF_SPAN(data, size), &err);
  if (st) {
    assert(err.status == st && err.text[0] && err.offset <= size);
    return 0;
  }
  cf_wr_t a = cf_wr_init(once, sizeof once), b = cf_wr_init(twice, sizeof twice);
  write_policy(&a, &p);
  assert(!a.bad);
  if (a.len > CF_TLOG_POLICY_MAX) return 0; /* "all" was shorter than its number */
  assert(!cf_tlog_policy_parse(&q, cf_wr_out(&a), NULL));
  write_policy(&b, &q);
  assert(cf_span_eq(cf_wr_out(&a), cf_wr_out(&b)));
  cf_hash_t h = cf_sha256(CF_SPAN(data, size));
  for (size_t i = 0; i < sizeof h.b; i += 4) {
    uint32_t signers = (uint32_t)h.b[i] << 24 | (uint32_t)h.b[i + 1] << 16 | (uint32_t)h.b[i + 2] << 8 | h.b[i + 3];
    bool     met = cf_tlog_policy_met(&p, signers);
    assert(met == (p.quorum == CF_TLOG_POLICY_NONE || stands(&p, p.quorum, signers)));
    assert(met == cf_tlog_policy_met(&q, signers));
    assert(!met || cf_tlog_policy_met(&p, signers | signers << 1));
    assert(met == !*cf_tlog_policy_short(why, sizeof why, &p, signers));
  }
  return 0;
}
