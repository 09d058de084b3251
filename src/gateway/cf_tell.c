/* What the gateway says of itself: domain, status, settlements, metrics. */
#include "gateway/cf_chainside.h"

#include "codec/cf_json.h"

enum { GWEI = 1000000000 };

void
cf_tell_domain(cf_gateway_t *g, cf_wr_t *wr) {
  cf_jw_t                    j = cf_jw_init(wr);
  cf_history_boot_t const   *c = cf_history_certified(&g->history);
  cf_genesis_ledger_t const *l = &g->domain.genesis.ledger;
  cf_jw_obj(&j, NULL);
  cf_jw_hex(&j, "domain", CF_SPAN_OF(g->domain.id.b));
  cf_jw_text(&j, "name", g->domain.genesis.name);
  cf_jw_str(&j, "class", g->domain.genesis.class == 1 ? "production" : "test");
  if (c) {
    cf_jw_u64(&j, "epoch", c->index);
    cf_jw_hex(&j, "certificate", CF_SPAN_OF(c->cert_hash.b));
  } else {
    cf_jw_null(&j, "epoch");
    cf_jw_null(&j, "certificate");
  }
  cf_jw_obj(&j, "ledger");
  cf_jw_str(&j, "kind", l->kind == 1 ? "embedded" : "evm");
  cf_jw_u64(&j, "chain_id", l->chain_id);
  cf_jw_hex(&j, "contract", CF_SPAN_OF(l->contract));
  cf_jw_str(&j, "url", g->cfg.ledger_url ? g->cfg.ledger_url : "");
  cf_jw_end(&j, '}');
  cf_jw_obj(&j, "log");
  cf_jw_text(&j, "origin", g->domain.genesis.log.origin);
  cf_jw_str(&j, "url", g->cfg.log_url ? g->cfg.log_url : "");
  cf_jw_end(&j, '}');
  cf_jw_end(&j, '}');
}

static void
tell_counters(cf_jw_t *j, cf_gateway_status_t const *s) {
  cf_jw_u64(j, "epoch", s->epoch);
  cf_jw_u64(j, "receipts", s->sequence);
  cf_jw_u64(j, "receipts_logged", s->logged);
  cf_jw_u64(j, "log_size", s->log_size);
  cf_jw_u64(j, "cosigned", s->cosigned);
  cf_jw_u64(j, "shown", s->shown);
  cf_jw_u64(j, "block", s->block);
  cf_jw_u64(j, "settlements", s->settlements);
  cf_jw_u64(j, "settled", s->settled);
  cf_jw_u64(j, "promises", s->promises);
}

static char const *
witness_word(cf_witness_answer_t a) {
  switch (a) {
  case CF_WITNESS_SILENT: return "silent";
  case CF_WITNESS_COSIGNED: return "cosigned";
  case CF_WITNESS_CONFLICT: return "conflict";
  case CF_WITNESS_REFUSED: return "refused";
  case CF_WITNESS_LIED: return "lied";
  }
  return "silent";
}

static void
tell_peers(cf_jw_t *j, cf_gateway_t const *g) {
  cf_jw_arr(j, "witnesses");
  for (size_t i = 0; i < g->domain.witnesses.cnt; i++) cf_jw_str(j, NULL, witness_word(g->publisher.witness[i].last));
  cf_jw_end(j, ']');
  cf_jw_arr(j, "verifiers");
  cf_council_t const *v = cf_genesis_council(&g->domain.genesis, CF_VERIFIERS);
  for (size_t i = 0; i < v->members_cnt; i++)
    cf_jw_str(j, NULL, g->attest.v[i].done ? "affirmed" : g->attest.v[i].refused[0] ? g->attest.v[i].refused : "silent");
  cf_jw_end(j, ']');
  cf_jw_arr(j, "observers");
  for (size_t i = 0; i < g->domain.observers.n; i++) cf_jw_str(j, NULL, g->views.said[i][0] ? g->views.said[i] : "silent");
  cf_jw_end(j, ']');
}

/* A ledger on a chain: who is asked for it, and how the account that pays does. */
static void
tell_chain(cf_jw_t *j, cf_gateway_t const *g) {
  cf_sender_status_t s = cf_sender_status(&g->evm->sender);
  cf_jw_obj(j, "sender");
  cf_jw_str(j, "halt", cf_sender_halt_name(s.halt));
  cf_jw_str(j, "waits", cf_sender_wait_name(s.wait));
  cf_jw_hex(j, "account", CF_SPAN_OF(g->evm->sender.account.b));
  cf_jw_u64(j, "open", s.live + s.queued);
  cf_jw_u64(j, "final_block", s.final_number);
  cf_jw_u64(j, "nonce", s.final_nonce);
  cf_jw_u64(j, "spent_gwei", (uint64_t)(s.spent_wei / GWEI));
  cf_jw_u64(j, "reserved_gwei", (uint64_t)(s.reserved_wei / GWEI));
  cf_jw_u64(j, "spent_ever_gwei", (uint64_t)(s.total_wei / GWEI));
  cf_jw_u64(j, "reorganised", s.reorgs);
  cf_jw_u64(j, "sent_again", s.resends);
  cf_jw_u64(j, "raised", s.bumps);
  cf_jw_u64(j, "cancelled", s.cancels);
  cf_jw_end(j, '}');
  cf_jw_arr(j, "nodes");
  for (unsigned i = 0; i < g->cfg.evm.nodes; i++) {
    cf_evm_node_t const *n = &g->evm->node[i];
    cf_jw_str(j, NULL, n->lies && !cf_evm_node_ready(n, g->now.mono_ms) ? "lied" : n->fails ? "failing" : "ok");
  }
  cf_jw_end(j, ']');
}

void
cf_tell_status(cf_gateway_t *g, cf_wr_t *wr) {
  cf_gateway_status_t s = cf_gateway_status(g);
  cf_jw_t             j = cf_jw_init(wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "mode", cf_modes_name((cf_service_mode_t)s.mode));
  cf_jw_u64(&j, "since_ms", g->now.mono_ms - g->mode_since_ms);
  if (s.missing[0]) cf_jw_str(&j, "missing", s.missing);
  else cf_jw_null(&j, "missing");
  cf_jw_bool(&j, "stopping", g->stopping);
  tell_counters(&j, &s);
  tell_peers(&j, g);
  if (g->evm) tell_chain(&j, g);
  cf_jw_end(&j, '}');
}

/* Our own transaction, as long as the sender remembers it: somebody else's may have been the one that got in. */
static void
tell_payment(cf_jw_t *j, cf_gateway_t const *g, cf_settled_t const *s) {
  cf_sender_info_t i;
  bool             known = cf_sender_find(&g->evm->sender, &i, &s->call) && i.state >= CF_SENDER_SIGNED;
  if (known) cf_jw_hex(j, "transaction", CF_SPAN_OF(i.tx.b));
  else cf_jw_null(j, "transaction");
  if (known) cf_jw_u64(j, "fee_gwei", (uint64_t)(i.fee_wei / GWEI));
  else cf_jw_null(j, "fee_gwei");
}

void
cf_tell_settlement(cf_gateway_t *g, cf_wr_t *wr, cf_settled_t const *s) {
  static char const *const states[CF_PUBLIC_SETTLEMENTS] = { "authorised", "submitted", "included", "final", "abandoned" };
  cf_jw_t                  j                             = cf_jw_init(wr);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "number", s->number);
  cf_jw_str(&j, "state", states[s->state]);
  cf_jw_hex(&j, "digest", CF_SPAN_OF(s->digest.b));
  cf_jw_u64(&j, "first", s->doc.first);
  cf_jw_u64(&j, "last", s->doc.last);
  cf_jw_u64(&j, "sequence", s->sequence);
  cf_jw_u64(&j, "epoch", s->doc.epoch);
  cf_jw_u64(&j, "valid_until", s->valid_until_s);
  cf_jw_hex(&j, "body", CF_SPAN_OF(s->doc.body));
  if (s->index != CF_NO_INDEX) cf_jw_u64(&j, "index", s->index);
  else cf_jw_null(&j, "index");
  if (s->block) cf_jw_u64(&j, "block", s->block);
  else cf_jw_null(&j, "block");
  if (g->evm) tell_payment(&j, g, s);
  cf_jw_end(&j, '}');
}

void
cf_tell_metrics(cf_gateway_t *g, cf_wr_t *wr) {
  cf_metrics_set_mode(&g->metrics, cf_gateway_mode(g).mode);
  cf_metrics_text(wr, &g->metrics);
}
