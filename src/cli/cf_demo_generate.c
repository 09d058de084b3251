/* Transfers of the shape of public token transfers, made from a seed: few parties and assets are in most of them (a party is
   drawn anew, or one that was seen before), amounts spread over many powers of two, and hubs pass large amounts on in the next
   rows. */
#include <stdlib.h>

#include "cli/cf_demo.h"
#include "crypto/cf_entropy.h"

enum {
  ROWS = 5693,
  PARTIES = 4049,
  ASSETS = 15,
  HUBS = 24,
  NEW_PERCENT = 55,
  HUB_PERCENT = 20,
  LARGE_BIT = 29,
  LARGE_HUB_PERCENT = 85
};

static uint32_t draw(cf_entropy_t const *e, uint32_t below) {
  uint32_t v;
  cf_entropy_fill(e, &v, sizeof v);
  return v % below;
}

/* A hub, somebody new, or somebody who was there: who was there often is drawn often. */
static uint32_t party(cf_demo_input_t const *in, size_t *seen, bool large, cf_entropy_t const *e) {
  uint32_t kind = draw(e, 100);
  if (kind < (large ? LARGE_HUB_PERCENT : HUB_PERCENT)) return draw(e, HUBS);
  if ((kind < HUB_PERCENT + NEW_PERCENT || !in->rows_cnt) && *seen < PARTIES) return (uint32_t)(*seen)++;
  if (!in->rows_cnt) return draw(e, HUBS);
  cf_demo_row_t const *row = &in->rows[draw(e, (uint32_t)in->rows_cnt)];
  return draw(e, 2) ? row->payer : row->payee;
}

static uint64_t amount(cf_entropy_t const *e) {
  unsigned bits = 12 + draw(e, 12) + draw(e, 14); /* heavy-tailed */
  return ((uint64_t)1 << bits) + draw(e, 1u << (bits < 31 ? bits : 31));
}

void cf_demo_generate(cf_demo_input_t *in, uint64_t seed) {
  cf_drbg_t drbg;
  cf_hash_t key = {{0}};
  size_t    seen = HUBS;
  for (size_t i = 0; i < 8; i++) key.b[i] = (uint8_t)(seed >> (8 * i));
  cf_drbg_init(&drbg, &key);
  cf_entropy_t e = cf_drbg_entropy(&drbg);
  *in = (cf_demo_input_t){.name = "generated", .assets_cnt = ASSETS};
  in->rows = calloc(ROWS, sizeof *in->rows);
  in->parties = calloc(CF_DEMO_PARTIES_MAX, sizeof *in->parties);
  if (!in->rows || !in->parties) abort();
  for (size_t i = 0; i < ASSETS; i++) in->assets[i] = cf_fmt("TOK%zu", i + 1);
  while (in->rows_cnt < ROWS) {
    cf_demo_row_t row = {.amount = amount(&e), .line = in->rows_cnt + 1};
    bool          large = row.amount >> LARGE_BIT;
    uint32_t      rank = draw(&e, ASSETS);
    row.payer = party(in, &seen, large, &e);
    row.payee = party(in, &seen, large, &e);
    row.asset = draw(&e, rank + 1); /* low numbers are frequent */
    row.asset = draw(&e, row.asset + 1);
    cf_demo_row_t const *last = in->rows_cnt ? &in->rows[in->rows_cnt - 1] : NULL;
    if (last && last->payee < HUBS && last->amount >> LARGE_BIT && draw(&e, 100) < LARGE_HUB_PERCENT) { /* passed on */
      row.payer = last->payee;
      row.payee = party(in, &seen, true, &e);
      row.asset = last->asset;
      row.amount = last->amount - last->amount / (50 + draw(&e, 400));
    }
    if (row.payer != row.payee) in->rows[in->rows_cnt++] = row;
  }
  in->parties_cnt = seen;
  in->lines = ROWS;
  for (size_t i = 0; i < seen; i++) in->parties[i] = cf_fmt("p%05zu", i + 1);
}
