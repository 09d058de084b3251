/* A ledger on a chain: what its nodes say of the contract, against what the log says.  Nobody replays a chain here; what is proven are
   code and head in one final block, and from them all that moved the head: each settlement's digest binds the one before. */
#include "audit/cf_audit_state.h"

bool cf_audit_chain_ask(cf_audit_t *a) {
  a->on_chain = a->domain.genesis.ledger.kind != 1;
  if (!a->on_chain || !a->options.chain) return true;
  cf_read_t r = a->options.chain->facts(a->options.chain->ctx, &a->facts, &a->domain.ledger);
  a->standing = r == CF_READ_OK;
  a->failed_io |= r == CF_READ_FAILED;
  return !a->failed_io;
}

/* ---- blocks ---- */

/* What receipts name never goes back; one that does fails for that. */
static void name_blocks(cf_audit_t *a) {
  for (uint64_t s = 1; s <= a->counting.cnt; s++) {
    uint64_t number = cf_audit_counting(a, s)->view.number;
    if (number == 0 || (a->named.cnt && number <= ((cf_audit_named_t *)cf_vec_at(&a->named, a->named.cnt - 1))->block.number)) continue;
    *(cf_audit_named_t *)cf_vec_add(&a->named, &a->mem) = (cf_audit_named_t){.block = {.number = number}};
  }
}

static bool ask_blocks(cf_audit_t *a) {
  cf_audit_chain_t const *c = a->options.chain;
  cf_audit_named_t        some[CF_AUDIT_BLOCKS_MAX];
  name_blocks(a);
  for (uint64_t at = 0, n; at < a->named.cnt; at += n) {
    for (n = 0; n < CF_AUDIT_BLOCKS_MAX && at + n < a->named.cnt; n++) some[n] = *(cf_audit_named_t *)cf_vec_at(&a->named, at + n);
    if (c->blocks(c->ctx, some, (size_t)n) != CF_READ_OK) {
      a->failed_io = true;
      return false;
    }
    for (uint64_t i = 0; i < n; i++) {
      cf_audit_named_t *row = cf_vec_at(&a->named, at + i);
      if (some[i].there && some[i].block.number == row->block.number) *row = some[i];
      a->n.blocks += row->there;
    }
  }
  return true;
}

cf_block_there_t cf_audit_chain_block(cf_audit_t const *a, cf_audit_block_t *out, uint64_t number) {
  for (uint64_t lo = 0, hi = a->named.cnt; lo < hi;) {
    uint64_t                mid = lo + (hi - lo) / 2;
    cf_audit_named_t const *row = cf_vec_at(&a->named, mid);
    if (row->block.number == number) {
      *out = row->block;
      return row->there ? CF_BLOCK_THERE : CF_BLOCK_MISSING;
    }
    if (row->block.number < number) lo = mid + 1;
    else hi = mid;
  }
  return CF_BLOCK_UNKNOWN;
}

bool cf_audit_chain_head_at(cf_audit_t const *a, cf_hash_t *head, uint64_t number) {
  if (!a->ledger_whole || number > a->facts.final.number) return false;
  *head = cf_settlement_head0(&a->domain.ledger.separator);
  for (uint64_t i = 0; i < a->moves.cnt; i++) {
    cf_move_row_t const *m = cf_vec_at(&a->moves, i);
    if (m->block > number) break;
    *head = m->digest;
  }
  return true;
}

/* ---- the contract ---- */

#define NEXT_NODES "ask other nodes, too: either these are of another chain, or the deployment is"

static bool check_code(cf_audit_t *a) {
  cf_who_t who = CF_WHO(CF_RANK_LEDGER, 10);
  char     is[16], want[16];
  if (!a->has_deployment && a->good > 1)
    cf_audit_fault(a, (cf_who_t){CF_RANK_GENESIS, 0, 0, 1, CF_ABOUT_OTHER}, NULL, cf_next_keep,
                   "the log's entry 1 is no deployment: nobody vouches for this ledger");
  if (!a->standing) {
    cf_audit_fault(a, who, NULL, NEXT_NODES, "no contract stands at the address that genesis names");
    return false;
  }
  if (a->has_deployment && !cf_hash_eq(&a->facts.code_hash, &a->deployed))
    cf_audit_fault(a, who, NULL, NEXT_NODES, "the contract's code is %s; the deployment entry names %s",
                   cf_short(is, a->facts.code_hash.b), cf_short(want, a->deployed.b));
  return a->has_deployment && cf_hash_eq(&a->facts.code_hash, &a->deployed);
}

/* ---- the head ---- */

/* Every settlement that was executed, from head0 to the head that is proven: one left out, made up or changed breaks it. */
static bool read_moves(cf_audit_t *a) {
  cf_who_t                      who = CF_WHO(CF_RANK_LEDGER, 10);
  cf_audit_chain_facts_t const *f = &a->facts;
  cf_hash_t                     head = cf_settlement_head0(&a->domain.ledger.separator);
  uint64_t                      block = 0;
  char                          is[16], want[16];
  for (size_t i = 0; i < f->settled_cnt; i++) {
    cf_audit_settled_t const *s = &f->settled[i];
    cf_settlement_t           made = s->settlement;
    made.prev_head = head;
    cf_hash_t digest = cf_settlement_digest(&a->domain.ledger.separator, &made);
    if (!cf_hash_eq(&digest, &s->head) || s->block < block || s->block > f->final.number) {
      cf_audit_fault(a, who, NULL, NEXT_NODES, "the settlement that the nodes tell of in block %llu does not stand on head %s",
                     (ull_t)s->block, cf_short(is, head.b));
      return false;
    }
    head = digest;
    block = s->block;
    *(cf_move_row_t *)cf_vec_add(&a->moves, &a->mem) = (cf_move_row_t){block, digest, made};
  }
  if (cf_hash_eq(&head, &f->head)) return true;
  cf_audit_fault(a, who, NULL, NEXT_NODES, "the head proven in block %llu is %s, and the settlements that the nodes tell of lead to %s",
                 (ull_t)f->final.number, cf_short(want, f->head.b), cf_short(is, head.b));
  return false;
}

/* ---- the inbox ---- */

/* All that outsiders did: one message left out, made up or changed breaks the fold. */
static bool read_messages(cf_audit_t *a) {
  cf_audit_chain_facts_t const *f = &a->facts;
  cf_hash_t                     inbox = {{0}};
  char                          is[16], want[16];
  for (size_t i = 0; i < f->messages_cnt; i++) {
    uint8_t buf[CF_INBOX_MSG_MAX];
    cf_wr_t wr = cf_wr_init(buf, sizeof buf);
    cf_inbox_msg_write(&wr, &f->messages[i].said);
    inbox = cf_inbox_fold(&inbox, cf_wr_out(&wr));
  }
  if (cf_hash_eq(&inbox, &f->inbox)) return true;
  cf_audit_fault(a, CF_WHO(CF_RANK_LEDGER, 10), NULL, NEXT_NODES, "the inbox proven in block %llu is %s, and the messages that the nodes tell of lead to %s",
                 (ull_t)f->final.number, cf_short(want, f->inbox.b), cf_short(is, inbox.b));
  return false;
}

/* ---- keys ---- */

/* What a node says that a call was, k verifiers signed, or it was another. */
static bool is_signed(cf_audit_t const *a, cf_audit_registered_t const *g) {
  cf_council_t const *c = cf_genesis_council(&a->domain.genesis, CF_VERIFIERS);
  cf_hash_t           digest = cf_registration_digest(&a->domain.ledger.separator, &a->domain.id, &g->r);
  cf_addr_t           signer;
  if (g->sigs.cnt < c->k || !cf_addr_eq(&g->r.key, &g->key)) return false;
  for (uint8_t i = 0; i < g->sigs.cnt; i++) {
    cf_member_sig_t const *s = &g->sigs.at[i];
    if (s->member >= c->members_cnt || (i && s->member <= g->sigs.at[i - 1].member)) return false;
    if (cf_k256_recover(&signer, s->sig, &digest) || memcmp(signer.b, c->members[s->member].addr, sizeof signer.b)) return false;
  }
  return true;
}

static void read_registrations(cf_audit_t *a) {
  for (size_t i = 0; i < a->facts.registered_cnt; i++) {
    cf_audit_registered_t const *g = &a->facts.registered[i];
    cf_registration_row_t       *row = cf_vec_add(&a->registrations, &a->mem);
    *row = (cf_registration_row_t){.block = g->block, .known = g->called, .r = g->r};
    row->r.key = g->key;
    if (g->called && !is_signed(a, g)) {
      row->known = false;
      cf_audit_fault(a, CF_WHO_ABOUT(CF_RANK_RESULTS, 3, CF_ABOUT_ENCLAVE), NULL, NEXT_NODES,
                     "block %llu registers a key, by the nodes' word in a call that the verifiers did not sign", (ull_t)g->block);
    }
  }
}

bool cf_audit_chain(cf_audit_t *a) {
  if (!a->options.chain) return true;
  bool ours = check_code(a);
  a->ledger_whole = ours && read_moves(a);
  a->inbox_whole = ours && read_messages(a);
  if (a->standing) read_registrations(a);
  return ask_blocks(a);
}
