/* submit: envelopes to the gateway, one POST; what came of each.  receipt, result: what came back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_advice.h"
#include "cli/cf_commands.h"
#include "cli/cf_submit.h"
#include "cli/cf_wait.h"
#include "cli/cf_web.h"
#include "document/cf_boundary.h"

enum { WAIT_S = 60 };

/* ---- the answer of POST /v1/envelopes ---- */

static int read_receipts(cf_span_t receipts[CF_SUBMIT_RECEIPTS_MAX], size_t *cnt, cf_rd_t *rd) {
  uint8_t version = cf_rd_u8(rd);
  *cnt = cf_rd_u8(rd);
  for (size_t i = 0; i < *cnt && i < CF_SUBMIT_RECEIPTS_MAX; i++) receipts[i] = cf_rd_take_span(rd, cf_rd_u32(rd));
  return rd->bad || version != 1 || *cnt > CF_SUBMIT_RECEIPTS_MAX;
}

static void read_one(cf_submitted_t *out, cf_span_t const *receipts, size_t receipt_cnt, cf_rd_t *rd) {
  out->kind = (cf_submit_kind_t)cf_rd_u8(rd);
  if (out->kind == CF_SUBMIT_RECEIPT) {
    size_t which = cf_rd_u8(rd);
    out->file.index = cf_rd_u16(rd);
    out->file.path_cnt = cf_rd_u8(rd);
    if (which >= receipt_cnt || out->file.path_cnt > 32) rd->bad = true;
    for (size_t i = 0; !rd->bad && i < out->file.path_cnt; i++) out->file.path[i] = cf_rd_hash(rd);
    if (!rd->bad) out->file.receipt = receipts[which];
  } else if (out->kind == CF_SUBMIT_REFUSED) out->class = cf_rd_u8(rd);
  else if (out->kind == CF_SUBMIT_PROMISED) out->promise = cf_rd_take_span(rd, cf_rd_u32(rd));
  else rd->bad = true;
}

bool cf_submit_answer(cf_submitted_t *out, size_t cnt, cf_span_t answer) {
  cf_span_t receipts[CF_SUBMIT_RECEIPTS_MAX];
  size_t    receipt_cnt;
  cf_rd_t   rd = cf_rd_span(answer);
  if (read_receipts(receipts, &receipt_cnt, &rd) || cf_rd_u16(&rd) != cnt) return false;
  for (size_t i = 0; i < cnt && !rd.bad; i++) read_one(&out[i], receipts, receipt_cnt, &rd);
  return cf_rd_done(&rd);
}

int cf_submit_post(cf_submitted_t *out, char const *what, char const *url, cf_span_t const *envelopes, size_t cnt) {
  size_t    sz = 0;
  cf_span_t answer;
  for (size_t i = 0; i < cnt; i++) sz += 4 + envelopes[i].len;
  cf_wr_t body = cf_room(sz);
  for (size_t i = 0; i < cnt; i++) {
    cf_wr_u32(&body, (uint32_t)envelopes[i].len);
    cf_wr_span(&body, envelopes[i]);
  }
  int code = cf_web_ask(&answer, NULL, what, url, "POST /v1/envelopes", cf_wr_out(&body));
  if (code) return code;
  return cf_submit_answer(out, cnt, answer) ? 0 : cf_web_malformed(what, url, "/v1/envelopes");
}

/* ---- waiting ---- */

/* Waits for each input as far as asked. */
static int wait_all(cf_wait_t *w, bool final, cf_submitted_t const *s, cf_hash_t const *ids, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    int code = 0;
    if (final && s[i].kind != CF_SUBMIT_REFUSED) code = cf_wait_final(w, &s[i], &ids[i]);
    if (!final && s[i].kind == CF_SUBMIT_RECEIPT) code = cf_wait_log(w, &ids[i]);
    if (code) return code;
    if (w->missing) {
      cf_note("submit: timeout  %s\n  %-9s %s", cf_hex(CF_SPAN_OF(ids[i].b)), "found", w->missing);
      return 0;
    }
  }
  return 0;
}

/* ---- submit ---- */

static char *state_of(cf_submitted_t const *s) {
  cf_receipt_t receipt;
  cf_sign1_t   sign1;
  if (s->kind == CF_SUBMIT_REFUSED) return cf_fmt("refused %s", cf_refuse_name((cf_refuse_t)s->class));
  if (s->kind == CF_SUBMIT_PROMISED) return cf_fmt("promised");
  if (cf_document_open(&receipt, &sign1, &cf_receipt_table, s->file.receipt, NULL)) return cf_fmt("receipt");
  return cf_fmt("receipt %llu", (unsigned long long)receipt.sequence);
}

static int print_states(cf_submitted_t const *s, cf_hash_t const *ids, size_t cnt) {
  cf_wr_t wr = cf_room(4096 + 512 * cnt);
  cf_jw_t j = cf_json_begin(&wr);
  size_t  refused = 0;
  if (cf_json_mode()) cf_jw_arr(&j, NULL);
  for (size_t i = 0; i < cnt; i++) {
    cf_advice_t advice = {0};
    if (s[i].kind == CF_SUBMIT_REFUSED) {
      advice = cf_advice_refused((cf_refuse_t)s[i].class);
      cf_note("submit: refused: %s  %s\n  %-9s %s\n  %-9s %s", cf_refuse_name((cf_refuse_t)s[i].class), cf_hex(CF_SPAN_OF(ids[i].b)),
              "found", advice.found, "next", advice.next);
      refused++;
    }
    if (cf_json_mode()) {
      cf_jw_obj(&j, NULL);
      cf_jw_hex(&j, "id", CF_SPAN_OF(ids[i].b));
      cf_jw_str(&j, "state", state_of(&s[i]));
      if (advice.found) cf_jw_str(&j, "found", advice.found), cf_jw_str(&j, "next", advice.next);
      cf_jw_end(&j, '}');
    } else printf("%s  %s\n", cf_hex(CF_SPAN_OF(ids[i].b)), state_of(&s[i]));
  }
  if (cf_json_mode()) {
    cf_jw_end(&j, ']');
    (void)cf_json_end(&j, NULL);
  }
  return refused ? CF_EXIT_FAILS : 0;
}

int cf_cmd_submit(cf_args_t const *a) {
  size_t         cnt = a->word_cnt - 1;
  char const    *wait = cf_arg(a, "wait") ? cf_arg(a, "wait") : "receipt", *url = a->word[0];
  cf_span_t      envelopes[CF_WORDS_MAX];
  cf_hash_t      ids[CF_WORDS_MAX];
  cf_submitted_t s[CF_WORDS_MAX];
  uint64_t       wait_s = WAIT_S;
  if (strcmp(wait, "receipt") && strcmp(wait, "log") && strcmp(wait, "final"))
    return cf_fail_usage(a->command, "--wait is receipt, log or final", wait);
  if (cf_arg_u64(&wait_s, a, "timeout", 1, 86400)) return CF_EXIT_USAGE;
  for (size_t i = 0; i < cnt; i++) {
    int code = cf_slurp(&envelopes[i], a->word[1 + i], CF_ENVELOPE_MAX);
    if (code) return code;
    ids[i] = cf_envelope_id(envelopes[i]);
  }
  int    code = cf_submit_post(s, "submit", url, envelopes, cnt);
  cf_wait_t w = {.what = "submit", .url = url, .until_ms = cf_mono_ms() + 1000 * wait_s};
  if (!code && strcmp(wait, "receipt")) code = wait_all(&w, !strcmp(wait, "final"), s, ids, cnt);
  if (code) return code;
  code = print_states(s, ids, cnt);
  return w.missing ? CF_EXIT_WORLD : code;
}
