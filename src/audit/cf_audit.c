#include "audit/cf_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/cf_audit_state.h"
#include "audit/cf_since.h"
#include "base/cf_text.h"

char const cf_next_copy[] = "this copy is altered or torn: fetch it again; if that differs too, keep both and run verify fork";
char const cf_next_keep[] = "keep this copy: it is signed by those that it accuses";

char const *cf_audit_check_name(unsigned check) {
  static char const *const names[CF_AUDIT_CHECKS + 1] = {
      "the folder",
      "strict decoding, and it is counting",
      "signature by the receipt key of an epoch certificate",
      "certificate bound by evidence that appraises, with k results",
      "its policy is the one in force",
      "sequence and previous hash",
      "state-before = previous state-after",
      "every envelope id once",
      "its time: behind the k-th result, not before its checkpoint",
      "in the log under a witness quorum",
      "settled once, as the ledger says",
  };
  return names[check <= CF_AUDIT_CHECKS ? check : 0];
}

/* Names come from whoever made the folder, and end on somebody's terminal. */
static void make_printable(char *s, bool ascii) {
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c < 0x20 || c == 0x7f || (ascii && c > 0x7e)) *s = '?';
  }
}

/* Where the fault does not say it itself. */
static cf_audit_about_t about(cf_who_t const *who) {
  if (who->about) return who->about;
  if (who->rank == CF_RANK_RECEIPTS && who->check == 10) return CF_ABOUT_SETTLEMENT;
  if (who->rank == CF_RANK_RECEIPTS && who->check == 3) return CF_ABOUT_ENCLAVE;
  return who->rank == CF_RANK_RESULTS && who->check == 3 ? CF_ABOUT_VERDICT : CF_ABOUT_OTHER;
}

void cf_audit_fault(cf_audit_t *a, cf_who_t who, char const *file, char const *next, char const *fmt, ...) {
  uint64_t number = a->n.faults++;
  if (number >= CF_AUDIT_FAULTS_MAX) return;
  cf_audit_fault_t *f = &a->faults[number];
  *f = (cf_audit_fault_t){
      .about = about(&who), .check = who.check, .receipt = who.receipt, .entry = who.entry, .next = next, .rank = who.rank, .number = number};
  if (file && *file) snprintf(f->file, sizeof f->file, "%.119s", file);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(f->text, sizeof f->text, fmt, ap);
  va_end(ap);
  make_printable(f->file, true);
  make_printable(f->text, false);
}

/* ---- files ---- */

cf_span_t cf_audit_keep(cf_audit_t *a, cf_span_t s) {
  uint8_t *p = cf_mem_take(&a->mem, s.len + 1);
  if (s.len) memcpy(p, s.ptr, s.len);
  return CF_SPAN(p, s.len);
}

static cf_name_t *find_name(cf_audit_t const *a, char const *name, cf_hash_t *key) {
  uint64_t row;
  *key = cf_sha256(CF_SPAN(name, strlen(name)));
  for (cf_map_find_t f = cf_map_find(&a->by_name, key); cf_map_next(&f, &row);) {
    cf_name_t *n = cf_vec_at(&a->names, row);
    if (!strcmp(n->name, name)) return n;
  }
  return NULL;
}

static void on_name(void *ctx, char const *name) {
  cf_audit_t *a = ctx;
  cf_hash_t   key;
  size_t      len = strlen(name);
  cf_tile_t   tile;
  if (find_name(a, name, &key)) return;
  uint64_t   row = a->names.cnt;
  cf_name_t *n = cf_vec_add(&a->names, &a->mem);
  n->name = (char const *)cf_audit_keep(a, CF_SPAN(name, len)).ptr;
  cf_map_add(&a->by_name, &a->mem, &key, row);
  if (len > 4 && !memcmp(name, "log/", 4) && !cf_tile_parse(&tile, CF_SPAN(name + 4, len - 4)))
    *(cf_tile_name_t *)cf_vec_add(&a->tiles, &a->mem) = (cf_tile_name_t){tile, row};
}

bool cf_audit_list(cf_audit_t *a) {
  a->listed = a->reader.list != NULL;
  if (a->listed && a->reader.list(a->reader.ctx, on_name, a)) a->failed_io = true;
  return !a->failed_io;
}

void cf_audit_account(cf_audit_t *a, char const *name) {
  cf_hash_t  key;
  cf_name_t *n = find_name(a, name, &key);
  if (n) n->accounted = true;
}

bool cf_audit_has(cf_audit_t *a, char const *name) {
  cf_hash_t key;
  return !a->listed || find_name(a, name, &key);
}

cf_read_t cf_audit_try(cf_audit_t *a, cf_span_t *out, char const *name, size_t max) {
  *out = CF_SPAN(NULL, 0);
  cf_audit_account(a, name);
  cf_read_t r = a->failed_io ? CF_READ_FAILED : a->reader.read(a->reader.ctx, name, max, out);
  if (r == CF_READ_FAILED) a->failed_io = true;
  if (r == CF_READ_OK) {
    a->n.files++;
    a->n.bytes += out->len;
  }
  return r;
}

bool cf_audit_read(cf_audit_t *a, cf_span_t *out, char const *name, size_t max, cf_who_t who, char const *by) {
  switch (cf_audit_try(a, out, name, max)) {
  case CF_READ_OK:
    return true;
  case CF_READ_ABSENT:
    cf_audit_fault(a, who, name, cf_next_copy, "missing; %s", by);
    return false;
  case CF_READ_LARGE:
    cf_audit_fault(a, who, name, cf_next_copy, "larger than the %zu bytes it may have; %s", max, by);
    return false;
  case CF_READ_FAILED:
    return false;
  }
  return false;
}

bool cf_audit_archived(cf_audit_t *a, cf_span_t *out, cf_hash_t const *hash, cf_who_t who, char const *by) {
  char      name[80], is_text[16];
  cf_hash_t nothing = cf_sha256(CF_SPAN(NULL, 0));
  memcpy(name, "archive/", 8);
  cf_hex_encode(name + 8, CF_SPAN(hash->b, 32));
  *out = CF_SPAN(NULL, 0);
  if (cf_hash_eq(hash, &nothing)) { /* what is empty needs no file */
    if (!a->listed || !cf_audit_has(a, name)) return true;
  }
  if (!cf_audit_read(a, out, name, CF_ARCHIVE_MAX, who, by)) return false;
  cf_hash_t is = cf_sha256(*out);
  if (cf_hash_eq(&is, hash)) return true;
  cf_audit_fault(a, who, name, cf_next_copy, "hashes to %s; %s", cf_short(is_text, is.b), by);
  return false;
}

/* ---- everything is accounted for ---- */

static bool is_beyond(cf_audit_t const *a, char const *name) {
  cf_tile_t t;
  if (strncmp(name, "log/", 4) || cf_tile_parse(&t, CF_SPAN(name + 4, strlen(name) - 4))) return false;
  unsigned shift = t.row > 0 ? 8 * (unsigned)t.row : 0;
  return shift < 64 && t.index * CF_TILE_WIDTH + t.width > a->size >> shift;
}

void cf_audit_accounts(cf_audit_t *a) {
  for (uint64_t i = 0; i < a->names.cnt; i++) {
    cf_name_t const *n = cf_vec_at(&a->names, i);
    if (n->accounted) continue;
    /* Where a part could not be judged, what it would have referred to is not known. */
    bool unknowable = a->unread && (!strncmp(n->name, "archive/", 8) || !strncmp(n->name, "checkpoints/", 12) ||
                                    !strncmp(n->name, "ledger/blocks/", 14) || !strncmp(n->name, "log/tile/", 9));
    if (unknowable) continue;
    a->outgrown |= a->size && is_beyond(a, n->name);
    bool archive = !strncmp(n->name, "archive/", 8), log = !strncmp(n->name, "log/", 4);
    cf_audit_fault(a, CF_WHO(CF_RANK_FILES, 0), n->name, "remove it, or say what it is: whatever is served must be accounted for",
                   archive ? "nothing refers to it"
                   : log   ? "is no file of a log of %llu entries"
                           : "nothing accounts for it",
                   (ull_t)a->size);
  }
  if (a->outgrown)
    cf_audit_fault(a, CF_WHO(CF_RANK_FILES, 9), "log/checkpoint", cf_next_copy,
                   "is of %llu entries, and files of a larger log lie beside it: an older one", (ull_t)a->size);
}

/* ---- the whole ---- */

static int by_rank(void const *x, void const *y) {
  cf_audit_fault_t const *a = x, *b = y;
  uint64_t const          ka[] = {a->rank, a->receipt ? a->receipt : UINT64_MAX, a->check, a->number};
  uint64_t const          kb[] = {b->rank, b->receipt ? b->receipt : UINT64_MAX, b->check, b->number};
  for (size_t i = 0; i < 4; i++)
    if (ka[i] != kb[i]) return ka[i] < kb[i] ? -1 : 1;
  return 0;
}

static void tally(cf_audit_t *a) {
  a->n.receipts = a->counting.cnt;
  for (uint64_t i = 0; i < a->receipts.cnt; i++) {
    cf_receipt_row_t const *r = cf_vec_at(&a->receipts, i);
    a->n.hold += r->judged == CF_JUDGED_HOLDS;
    a->n.provisional += r->judged == CF_JUDGED_PROVISIONAL;
    a->n.fail += r->judged == CF_JUDGED_FAILS;
    a->n.skipped += r->kind == CF_RECEIPT_SKIPPED;
    a->n.not_judged += r->judged == CF_JUDGED_NOT && r->kind != CF_RECEIPT_SKIPPED;
  }
  a->n.inputs = a->ids.cnt;
  a->n.entries = a->size;
  a->n.contents = a->contents.cnt;
  for (uint64_t i = 0; i < a->contents.cnt; i++) {
    cf_content_row_t const *c = cf_vec_at(&a->contents, i);
    a->n.executed += c->executed;
    a->n.abandoned += c->abandoned != 0;
  }
  for (uint64_t i = 0; i < a->epochs.cnt; i++)
    a->n.epochs += ((cf_epoch_row_t *)cf_vec_at(&a->epochs, i))->boot.certified_index != CF_NO_INDEX;
  if (!a->on_chain) a->n.blocks = a->blocks.cnt;
  a->n.registrations = a->registrations.cnt;
  a->n.checkpoints = a->notes.cnt;
  size_t kept = a->n.faults < CF_AUDIT_FAULTS_MAX ? (size_t)a->n.faults : CF_AUDIT_FAULTS_MAX;
  if (kept) qsort(a->faults, kept, sizeof *a->faults, by_rank);
}

cf_audit_t *cf_audit_new(cf_audit_reader_t const *reader, cf_audit_options_t const *options) {
  cf_mem_t    mem = {0};
  cf_audit_t *a = cf_mem_take(&mem, sizeof *a);
  a->mem = mem;
  a->reader = options->since ? cf_since_reader(options->since, reader) : *reader;
  a->options = *options;
  bool wanted = options->domain || (options->since && cf_since_knows(options->since, &a->wanted_domain, NULL, NULL));
  if (options->domain) a->wanted_domain = *options->domain;
  if (wanted) a->options.domain = &a->wanted_domain;
  a->faults = cf_mem_take(&a->mem, CF_AUDIT_FAULTS_MAX * sizeof *a->faults);
  a->names = cf_vec(sizeof(cf_name_t));
  a->tiles = cf_vec(sizeof(cf_tile_name_t));
  a->narrow = cf_vec(sizeof(cf_narrow_row_t));
  a->notes = cf_vec(sizeof(cf_kept_note_t));
  a->boots = cf_vec(sizeof(uint64_t));
  a->epochs = cf_vec(sizeof(cf_epoch_row_t));
  a->results = cf_vec(sizeof(cf_result_row_t));
  a->lies = cf_vec(sizeof(cf_result_row_t const *));
  a->receipts = cf_vec(sizeof(cf_receipt_row_t));
  a->contents = cf_vec(sizeof(cf_content_row_t));
  a->counting = cf_vec(sizeof(uint64_t));
  a->blocks = cf_vec(sizeof(cf_block_row_t));
  a->named = cf_vec(sizeof(cf_audit_named_t));
  a->moves = cf_vec(sizeof(cf_move_row_t));
  a->registrations = cf_vec(sizeof(cf_registration_row_t));
  a->proofs = cf_vec(sizeof(cf_proof_row_t));
  a->lanes = cf_vec(sizeof(cf_lanes_row_t));
  a->ids = cf_vec(sizeof(cf_hash_t));
  for (size_t i = 0; i < 64; i++) a->level[i] = cf_vec(sizeof(cf_hash_t));
  cf_chain_init(&a->chain);
  return a;
}

cf_status_t cf_audit_run(cf_audit_t **out, cf_audit_reader_t const *reader, cf_audit_options_t const *options) {
  static bool (*const steps[])(cf_audit_t *) = {cf_audit_list,    cf_audit_since,   cf_audit_blocks,   cf_audit_genesis,
                                                cf_audit_chain_ask, cf_audit_log,   cf_audit_history,  cf_audit_notes,
                                                cf_audit_results, cf_audit_ledger,  cf_audit_contents, cf_audit_holdings,
                                                cf_audit_keys,    cf_audit_receipts};
  cf_audit_t *a = cf_audit_new(reader, options);
  *out = a;

  size_t done = 0;
  while (done < sizeof steps / sizeof *steps && !a->failed_io && steps[done](a)) done++;
  if (done < sizeof steps / sizeof *steps) a->unread = true;
  if (!a->failed_io) cf_audit_accounts(a);
  tally(a);
  if (a->failed_io) return CF_ERR_IO;
  if (a->n.faults) return CF_ERR_AUTH;
  return cf_audit_unasked(a) ? CF_ERR_UNSUPPORTED : CF_OK;
}

void cf_audit_free(cf_audit_t *a) {
  if (!a) return;
  cf_chain_fini(&a->chain);
  cf_mem_t mem = a->mem; /* a lies in it */
  cf_mem_free(&mem);
}

cf_audit_counts_t const *cf_audit_counts(cf_audit_t const *a) { return &a->n; }

cf_audit_fault_t const *cf_audit_fault_at(cf_audit_t const *a, size_t i) { return &a->faults[i]; }

cf_span_t cf_audit_fork(cf_audit_t const *a) { return CF_SPAN(a->fork, a->fork_sz); }

bool cf_audit_boot(cf_audit_t const *a, cf_audit_boot_t *out, size_t i) {
  if (i >= a->boots.cnt) return false;
  uint64_t              index = *(uint64_t const *)cf_vec_at(&a->boots, i);
  cf_epoch_row_t const *e = cf_audit_epoch(a, index);
  cf_kept_note_t const *n = cf_audit_note_covering(a, index);
  *out = (cf_audit_boot_t){index, e ? e->boot.certified_index : CF_NO_INDEX, n ? n->time_s : 0};
  return true;
}

cf_audit_lie_t cf_audit_lie_at(cf_audit_t const *a, size_t i) {
  cf_result_row_t const *r = *(cf_result_row_t *const *)cf_vec_at(&a->lies, i);
  return (cf_audit_lie_t){r->member, r->index, r->lie};
}

bool cf_audit_witnessed(cf_audit_t const *a, uint64_t *size, uint64_t *time_s) {
  if (!a->notes.cnt) return false;
  cf_kept_note_t const *n = cf_vec_at(&a->notes, a->notes.cnt - 1);
  *size = n->size;
  *time_s = n->time_s;
  return true;
}

bool cf_audit_domain(cf_audit_t const *a, cf_hash_t *domain) {
  *domain = a->domain.id;
  return a->has_genesis;
}
