/* Invariant 15: what enclaves believe of the ledger is what one block says, and what they were shown before stays. */
#include <assert.h>

#include "cf_town.h"
#include "enclave/cf_enclave_state.h"
#include "ledger/cf_settlement.h"

void cf_check_before(cf_check_t *c, cf_machine_t *m) {
  cf_enclave_t const *e = m->enclave;
  cf_check_before_t  *b = &c->before;
  *b = (cf_check_before_t){.number = e->view_state.number,
                           .messages = e->view_state.messages,
                           .time_s = e->view_state.time_s,
                           .hash = e->view_state.hash,
                           .inbox = e->view_state.inbox,
                           .next = e->view_next_any,
                           .next_number = e->view_next.number,
                           .contents = e->contents_cnt};
  for (size_t i = 0; i < e->contents_cnt; i++) {
    cf_settlement_meta_t meta;
    (void)cf_settlement_meta_unpack(&meta, &e->contents[i].settlement.meta);
    b->content[i].digest = e->contents[i].digest;
    b->content[i].prev_head = e->contents[i].settlement.prev_head;
    b->content[i].valid_until_s = meta.valid_until_s;
  }
}

/* 9: what observers said. */
void cf_check_statement(cf_check_t *c, unsigned node, cf_effect_t const *e) {
  cf_town_t              *t = c->town;
  cf_finality_statement_t s;
  if (e->kind != CF_FX_REPLY || e->code != 200 || e->body.len != 1 + CF_FINALITY_STATEMENT_SZ) return;
  for (unsigned i = 0; i < CF_TOWN_MEMBERS_MAX; i++) {
    if (!t->observer[i].town || t->observer[i].node != node ||
        cf_finality_statement_decode(&s, CF_SPAN(e->body.ptr + 1, CF_FINALITY_STATEMENT_SZ)) ||
        s.finality.number >= CF_CHECK_BLOCKS_MAX)
      continue;
    cf_check_block_t *b = &c->chain[s.finality.number];
    if (cf_hash_eq(&b->hash, &s.finality.block_hash) && b->time_s == s.finality.time_s) b->who |= 1u << i;
  }
}

static void final(cf_check_t *c, cf_view_state_t const *v) {
  cf_check_block_t const *b = &c->chain[v->number % CF_CHECK_BLOCKS_MAX];
  unsigned                n = cf_hash_eq(&b->hash, &v->hash) ? (unsigned)__builtin_popcount(b->who) : 0;
  if (n < cf_genesis_council(&c->town->domain->genesis, CF_OBSERVERS)->k)
    cf_world_fail(&c->town->world, 9, "funds of block %llu count, and %u observers stand behind it", (unsigned long long)v->number, n);
}

/* Refused, old or stale: the enclave believes what it believed.  Taken: a block that there is. */
void cf_check_view_shown(cf_check_t *c, cf_machine_t *m, cf_refuse_t class) {
  cf_enclave_t const      *e = m->enclave;
  cf_check_before_t const *b = &c->before;
  cf_view_state_t const   *v = &e->view_state;
  cf_world_t              *w = &c->town->world;
  bool same = v->number == b->number && v->messages == b->messages && v->time_s == b->time_s && cf_hash_eq(&v->hash, &b->hash) &&
              cf_hash_eq(&v->inbox, &b->inbox) && e->view_next_any == b->next && e->view_next.number == b->next_number;
  if (same) return;
  if (class) cf_world_fail(w, 15, "a view that was refused left block %llu behind", (unsigned long long)v->number);
  else if (v->number <= b->number && b->number)
    cf_world_fail(w, 15, "a view of block %llu replaced that of block %llu", (unsigned long long)v->number,
                  (unsigned long long)b->number);
  else final(c, v);
}

/* One block says all that a receipt says of the ledger: number, hash, time; and when a content is void, head and time. */
void cf_check_view_receipt(cf_check_t *c, cf_check_life_t *l, cf_receipt_t const *doc) {
  static uint8_t const     none[32];
  cf_world_t              *w = &c->town->world;
  cf_check_before_t const *b = &c->before;
  uint64_t                 n = doc->view.number;
  cf_check_block_t const  *block = &c->chain[n % CF_CHECK_BLOCKS_MAX];
  if (!n) return;
  if (n >= c->block || block->time_s != doc->view.time || memcmp(block->hash.b, doc->view.hash, 32))
    cf_world_fail(w, 15, "receipt %llu names block %llu, which is none", (unsigned long long)doc->sequence, (unsigned long long)n);
  if (n < l->view)
    cf_world_fail(w, 15, "receipt %llu goes back from block %llu to %llu", (unsigned long long)doc->sequence,
                  (unsigned long long)l->view, (unsigned long long)n);
  l->view = n;
  if (!memcmp(doc->abandon, none, 32)) return;
  size_t i = 0;
  while (i < b->contents && memcmp(doc->abandon, b->content[i].digest.b, 32)) i++;
  if (i == b->contents)
    cf_world_fail(w, 15, "receipt %llu abandons what was not in flight", (unsigned long long)doc->sequence);
  else if (!cf_hash_eq(&block->head, &b->content[i].prev_head) ||
           (block->time_s <= b->content[i].valid_until_s && doc->not_before.time > b->content[i].valid_until_s))
    cf_world_fail(w, 15, "receipt %llu abandons by another time than block %llu's", (unsigned long long)doc->sequence,
                  (unsigned long long)n); /* by no time at all: 3 sees what follows */
}
