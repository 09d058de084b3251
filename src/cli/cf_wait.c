#include "cli/cf_wait.h"

#include <string.h>

#include "cli/cf_web.h"

enum { STEP_MS = 100 };

/* False when the time is over, which leaves what was missing. */
static bool more_time(cf_wait_t *w, char const *missing) {
  bool more = cf_mono_ms() < w->until_ms;
  w->missing = more ? NULL : missing;
  if (more) cf_web_sleep(STEP_MS);
  return more;
}

/* A result is let out only when its receipt stands in the log under the witnesses' quorum. */
int cf_wait_log(cf_wait_t *w, cf_hash_t const *id) {
  cf_span_t body;
  bool      found = false;
  char     *path = cf_fmt("/v1/results/%s", cf_hex(CF_SPAN_OF(id->b)));
  int       code;
  do code = cf_web_ask(&body, &found, w->what, w->url, path, CF_SPAN(NULL, 0));
  while (!code && !found && more_time(w, "its receipt is not in the log"));
  return code;
}

static int sequence_of(uint64_t *out, cf_wait_t const *w, cf_span_t receipt, char const *path) {
  cf_receipt_t doc;
  cf_sign1_t   s;
  if (cf_document_open(&doc, &s, &cf_receipt_table, receipt, NULL)) return cf_web_malformed(w->what, w->url, path);
  *out = doc.sequence;
  return 0;
}

/* What was promised has its receipt later. */
static int wait_receipt(uint64_t *sequence, cf_wait_t *w, cf_submitted_t const *s, cf_hash_t const *id) {
  cf_receipt_file_t file;
  cf_span_t         body;
  bool              found = false;
  char             *path = cf_fmt("/v1/receipts/%s", cf_hex(CF_SPAN_OF(id->b)));
  int               code;
  if (s->kind == CF_SUBMIT_RECEIPT) return sequence_of(sequence, w, s->file.receipt, "/v1/envelopes");
  do code = cf_web_ask(&body, &found, w->what, w->url, path, CF_SPAN(NULL, 0));
  while (!code && !found && more_time(w, "the promise is not kept yet"));
  if (code || !found) return code;
  if (cf_receipt_file_decode(&file, body, NULL)) return cf_web_malformed(w->what, w->url, path);
  return sequence_of(sequence, w, file.receipt, path);
}

typedef struct {
  uint64_t first, last;
  char     state[16]; /* empty: no such settlement is listed */
} settlement_t;

static int get_settlement(settlement_t *out, cf_wait_t const *w, uint64_t number) {
  char     *path = cf_fmt("/v1/settlements/%llu", (unsigned long long)number);
  cf_span_t body;
  cf_json_t root;
  bool      found;
  *out = (settlement_t){0};
  int code = cf_web_ask(&body, &found, w->what, w->url, path, CF_SPAN(NULL, 0));
  if (code || !found) return code;
  bool ok = !cf_json_parse(&root, body, NULL) && !cf_json_u64(&out->first, cf_json_get(root, "first")) &&
            !cf_json_u64(&out->last, cf_json_get(root, "last")) &&
            !cf_json_str(out->state, sizeof out->state, cf_json_get(root, "state"));
  return ok ? 0 : cf_web_malformed(w->what, w->url, path);
}

/* The settlement that covers a receipt, searched from the newest back: old ones are listed no more, and after one that was
   abandoned another covers its receipts.  *state is empty while there is none. */
static int covering(uint64_t *number, char state[16], cf_wait_t const *w, uint64_t sequence) {
  cf_json_t status;
  int       code = cf_web_json(&status, w->what, w->url, "/v1/status");
  state[0] = 0;
  if (code) return code;
  if (cf_json_u64(number, cf_json_get(status, "settlements"))) return cf_web_malformed(w->what, w->url, "/v1/status");
  for (; *number; --*number) {
    settlement_t s;
    code = get_settlement(&s, w, *number);
    if (code || !s.state[0]) return code;
    if (!strcmp(s.state, "abandoned")) continue;
    if (s.first <= sequence && sequence <= s.last) memcpy(state, s.state, sizeof s.state);
    if (s.first <= sequence) return 0;
  }
  return 0;
}

int cf_wait_final(cf_wait_t *w, cf_submitted_t const *s, cf_hash_t const *id) {
  uint64_t sequence = 0, number;
  char     state[16];
  char    *missing = NULL;
  int      code = wait_receipt(&sequence, w, s, id);
  if (code || w->missing) return code;
  do {
    code = covering(&number, state, w, sequence);
    missing = state[0] ? cf_fmt("settlement %llu, which covers its receipt, is %s", (unsigned long long)number, state)
                       : cf_fmt("no settlement covers receipt %llu yet", (unsigned long long)sequence);
  } while (!code && strcmp(state, "final") && more_time(w, missing));
  return code;
}
