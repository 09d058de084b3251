#include "cli/cf_chain_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_chain_evm.h"
#include "cli/cf_web.h"
#include "ledger/cf_blocks.h"

enum { DEADLINE_S = 60 };

/* ---- which ledger ---- */

static int find_ledger(cf_chain_client_t *c, char const *url) {
  cf_span_t body;
  cf_json_t domain, ledger;
  bool      embedded;
  char      text[256], kind[16] = "";
  int       code = cf_web_ask(&body, &embedded, c->what, url, "/ledger/head", CF_SPAN(NULL, 0));
  c->url = url;
  if (code || embedded) return code;
  c->gateway = url;
  code = cf_web_json(&domain, c->what, url, "/v1/domain");
  if (code) return code;
  ledger = cf_json_get(domain, "ledger");
  if (cf_json_str(text, sizeof text, cf_json_get(ledger, "url")) || cf_json_str(kind, sizeof kind, cf_json_get(ledger, "kind")))
    return cf_web_malformed(c->what, url, "/v1/domain");
  c->url = cf_fmt("%s", text);
  c->evm = !strcmp(kind, "evm");
  return 0;
}

/* Symbols are genesis' own; only for reading what a person types. */
static int read_names(cf_chain_client_t *c) {
  cf_span_t        entry;
  cf_sign1_t       s;
  cf_council_doc_t doc;
  int              code = c->gateway ? cf_web_get(&entry, c->what, c->gateway, "/genesis") : 0;
  if (code || !c->gateway) return code;
  c->names = calloc(1, sizeof *c->names);
  if (!c->names) abort();
  bool ok = !cf_sign1_decode(&s, entry, cf_genesis_table.typ, NULL) && !cf_council_doc_decode(&doc, s.payload, NULL) &&
            !cf_table_decode(c->names, &cf_genesis_table, doc.body, NULL);
  return ok ? 0 : cf_web_malformed(c->what, c->gateway, "/genesis");
}

static int open_embedded(cf_chain_client_t *c) {
  cf_span_t  bytes;
  cf_block_t block;
  int        code = read_names(c);
  if (!code) code = cf_web_get(&bytes, c->what, c->url, "/ledger/blocks/0");
  if (code) return code;
  bool ok = !cf_block_decode(&block, bytes) && !cf_ledger_genesis_decode(&c->genesis, block.body, NULL) &&
            !cf_ledger_config_check(&c->genesis.config, NULL);
  return ok ? 0 : cf_web_malformed(c->what, c->url, "/ledger/blocks/0");
}

int cf_chain_open(cf_chain_client_t *c, char const *what, char const *url, cf_args_t const *a) {
  *c = (cf_chain_client_t){.what = what, .url = url, .evm = a && cf_arg(a, "bundle")};
  int code = c->evm ? 0 : find_ledger(c, url);
  return code ? code : c->evm ? cf_chain_evm_open(c, a) : open_embedded(c);
}

/* ---- reading ---- */

int cf_chain_slots(cf_hash_t *values, cf_chain_client_t *c, cf_hash_t const *keys, size_t n) {
  if (c->evm) return cf_chain_evm_slots(values, c, keys, n);
  char     *path = cf_fmt("/ledger/state?keys=%s", cf_hex(CF_SPAN_OF(keys[0].b)));
  cf_json_t root, v;
  size_t    at = 0, got = 0;
  for (size_t i = 1; i < n; i++) path = cf_fmt("%s,%s", path, cf_hex(CF_SPAN_OF(keys[i].b)));
  int code = cf_web_json(&root, c->what, c->url, path);
  if (code) return code;
  cf_json_t slots = cf_json_get(root, "slots");
  while (got < n && cf_json_each(slots, &at, NULL, &v) && !cf_json_hex(values[got].b, 32, v)) got++;
  return got == n ? 0 : cf_web_malformed(c->what, c->url, "/ledger/state");
}

int cf_chain_asset(uint32_t *out, cf_chain_client_t const *c, cf_args_t const *a) {
  char const *text = cf_arg(a, "asset");
  uint64_t    id;
  if (!text) return cf_fail_usage(a->command, "an asset is missing", "--asset");
  if (!cf_dec_u64(&id, CF_SPAN(text, strlen(text))) && id < c->genesis.assets_cnt) return *out = (uint32_t)id, 0;
  for (size_t i = 0; c->names && i < c->names->assets_cnt; i++)
    if (cf_span_eq(c->names->assets[i].symbol, CF_SPAN(text, strlen(text)))) return *out = (uint32_t)i, 0;
  return cf_fail_usage(a->command, c->names ? "the domain has no such asset" : "an id: symbols are the gateway's to tell", text);
}

int cf_chain_account(uint32_t *id, cf_chain_client_t *c, cf_addr_t const *owner) {
  cf_hash_t key = cf_slot_id_of(owner), value;
  int       code = cf_chain_slots(&value, c, &key, 1);
  if (!code) *id = (uint32_t)cf_word_get(&value, 0, 32);
  return code;
}

int cf_chain_lanes(uint64_t *lane, uint64_t *free_lane, cf_chain_client_t *c, uint32_t asset, uint32_t id) {
  cf_hash_t base[2] = {cf_slot_lanes(asset), cf_slot_free_lanes(asset)}, values[2];
  cf_hash_t keys[2] = {cf_slot_add(&base[0], id >> 2), cf_slot_add(&base[1], id >> 2)};
  int       code = cf_chain_slots(values, c, keys, 2);
  if (code) return code;
  *lane = cf_word_get(&values[0], cf_lane_bit(id), 64) & CF_LANE_MAX;
  *free_lane = cf_word_get(&values[1], cf_lane_bit(id), 64) & CF_LANE_MAX;
  return 0;
}

/* ---- calling ---- */

static int call_result(uint64_t *block, cf_chain_client_t const *c, cf_span_t answer) {
  cf_json_t root, first;
  size_t    at = 0;
  char      name[64], text[256] = "";
  if (cf_json_parse(&root, answer, NULL) || !cf_json_each(cf_json_get(root, "results"), &at, NULL, &first))
    return cf_web_malformed(c->what, c->url, "/ledger/acts");
  if (!cf_json_u64(block, cf_json_get(first, "block"))) return 0;
  if (cf_json_str(name, sizeof name, cf_json_get(first, "refusal"))) return cf_web_malformed(c->what, c->url, "/ledger/acts");
  if (cf_json_str(text, sizeof text, cf_json_get(first, "text"))) text[0] = 0;
  return cf_fail(CF_EXIT_FAILS, c->what, "refused by the ledger", name, "found", text, NULL);
}

int cf_chain_call_send(uint64_t *block, cf_chain_client_t *c, cf_wallet_t const *w, cf_op_t const *op) {
  if (c->evm) return cf_chain_evm_call(block, c, op);
  cf_wr_t   op_wr = cf_room(1024), call_wr = cf_room(2048), acts = cf_room(2052);
  cf_call_t call = {.deadline_s = cf_wall_s() + DEADLINE_S};
  cf_span_t answer;
  cf_hash_t nonce;
  int       code = 0;
  cf_op_write(&op_wr, op);
  call.op = cf_wr_out(&op_wr);
  if (w) {
    cf_hash_t key = cf_slot_nonce(&w->addr);
    code = cf_chain_slots(&nonce, c, &key, 1);
    if (code) return code;
    call.nonce = cf_word_get(&nonce, 0, 64);
    if (cf_call_sign(&call, &c->genesis.config.separator, w->scalar))
      return cf_fail(CF_EXIT_FAILS, c->what, "format", "wallet", NULL);
  } else call.nonce = cf_wall_ms();
  cf_call_write(&call_wr, &call);
  cf_wr_u32(&acts, (uint32_t)call_wr.len);
  cf_wr_span(&acts, cf_wr_out(&call_wr));
  code = cf_web_ask(&answer, NULL, c->what, c->url, "POST /ledger/acts", cf_wr_out(&acts));
  return code ? code : call_result(block, c, answer);
}

int cf_chain_deposit(uint64_t *block, cf_chain_client_t *c, uint32_t id, uint32_t asset, uint64_t units) {
  uint8_t   body[15];
  cf_wr_t   wr = cf_wr_init(body, sizeof body);
  cf_span_t answer;
  if (c->evm) return cf_chain_evm_deposit(block, c, id, asset, units);
  cf_wr_u32(&wr, id);
  cf_wr_u24(&wr, asset);
  cf_wr_u64(&wr, units);
  int code = cf_web_ask(&answer, NULL, c->what, c->url, "POST /ledger/deposit", cf_wr_out(&wr));
  return code ? code : call_result(block, c, answer);
}
