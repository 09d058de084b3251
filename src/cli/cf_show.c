#include "cli/cf_show.h"

#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "codec/cf_cbor.h"
#include "document/cf_ear.h"
#include "evidence/cf_judgement_bundle.h"
#include "evidence/cf_statement.h"
#include "evidence/cf_verdict.h"
#include "document/cf_carrier.h"
#include "ledger/cf_blocks.h"
#include "party/cf_bundle.h"
#include "session/cf_envelope.h"
#include "translog/cf_proof.h"

/* ---- pieces ---- */

static void print_table(cf_jw_t *j, char const *key, cf_table_t const *t, void const *doc) {
  cf_wr_t text = cf_room(512 << 10);
  cf_table_print(&text, t, doc);
  cf_jw_raw(j, key, cf_wr_out(&text));
  free(text.buf);
}

static bool decode_table(cf_jw_t *j, char const *key, cf_table_t const *t, cf_span_t in, cf_error_t *err) {
  void *doc = calloc(1, t->size);
  if (!doc) abort();
  bool ok = cf_table_decode(doc, t, in, err) == CF_OK;
  if (ok) print_table(j, key, t, doc);
  free(doc);
  return ok;
}

/* ---- COSE_Sign1 ---- */

static bool council_payload(cf_jw_t *j, cf_table_t const *t, cf_span_t payload, cf_error_t *err) {
  cf_council_doc_t d;
  if (cf_council_doc_decode(&d, payload, err)) return false;
  cf_hash_t hash = cf_document_hash(CF_SPAN(NULL, 0), d.body);
  cf_jw_hex(j, "hash", CF_SPAN_OF(hash.b));
  if (t == &cf_genesis_table) {
    cf_hash_t domain = cf_domain(d.body);
    cf_jw_hex(j, "domain", CF_SPAN_OF(domain.b));
  }
  cf_jw_u64(j, "council", d.council);
  cf_jw_arr(j, "signed_by");
  for (size_t i = 0; i < d.sigs_cnt; i++) cf_jw_u64(j, NULL, d.member[i]);
  cf_jw_end(j, ']');
  return decode_table(j, "document", t, d.body, err);
}

static bool ear_payload(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_ear_t   ear;
  cf_sign1_t s;
  if (cf_ear_open(&ear, &s, in, err)) return false;
  cf_jw_obj(j, "document");
  cf_jw_str(j, "status",
            ear.status == CF_EAR_AFFIRMING ? "affirming"
            : ear.status == CF_EAR_WARNING ? "warning"
                                           : "contraindicated");
  cf_jw_text(j, "verdict", ear.verdict);
  cf_jw_u64(j, "time", ear.time);
  cf_jw_u64(j, "until", ear.until);
  cf_jw_u64(j, "platform", ear.platform);
  cf_jw_u64(j, "class", ear.class);
  cf_jw_u64(j, "debug", ear.debug);
  struct {
    char const    *name;
    uint8_t const *at;
  } const hashes[] = {{"measurement", ear.measurement},
                      {"domain", ear.domain},
                      {"certificate", ear.certificate},
                      {"nonces", ear.nonces},
                      {"evidence", ear.evidence},
                      {"collateral", ear.collateral},
                      {"policy", ear.policy}};
  for (size_t i = 0; i < CF_COUNT_OF(hashes); i++) cf_jw_hex(j, hashes[i].name, CF_SPAN(hashes[i].at, 32));
  cf_jw_end(j, '}');
  return true;
}

static bool show_sign1(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_sign1_t s;
  if (cf_sign1_decode(&s, in, NULL, err)) return false;
  cf_table_t const *t = cf_table_by_typ(s.hdr.typ);
  if (cf_span_eq(s.hdr.typ, CF_SPAN(cf_statement_table.typ, strlen(cf_statement_table.typ)))) t = &cf_statement_table;
  cf_jw_text(j, "typ", s.hdr.typ);
  cf_jw_hex(j, "kid", s.hdr.kid);
  if (s.hdr.iss.len) {
    cf_jw_text(j, "iss", s.hdr.iss);
    cf_jw_text(j, "sub", s.hdr.sub);
  }
  if (t == &cf_genesis_table || t == &cf_policy_table || t == &cf_deployment_table) return council_payload(j, t, s.payload, err);
  cf_hash_t hash = cf_document_hash(s.protected_hdr, s.payload);
  cf_jw_hex(j, "hash", CF_SPAN_OF(hash.b));
  if (t) return decode_table(j, "document", t, s.payload, err);
  if (cf_span_eq(s.hdr.typ, CF_SPAN_LIT(CF_EAR_TYP))) return ear_payload(j, in, err);
  (void)cf_error_set(err, CF_ERR_UNSUPPORTED, "typ", 0, "%.*s is no type of ours", (int)s.hdr.typ.len, s.hdr.typ.ptr);
  return false;
}

/* ---- texts ---- */

static void note_value(cf_jw_t *j, cf_note_t const *n) {
  cf_checkpoint_t cp;
  if (cf_checkpoint_parse(&cp, n->text, NULL) == CF_OK) {
    cf_jw_text(j, "origin", cp.origin);
    cf_jw_u64(j, "size", cp.size);
    cf_jw_hex(j, "root", CF_SPAN_OF(cp.root.b));
  } else cf_jw_text(j, "text", n->text);
  cf_jw_arr(j, "signatures");
  for (size_t i = 0; i < n->sig_cnt; i++) cf_jw_text(j, NULL, n->sig[i].name);
  cf_jw_end(j, ']');
}

static bool show_note(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_note_t n;
  if (cf_note_parse(&n, in, err)) return false;
  note_value(j, &n);
  return true;
}

static void path_value(cf_jw_t *j, cf_hash_t const *path, size_t cnt) {
  cf_jw_arr(j, "path");
  for (size_t i = 0; i < cnt; i++) cf_jw_hex(j, NULL, CF_SPAN_OF(path[i].b));
  cf_jw_end(j, ']');
}

static bool show_tlog_proof(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_tlog_proof_t p;
  cf_note_t       n;
  if (cf_tlog_proof_parse(&p, in, err) || cf_note_parse(&n, p.note, err)) return false;
  cf_jw_u64(j, "index", p.index);
  path_value(j, p.path, p.path_cnt);
  note_value(j, &n);
  return true;
}

static bool show_vkey(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_vkey_t k;
  while (in.len && in.ptr[in.len - 1] == '\n') in.len--;
  if (cf_vkey_parse(&k, in)) return (void)cf_error_set(err, CF_ERR_FORMAT, "vkey", 0, "not name+id+key"), false;
  cf_jw_str(j, "name", k.name);
  cf_jw_str(j, "type", k.type == CF_VKEY_LOG ? "ed25519" : "cosignature/v1");
  cf_jw_hex(j, "key", CF_SPAN_OF(k.pub.b));
  return true;
}

/* ---- a party's files ---- */

static bool show_receipt_file(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_receipt_file_t f;
  if (cf_receipt_file_decode(&f, in, err)) return false;
  cf_jw_u64(j, "index", f.index);
  path_value(j, f.path, f.path_cnt);
  return show_sign1(j, f.receipt, err);
}

static bool show_bundle(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_bundle_t *b = calloc(1, sizeof *b);
  cf_note_t    n;
  if (!b) abort();
  bool ok = cf_bundle_decode(b, in, err) == CF_OK;
  if (ok) {
    cf_proven_t const *const parts[] = {&b->deployment, &b->boot, &b->certificate};
    char const *const        names[] = {"deployment", "boot", "certificate"};
    for (size_t i = 0; ok && i < 3; i++) {
      cf_jw_obj(j, names[i]);
      cf_jw_u64(j, "entry", parts[i]->index);
      ok = show_sign1(j, parts[i]->entry, err);
      cf_jw_end(j, '}');
    }
    cf_jw_u64(j, "results", b->results_cnt);
    cf_jw_u64(j, "statements", b->statements_cnt);
    cf_jw_u64(j, "evidence_bytes", b->evidence.len);
    cf_jw_bool(j, "fresh", b->fresh.len > 0);
    if (cf_note_parse(&n, b->note, NULL) == CF_OK) note_value(j, &n);
  }
  free(b);
  return ok;
}

static bool show_judgement(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_judgement_bundle_t *b = calloc(1, sizeof *b);
  if (!b) abort();
  bool ok = cf_judgement_bundle_decode(b, in, err) == CF_OK;
  if (ok) {
    cf_hash_t record = cf_judgement_bundle_record(b);
    cf_jw_str(j, "at", cf_time(b->asked.at));
    cf_jw_hex(j, "record", CF_SPAN_OF(record.b));
    if (b->asked.nonce.len) cf_jw_hex(j, "nonce", b->asked.nonce);
    if (b->asked.waived) cf_jw_bool(j, "no_crl", true);
    cf_jw_arr(j, "items");
    for (size_t i = 0; i < b->items_cnt; i++) {
      cf_hash_t hash = cf_sha256(b->items[i].bytes);
      cf_jw_obj(j, NULL);
      cf_jw_str(j, "role", cf_role_name((cf_role_t)b->items[i].role));
      cf_jw_u64(j, "bytes", b->items[i].bytes.len);
      cf_jw_hex(j, "sha256", CF_SPAN_OF(hash.b));
      cf_jw_end(j, '}');
    }
    cf_jw_end(j, ']');
    cf_jw_u64(j, "trusted_roots", b->roots_cnt);
    cf_json_t result;
    if (!cf_json_parse(&result, b->result, NULL)) cf_jw_raw(j, "result", b->result);
    if (b->policy.len) ok = decode_table(j, "policy", &cf_appraisal_table, b->policy, err);
    cf_jw_bool(j, "proof", b->proof.len > 0);
  }
  free(b);
  return ok;
}

static bool show_envelope(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_envelope_t e;
  cf_refuse_t   no = cf_envelope_decode(&e, in, CF_ENVELOPE_MAX);
  if (no) return (void)cf_error_set(err, CF_ERR_FORMAT, "envelope", 0, "%s", cf_refuse_name(no)), false;
  cf_hash_t id = cf_envelope_id(in);
  cf_jw_hex(j, "id", CF_SPAN_OF(id.b));
  cf_jw_str(j, "form", e.kind == CF_ENVELOPE_OPENING ? "opening" : "session");
  cf_jw_hex(j, "domain", CF_SPAN_OF(e.domain.b));
  cf_jw_u64(j, "epoch", e.epoch);
  cf_jw_hex(j, "session", CF_SPAN_OF(e.session));
  cf_jw_u64(j, "counter", e.counter);
  cf_jw_text(j, "jurisdiction", e.jurisdiction);
  cf_jw_str(j, "suite", e.suite->name);
  cf_jw_u64(j, "bytes", in.len);
  return true;
}

/* ---- the operator's ---- */

static bool show_evidence(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_tpm_evidence_t e;
  if (cf_carrier_decode(&e, in, err)) return false;
  print_table(j, "document", &cf_tpm_evidence_table, &e);
  return true;
}

static bool show_block(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  cf_block_t b;
  if (cf_block_decode(&b, in)) return (void)cf_error_set(err, CF_ERR_FORMAT, "block", 0, "no block of a ledger"), false;
  cf_hash_t hash = cf_block_hash(&b.header);
  cf_jw_u64(j, "number", b.header.number);
  cf_jw_hex(j, "hash", CF_SPAN_OF(hash.b));
  cf_jw_hex(j, "parent", CF_SPAN_OF(b.header.parent.b));
  cf_jw_u64(j, "time", b.header.time_s);
  cf_jw_u64(j, "calls", b.header.calls);
  cf_jw_hex(j, "state_root", CF_SPAN_OF(b.header.state_root.b));
  return true;
}

static bool show_configuration(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  return decode_table(j, "document", &cf_configuration_table, in, err);
}

static bool show_policy(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  return decode_table(j, "document", &cf_policy_table, in, err);
}

static bool show_appraisal(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  return decode_table(j, "document", &cf_appraisal_table, in, err);
}

/* ---- which is it ---- */

static bool begins(cf_span_t in, char const *text) {
  size_t n = strlen(text);
  return in.len >= n && !memcmp(in.ptr, text, n);
}

static bool show_cbor(cf_jw_t *j, cf_span_t in, cf_error_t *err) {
  size_t offset;
  if (cf_cbor_check(in, &offset))
    return (void)cf_error_set(err, CF_ERR_FORMAT, "file", offset, "no file of ours, and no deterministic CBOR"), false;
  size_t max = 16 * in.len + 4096;
  char  *text = malloc(max);
  if (!text) abort();
  cf_jw_text(j, "diagnostic", CF_SPAN(text, cf_cbor_diag(text, max, in)));
  free(text);
  return true;
}

typedef bool show_fn_t(cf_jw_t *j, cf_span_t in, cf_error_t *err);

/* A file whose beginning says what it is, is that or nothing; others are tried in turn. */
static show_fn_t *by_beginning(cf_span_t in, char const **kind) {
  if (begins(in, "c2sp.org/tlog-proof@")) return *kind = "tlog-proof", show_tlog_proof;
  if (in.len && in.ptr[0] == 0xd2) return *kind = "statement", show_sign1;
  if (cf_utf8_valid(in) && memmem(in.ptr, in.len, "\n\n\xe2\x80\x94 ", 6)) return *kind = "note", show_note;
  return NULL;
}

bool cf_show_value(cf_wr_t *wr, cf_span_t in, cf_error_t *err) {
  static struct {
    char const *kind;
    show_fn_t  *show;
  } const rows[] = {{"receipt-file", show_receipt_file},
                    {"bundle", show_bundle},
                    {"judgement-bundle", show_judgement},
                    {"envelope", show_envelope},
                    {"evidence", show_evidence},
                    {"configuration", show_configuration},
                    {"policy", show_policy},
                    {"appraisal", show_appraisal},
                    {"block", show_block},
                    {"vkey", show_vkey},
                    {"cbor", show_cbor}};
  char const *kind = NULL;
  show_fn_t  *show = by_beginning(in, &kind);
  size_t      start = wr->len;
  for (size_t i = 0; i < (show ? 1 : CF_COUNT_OF(rows)); i++) {
    cf_error_t why = {0};
    wr->len = start;
    cf_jw_t j = cf_jw_init(wr);
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "kind", show ? kind : rows[i].kind);
    if ((show ? show : rows[i].show)(&j, in, &why)) {
      cf_jw_end(&j, '}');
      return true;
    }
    if (show || i + 1 == CF_COUNT_OF(rows)) *err = why;
  }
  return false;
}
