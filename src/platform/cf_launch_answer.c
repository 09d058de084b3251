/* What the launcher answers: its program (SEAL, QUOTE) and the gateway (EVIDENCE, CHALLENGED, ACTIVATE). */
#include "platform/cf_launch.h"

#include <stdio.h>
#include <string.h>

#include "base/cf_secret.h"
#include "document/cf_boundary.h"
#include "document/cf_carrier.h"
#include "document/cf_documents.h"
#include "document/cf_measure.h"

enum { ASK_EVIDENCE = 1, ASK_CHALLENGED = 2, ASK_ACTIVATE = 3 };
enum { CLASS_OK = 0, CLASS_MALFORMED = 1, CLASS_UNKNOWN = 2, CLASS_TPM = 3, CLASS_FILE = 4 };

static cf_span_t
sub(cf_rd_t *rd) {
  uint32_t n = cf_rd_u32(rd);
  return cf_rd_take_span(rd, n);
}

static void
put(cf_wr_t *wr, cf_span_t s) {
  cf_wr_u32(wr, (uint32_t)s.len);
  cf_wr_span(wr, s);
}

static void
head(cf_wr_t *wr, uint8_t type, uint8_t class) {
  wr->len = 0;
  cf_wr_u8(wr, CF_BOUNDARY_VERSION);
  cf_wr_u8(wr, type);
  cf_wr_u8(wr, class);
}

/* ---- the program ---- */

static uint8_t
seal(cf_launch_t *l, cf_rd_t *rd) {
  uint64_t       number = cf_rd_u64(rd);
  uint8_t const *root   = cf_rd_take(rd, 32);
  uint8_t        blob[2048];
  char           name[32];
  cf_wr_t        wr = cf_wr_init(blob, sizeof blob);
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  if (cf_tpmdev_seal(&l->tpm, &wr, number, root, NULL)) return CLASS_TPM;
  snprintf(name, sizeof name, "root-%llu.blob", (unsigned long long)number);
  return cf_launch_put(l, name, cf_wr_out(&wr), NULL) ? CLASS_FILE : CLASS_OK;
}

static uint8_t
quote(cf_launch_t *l, cf_rd_t *rd) {
  cf_span_t  certificate = sub(rd);
  uint8_t    cnt         = cf_rd_u8(rd);
  cf_span_t  nonces      = cf_rd_take_span(rd, (size_t)cnt * 32);
  cf_sign1_t s;
  if (!cf_rd_done(rd) || cf_nonces_check(nonces) || cf_sign1_decode(&s, certificate, cf_epoch_table.typ, NULL)) return CLASS_MALFORMED;
  cf_hash_t          hash = cf_document_hash(s.protected_hdr, s.payload), list = cf_nonces_hash(nonces);
  cf_launch_quote_t *q    = &l->quotes[l->quotes_next];
  cf_tpm_quote_out_t out;
  cf_tpm_key_t       ak;
  q->evidence_sz = 0;
  q->binding     = cf_binding(&hash, &list);
  if (cf_tpmdev_quote(&l->tpm, &out, CF_SPAN(l->ak, l->ak_sz), CF_SPAN_OF(q->binding.b), NULL) || cf_tpm_key_open(&ak, CF_SPAN(l->ak, l->ak_sz), NULL)) return CLASS_TPM;
  uint8_t           chain[2 * CF_TPMDEV_CERT_MAX + CF_SWTPM_CERT_MAX];
  cf_wr_t           ek = cf_wr_init(chain, sizeof chain), wr = cf_wr_init(q->evidence, sizeof q->evidence);
  cf_tpm_evidence_t e = { .version = 1, .attest = CF_SPAN(out.attest, out.attest_sz), .signature = CF_SPAN(out.signature, out.signature_sz),
                          .ak_public = ak.public, .certificate = certificate, .nonces = nonces };
  cf_wr_bytes(&ek, l->ek_certificate, l->ek_certificate_sz);
  cf_wr_bytes(&ek, l->ca.issuer, l->ca.issuer_sz);
  e.ek_chain = cf_wr_out(&ek);
  memcpy(e.pcrs, out.pcrs, sizeof e.pcrs);
  memcpy(e.identity, l->identity, sizeof e.identity);
  memcpy(e.program, l->program.b, 32);
  memcpy(e.configuration, l->configuration.b, 32);
  cf_carrier_encode(&wr, &e);
  if (wr.bad) return CLASS_MALFORMED;
  q->evidence_sz = wr.len;
  l->quotes_next = (l->quotes_next + 1) % CF_LAUNCH_QUOTES_MAX;
  return CLASS_OK;
}

void
cf_launch_asked(cf_launch_t *l, cf_wr_t *answer, cf_span_t question) {
  cf_rd_t rd      = cf_rd_span(question);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = CLASS_MALFORMED;
  if (version == CF_BOUNDARY_VERSION && type == CF_MSG_SEAL) class = seal(l, &rd);
  if (version == CF_BOUNDARY_VERSION && type == CF_MSG_QUOTE) class = quote(l, &rd);
  head(answer, type, class);
}

/* ---- the gateway ---- */

static uint8_t
evidence(cf_launch_t *l, cf_rd_t *rd, cf_wr_t *out) {
  cf_hash_t binding = cf_rd_hash(rd);
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  for (size_t i = 0; i < CF_LAUNCH_QUOTES_MAX; i++) {
    cf_launch_quote_t const *q = &l->quotes[i];
    if (!q->evidence_sz || !cf_hash_eq(&q->binding, &binding)) continue;
    put(out, CF_SPAN(q->evidence, q->evidence_sz));
    put(out, CF_SPAN(l->ca.root, l->ca.root_sz));
    return CLASS_OK;
  }
  return CLASS_UNKNOWN;
}

static uint8_t
challenged(cf_launch_t *l, cf_rd_t *rd, cf_wr_t *out) {
  cf_tpm_key_t ak;
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  if (cf_tpm_key_open(&ak, CF_SPAN(l->ak, l->ak_sz), NULL)) return CLASS_FILE;
  size_t sizes = l->ek_certificate_sz + l->ca.issuer_sz;
  cf_wr_u32(out, (uint32_t)sizes);
  cf_wr_bytes(out, l->ek_certificate, l->ek_certificate_sz);
  cf_wr_bytes(out, l->ca.issuer, l->ca.issuer_sz);
  put(out, ak.public);
  put(out, CF_SPAN(l->ca.root, l->ca.root_sz));
  return CLASS_OK;
}

static uint8_t
activate(cf_launch_t *l, cf_rd_t *rd, cf_wr_t *out) {
  cf_span_t challenge = sub(rd);
  uint8_t   secret[64];
  size_t    n;
  if (!cf_rd_done(rd)) return CLASS_MALFORMED;
  if (cf_tpmdev_activate(&l->tpm, secret, &n, CF_SPAN(l->ak, l->ak_sz), challenge, NULL) || n != 32) return CLASS_TPM;
  cf_wr_bytes(out, secret, 32);
  cf_wipe(secret, sizeof secret);
  return CLASS_OK;
}

void
cf_launch_answer(cf_launch_t *l, cf_wr_t *answer, cf_span_t question) {
  cf_rd_t rd      = cf_rd_span(question);
  uint8_t version = cf_rd_u8(&rd), type = cf_rd_u8(&rd), class = CLASS_MALFORMED;
  head(answer, type, CLASS_OK);
  if (version == CF_BOUNDARY_VERSION && type == ASK_EVIDENCE) class = evidence(l, &rd, answer);
  if (version == CF_BOUNDARY_VERSION && type == ASK_CHALLENGED) class = challenged(l, &rd, answer);
  if (version == CF_BOUNDARY_VERSION && type == ASK_ACTIVATE) class = activate(l, &rd, answer);
  if (class || answer->bad) {
    answer->bad = false;
    head(answer, type, class ? class : CLASS_MALFORMED);
  }
}
