/* receipt: a party's receipt file.  result: what the enclave answered, opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "cli/cf_remote.h"
#include "cli/cf_result_read.h"
#include "cli/cf_result_say.h"
#include "cli/cf_web.h"

/* ---- ids: whole, or from 8 digits on when the wallet knows the rest ---- */

static int id_arg(cf_hash_t *id, cf_args_t const *a, cf_account_t const *account) {
  char const *text = a->word[1];
  size_t      n = strlen(text), hits = 0;
  if (n == 64 && !cf_hex_decode(id->b, 32, CF_SPAN(text, n))) return 0;
  for (size_t i = 0; account && n >= 8 && n < 64 && i < account->pending_cnt; i++)
    if (!strncmp(cf_hex(CF_SPAN_OF(account->pending[i].envelope.b)), text, n)) *id = account->pending[i].envelope, hits++;
  return hits == 1
             ? 0
             : cf_fail_usage(a->command,
                             "not the id of an envelope: 64 hex digits, or from 8 on of one that the wallet waits for", text);
}

/* What shows that the receipt is in the log. */
static int save_proof(cf_args_t const *a, uint64_t sequence) {
  cf_span_t entry, proof;
  uint64_t  index;
  int       code = cf_remote_receipt(&entry, &index, "receipt", a->word[0], sequence);
  if (!code) code = cf_web_get(&proof, "receipt", a->word[0], cf_fmt("/v1/proofs/%llu", (unsigned long long)index));
  return code ? code : cf_emit(proof, cf_arg(a, "proof"));
}

int cf_cmd_receipt(cf_args_t const *a) {
  cf_hash_t         id;
  cf_span_t         body;
  cf_receipt_file_t file;
  cf_receipt_t      receipt;
  cf_sign1_t        s;
  int               code = id_arg(&id, a, NULL);
  char             *path = cf_fmt("/v1/receipts/%s", a->word[1]);
  if (!code) code = cf_web_get(&body, "receipt", a->word[0], path);
  if (code) return code;
  if (cf_receipt_file_decode(&file, body, NULL) || cf_document_open(&receipt, &s, &cf_receipt_table, file.receipt, NULL))
    return cf_web_malformed("receipt", a->word[0], path);
  if (cf_arg(a, "o")) code = cf_emit(body, cf_arg(a, "o"));
  if (!code && cf_arg(a, "proof")) code = save_proof(a, receipt.sequence);
  if (code) return code;
  if (!cf_json_mode()) {
    char *line = cf_fmt("%s  receipt %llu, input %llu of %llu\n", a->word[1], (unsigned long long)receipt.sequence,
                        (unsigned long long)file.index + 1, (unsigned long long)receipt.inputs);
    return cf_emit(CF_SPAN(line, strlen(line)), NULL);
  }
  cf_wr_t wr = cf_room(1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_str(&j, "id", a->word[1]);
  cf_jw_u64(&j, "receipt", receipt.sequence);
  cf_jw_u64(&j, "index", file.index);
  cf_jw_u64(&j, "inputs", receipt.inputs);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

/* ---- result ---- */

/* The domain behind url, which the wallet must know already. */
static int own_account(cf_account_t **account, cf_wallet_file_t const *w, char const *url) {
  cf_json_t root;
  cf_hash_t domain;
  int       code = cf_web_json(&root, "result", url, "/v1/domain");
  if (code) return code;
  if (cf_json_hex(domain.b, 32, cf_json_get(root, "domain"))) return cf_web_malformed("result", url, "/v1/domain");
  return cf_wallet_account_open(account, w, &domain);
}

int cf_cmd_result(cf_args_t const *a) {
  cf_wallet_file_t *w;
  cf_account_t     *account;
  cf_hash_t         id;
  cf_span_t         body;
  cf_error_t        err = {0};
  uint8_t           plain[CF_BUCKET_MAX];
  size_t            cnt = 0;
  if (!cf_arg(a, "wallet")) return cf_fail_usage(a->command, "a party's folder is missing", "--wallet");
  int code = cf_wallet_file_open(&w, cf_arg(a, "wallet"));
  if (!code) code = own_account(&account, w, a->word[0]);
  if (!code) code = id_arg(&id, a, account);
  if (!code) code = cf_web_get(&body, "result", a->word[0], cf_fmt("/v1/results/%s", cf_hex(CF_SPAN_OF(id.b))));
  if (code) return code;
  cf_rd_t rd = cf_rd_span(body);
  if (cf_released_begin(&cnt, &rd, &err)) return cf_fail_error("result", &err);
  cf_wr_t wr = cf_room(4096 + 8192 * cnt);
  cf_jw_t j = cf_json_begin(&wr);
  if (cf_json_mode()) cf_jw_arr(&j, NULL);
  for (size_t i = 0; !code && i < cnt; i++) {
    cf_result_t r;
    code = cf_result_next(&r, plain, &rd, "result", a->word[0], account, w);
    if (!code) cf_result_say(cf_json_mode() ? &j : NULL, &r);
  }
  if (!code) code = cf_wallet_account_save(account, w);
  if (code || !cf_json_mode()) return code;
  cf_jw_end(&j, ']');
  return cf_json_end(&j, NULL);
}
