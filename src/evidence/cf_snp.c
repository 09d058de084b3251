#include "evidence/cf_snp.h"

#include <stdio.h>

#include "codec/cf_der.h"
#include "crypto/cf_hash.h"

#define VERSION_MIN 2
#define VERSION_MAX 5
#define ALGO_P384 1
#define SIGNED_SZ 0x2a0
#define SHA384 0x000c   /* TPM_ALG_ID */
#define SIG_FIELD_SZ 72 /* of which a P-384 number takes 48 */
#define SIG_REST_SZ 368

static char const *const product_names[] = {[CF_SNP_MILAN] = "Milan", [CF_SNP_GENOA] = "Genoa", [CF_SNP_TURIN] = "Turin"};

char const *cf_snp_product_name(cf_snp_product_t product) { return product_names[product]; }

/* ---- reports ---- */

/* What is reserved must be zero: a field in use there has a meaning that would be missed.  *reserved keeps where the first is. */
static void rd_reserved(cf_rd_t *rd, size_t n, size_t *reserved) {
  size_t         pos = rd->pos;
  uint8_t const *at = cf_rd_take(rd, n);
  for (size_t i = 0; at && i < n && !*reserved; i++)
    if (at[i]) *reserved = pos + i;
}

static void rd_version(cf_rd_t *rd, uint8_t out[3], size_t *reserved) {
  for (size_t i = 3; i > 0; i--) out[i - 1] = cf_rd_u8(rd); /* build, minor, major */
  rd_reserved(rd, 1, reserved);
}

/* Little-endian numbers in wide fields, r then s; the rest is outside the signature, so it has one value. */
static bool rd_signature(cf_rd_t *rd, uint8_t out[96]) {
  bool clean = true;
  for (size_t k = 0; k < 2; k++) {
    uint8_t const *at = cf_rd_take(rd, SIG_FIELD_SZ);
    for (size_t i = 0; at && i < SIG_FIELD_SZ; i++) {
      if (i < 48) out[48 * k + 47 - i] = at[i];
      else clean &= at[i] == 0;
    }
  }
  uint8_t const *rest = cf_rd_take(rd, SIG_REST_SZ);
  for (size_t i = 0; rest && i < SIG_REST_SZ; i++) clean &= rest[i] == 0;
  return clean;
}

cf_status_t cf_snp_report_decode(cf_snp_report_t *out, cf_span_t in, cf_error_t *err) {
  cf_snp_report_t r = {0};
  cf_rd_t         rd = cf_rd_span(in);
  size_t          reserved = 0;
  if (in.len != CF_SNP_REPORT_SZ)
    return cf_error_set(err, CF_ERR_FORMAT, "report", 0, "a report of %d bytes is due, not of %zu", CF_SNP_REPORT_SZ, in.len);
  r.version = (uint32_t)cf_rd_le(&rd, 4);
  if (r.version < VERSION_MIN || r.version > VERSION_MAX)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "report.version", 0, "report version %u", r.version);
  r.guest_svn = (uint32_t)cf_rd_le(&rd, 4);
  r.policy = cf_rd_le(&rd, 8);
  r.family_id = cf_rd_take_span(&rd, 16);
  r.image_id = cf_rd_take_span(&rd, 16);
  r.vmpl = (uint32_t)cf_rd_le(&rd, 4);
  uint32_t algo = (uint32_t)cf_rd_le(&rd, 4);
  r.current_tcb = cf_rd_take_span(&rd, 8);
  r.platform_info = cf_rd_le(&rd, 8);
  uint32_t flags = (uint32_t)cf_rd_le(&rd, 4);
  if (flags >> 5) reserved = rd.pos - 4;
  r.author_key = flags & 1;
  r.chip_key_masked = flags >> 1 & 1;
  r.signer = flags >> 2 & 7;
  rd_reserved(&rd, 4, &reserved);
  r.report_data = cf_rd_take_span(&rd, 64);
  r.measurement = cf_rd_take_span(&rd, 48);
  r.host_data = cf_rd_take_span(&rd, 32);
  r.id_key_digest = cf_rd_take_span(&rd, 48);
  r.author_key_digest = cf_rd_take_span(&rd, 48);
  r.report_id = cf_rd_take_span(&rd, 32);
  r.report_id_ma = cf_rd_take_span(&rd, 32);
  r.reported_tcb = cf_rd_take_span(&rd, 8);
  if (r.version >= 3) {
    r.cpuid_family = cf_rd_u8(&rd);
    r.cpuid_model = cf_rd_u8(&rd);
    r.cpuid_stepping = cf_rd_u8(&rd);
  }
  rd_reserved(&rd, r.version >= 3 ? 21 : 24, &reserved);
  r.chip_id = cf_rd_take_span(&rd, 64);
  r.committed_tcb = cf_rd_take_span(&rd, 8);
  rd_version(&rd, r.current_version, &reserved);
  rd_version(&rd, r.committed_version, &reserved);
  r.launch_tcb = cf_rd_take_span(&rd, 8);
  if (r.version >= 5) {
    r.launch_mitigations = cf_rd_le(&rd, 8);
    r.current_mitigations = cf_rd_le(&rd, 8);
  }
  rd_reserved(&rd, SIGNED_SZ - rd.pos, &reserved);
  r.signed_part = CF_SPAN(in.ptr, SIGNED_SZ);
  bool clean = rd_signature(&rd, r.signature);
  if (!cf_rd_done(&rd) || !clean)
    return cf_error_set(err, CF_ERR_FORMAT, "report.signature", SIGNED_SZ, "bytes beside the 48 of r and s are not zero");
  if (algo != ALGO_P384) return cf_error_set(err, CF_ERR_UNSUPPORTED, "report.signature", 0x34, "signature algorithm %u", algo);
  if (reserved)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "report", reserved, "a field is in use that version %u reserves", r.version);
  *out = r;
  return CF_OK;
}

/* ---- TCB ---- */

/* Where each member stands; the other bytes are reserved. */
static struct {
  int8_t fmc, bl, tee, snp, ucode;
} const layouts[] = {[CF_SNP_MILAN] = {-1, 0, 1, 6, 7}, [CF_SNP_GENOA] = {-1, 0, 1, 6, 7}, [CF_SNP_TURIN] = {0, 1, 2, 3, 7}};

cf_status_t cf_snp_tcb(cf_snp_tcb_t *out, cf_snp_product_t product, cf_span_t bytes) {
  cf_snp_tcb_t tcb = {0};
  for (int i = 0; i < 8; i++) {
    uint8_t svn = bytes.ptr[i];
    if (i == layouts[product].fmc) tcb.fmc = svn;
    else if (i == layouts[product].bl) tcb.bl = svn;
    else if (i == layouts[product].tee) tcb.tee = svn;
    else if (i == layouts[product].snp) tcb.snp = svn;
    else if (i == layouts[product].ucode) tcb.ucode = svn;
    else if (svn) return CF_ERR_UNSUPPORTED;
  }
  *out = tcb;
  return CF_OK;
}

char const *cf_snp_tcb_short(cf_snp_tcb_t const *tcb, cf_snp_tcb_t const *min) {
  if (tcb->fmc < min->fmc) return "fmc";
  if (tcb->bl < min->bl) return "bl";
  if (tcb->tee < min->tee) return "tee";
  if (tcb->snp < min->snp) return "snp";
  if (tcb->ucode < min->ucode) return "ucode";
  return NULL;
}

/* ---- roots ---- */

cf_hash_t const cf_snp_roots[3] = {
    [CF_SNP_MILAN] = {{0x69, 0xd0, 0x63, 0xb4, 0x53, 0x44, 0xd2, 0x6a, 0x2e, 0x94, 0xe1, 0xf4, 0x21, 0x0d, 0xe4, 0x9e,
                       0xf5, 0x55, 0x30, 0x82, 0x87, 0xd4, 0xc1, 0x74, 0x44, 0x5c, 0x95, 0x63, 0x9a, 0x54, 0x0b, 0xcd}},
    [CF_SNP_GENOA] = {{0x4c, 0x65, 0x98, 0xd1, 0x9c, 0x18, 0x71, 0x9c, 0x5d, 0xfd, 0x4a, 0x7d, 0x33, 0x5f, 0x67, 0x4e,
                       0x5b, 0xfe, 0x1d, 0x8f, 0x80, 0x0c, 0xea, 0x2c, 0xf2, 0x70, 0xc1, 0x0d, 0x10, 0x3d, 0xb2, 0xf1}},
    [CF_SNP_TURIN] = {{0x1f, 0x08, 0x41, 0x61, 0xa4, 0x4b, 0xb6, 0xd9, 0x37, 0x78, 0xa9, 0x04, 0x87, 0x7d, 0x48, 0x19,
                       0xca, 0xfa, 0x5d, 0x05, 0xef, 0x41, 0x93, 0xb2, 0xde, 0xd9, 0xdd, 0x9c, 0x73, 0xdd, 0x3f, 0x6a}},
};

/* ---- verification ---- */

enum { VEK, ASK, ARK, CERTS };

/* One run; each check reads what those before it established. */
typedef struct {
  cf_snp_ask_t const *ask;
  cf_cert_t           certs[CERTS];
  cf_snp_facts_t     *f;
  cf_verdict_t       *v;
} run_t;

static bool is_zero(cf_span_t s) {
  uint8_t any = 0;
  for (size_t i = 0; i < s.len; i++) any |= s.ptr[i];
  return any == 0;
}

static cf_verdict_code_t check_report(run_t *r) {
  cf_error_t       err = {0};
  cf_snp_report_t *report = &r->f->report;
  if (cf_snp_report_decode(report, r->ask->report, &err)) return cf_verdict_error(r->v, &err);
  r->f->read = true;
  r->f->debug = report->policy & CF_SNP_POLICY_DEBUG;
  if (report->signer != CF_SNP_VCEK && report->signer != CF_SNP_VLEK)
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "report.signer", 0, "signing key %u: neither VCEK nor VLEK",
                          report->signer);
  return CF_VERDICT_OK;
}

/* The root is one that is believed, byte for byte; its name says which product it is for. */
static cf_verdict_code_t check_root(run_t *r) {
  static char const *const names[] = {"vek", "ask", "ark"};
  cf_span_t const          der[] = {r->ask->vek, r->ask->ask, r->ask->ark};
  cf_error_t               err = {0};
  char                     cn[CF_CERT_CN_MAX];
  bool                     pinned = false;
  for (size_t i = 0; i < CERTS; i++) {
    if (!der[i].len) return cf_verdict_set(r->v, CF_VERDICT_COLLATERAL_MISSING, names[i], 0, "the chain has no %s", names[i]);
    if (cf_cert_decode(&r->certs[i], der[i], names[i], &err)) return cf_verdict_error(r->v, &err);
  }
  r->f->root = cf_sha256(r->ask->ark);
  for (size_t i = 0; i < r->ask->root_cnt; i++) pinned |= cf_hash_eq(&r->f->root, &r->ask->roots[i]);
  if (!pinned) return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "ark", 0, "not a root that is believed");
  for (unsigned p = 0; p < sizeof product_names / sizeof product_names[0]; p++)
    if (cf_cert_cn(cn, r->certs[ARK].subject) && !strncmp(cn, "ARK-", 4) && !strcmp(cn + 4, product_names[p])) {
      r->f->product = (cf_snp_product_t)p;
      return CF_VERDICT_OK;
    }
  return cf_verdict_set(r->v, CF_VERDICT_UNSUPPORTED, "ark", 0, "the root of a product that this verifier does not know");
}

/* Which key signs, stands in the report; the names must say so, too. */
static cf_verdict_code_t check_names(run_t *r) {
  bool vlek = r->f->report.signer == CF_SNP_VLEK;
  char want[CF_CERT_CN_MAX], cn[CF_CERT_CN_MAX];
  snprintf(want, sizeof want, "SEV-%s%s", vlek ? "VLEK-" : "", cf_snp_product_name(r->f->product));
  if (!cf_cert_cn(cn, r->certs[ASK].subject) || strcmp(cn, want))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "ask", 0, "not named %s", want);
  snprintf(want, sizeof want, "SEV-%s", vlek ? "VLEK" : "VCEK");
  if (!cf_cert_cn(cn, r->certs[VEK].subject) || strcmp(cn, want))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "vek", 0, "not named %s", want);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_chain(run_t *r) {
  r->f->valid = (cf_interval_t){INT64_MIN, INT64_MAX, r->ask->dates};
  return cf_cert_chain_check(&r->f->valid, r->certs, CERTS, CF_CERT_RSAPSS_SHA384, r->ask->at_s, r->v);
}

/* A product's lists name authorities; a chip's key ends by its TCB. */
static cf_verdict_code_t check_crls(run_t *r) {
  cf_verdict_code_t code = CF_VERDICT_OK;
  for (size_t i = 0; i < r->ask->crl_cnt && !code; i++) {
    cf_crl_t   crl;
    cf_error_t err = {0};
    if (cf_crl_decode(&crl, r->ask->crls[i], "crl", &err)) return cf_verdict_error(r->v, &err);
    code = cf_crl_check(&r->f->valid, &crl, &r->certs[ARK], r->ask->at_s, "crl", r->v);
    if (!code) code = cf_crl_judge(&crl, &r->certs[ASK], r->v);
    if (i == 0 || crl.from_s < r->f->crl_issued_s) r->f->crl_issued_s = crl.from_s;
  }
  return code;
}

static cf_verdict_code_t check_signature(run_t *r) {
  cf_snp_report_t const *report = &r->f->report;
  cf_key_t const        *key = &r->certs[VEK].key;
  if (key->kind != CF_KEY_P384) return cf_verdict_set(r->v, CF_VERDICT_UNSUPPORTED, "vek", 0, "not a P-384 key");
  if (cf_key_verify(key, CF_SIG_ECDSA, SHA384, CF_SPAN_OF(report->signature), report->signed_part))
    return cf_verdict_set(r->v, CF_VERDICT_SIGNATURE, "report.signature", 0, "the chip's key did not sign this report");
  return CF_VERDICT_OK;
}

/* ---- what the certificate says of the chip ---- */

#define AMD "\x2b\x06\x01\x04\x01\x9c\x78\x01" /* 1.3.6.1.4.1.3704.1 */
#define EXT(last) cf_cert_ext(vek, CF_SPAN_LIT(AMD last))

/* The integer of an extension, whole; -1 when it is not one from 0 to 255. */
static int ext_svn(cf_cert_ext_t const *e) {
  if (!e) return -1;
  cf_rd_t  rd = cf_rd_span(e->value);
  uint64_t v = cf_der_uint(&rd, 255);
  return cf_rd_done(&rd) ? (int)v : -1;
}

static cf_verdict_code_t read_tcbs(run_t *r) {
  cf_snp_report_t const *report = &r->f->report;
  struct {
    char const   *item;
    cf_snp_tcb_t *out;
    cf_span_t     bytes;
  } const tcbs[] = {{"report.reported_tcb", &r->f->reported, report->reported_tcb},
                    {"report.committed_tcb", &r->f->committed, report->committed_tcb},
                    {"report.current_tcb", &r->f->current, report->current_tcb},
                    {"report.launch_tcb", &r->f->launch, report->launch_tcb}};
  for (size_t i = 0; i < sizeof tcbs / sizeof tcbs[0]; i++)
    if (cf_snp_tcb(tcbs[i].out, r->f->product, tcbs[i].bytes))
      return cf_verdict_set(r->v, CF_VERDICT_UNSUPPORTED, tcbs[i].item, 0, "a component is in use that %s reserves",
                            cf_snp_product_name(r->f->product));
  r->f->placed = true;
  return CF_VERDICT_OK;
}

/* Every component of the certificate is the reported one; spares are zero like the bytes that they would stand for. */
cf_verdict_code_t cf_snp_vek_tcb_check(cf_cert_t const *vek, cf_snp_product_t product, cf_snp_tcb_t const *t, cf_verdict_t *v) {
  bool turin = product == CF_SNP_TURIN;
  struct {
    char const          *name;
    cf_cert_ext_t const *e;
    int                  want;
    bool                 optional;
  } const rows[] = {{"version", EXT("\x01"), turin ? 1 : 0, false}, {"bl", EXT("\x03\x01"), t->bl, false},
                    {"tee", EXT("\x03\x02"), t->tee, false},        {"snp", EXT("\x03\x03"), t->snp, false},
                    {"ucode", EXT("\x03\x08"), t->ucode, false},    {"fmc", EXT("\x03\x09"), t->fmc, !turin},
                    {"spare 4", EXT("\x03\x04"), 0, true},          {"spare 5", EXT("\x03\x05"), 0, true},
                    {"spare 6", EXT("\x03\x06"), 0, true},          {"spare 7", EXT("\x03\x07"), 0, true}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if ((rows[i].e || !rows[i].optional) && ext_svn(rows[i].e) != rows[i].want)
      return cf_verdict_set(v, CF_VERDICT_BINDING, "vek", 0, "certifies another TCB than the report's: %s is %d, not %d",
                            rows[i].name, ext_svn(rows[i].e), rows[i].want);
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_tcb(run_t *r) {
  cf_verdict_code_t code = read_tcbs(r);
  return code ? code : cf_snp_vek_tcb_check(&r->certs[VEK], r->f->product, &r->f->reported, r->v);
}

/* "Milan-B0", or "Milan": the name up to its stepping. */
static bool names_product(cf_cert_ext_t const *e, cf_snp_product_t product) {
  if (!e) return false;
  cf_rd_t     rd = cf_rd_span(e->value);
  cf_span_t   text = cf_der_take(&rd, CF_DER_IA5);
  char const *want = cf_snp_product_name(product);
  size_t      n = strlen(want);
  return cf_rd_done(&rd) && text.len >= n && !memcmp(text.ptr, want, n) && (text.len == n || text.ptr[n] == '-');
}

/* A chip's key is for one chip. */
cf_verdict_code_t cf_snp_vcek_chip_check(cf_cert_t const *vek, cf_snp_product_t product, cf_span_t id, cf_verdict_t *v) {
  cf_cert_ext_t const *chip = EXT("\x04");
  size_t               id_sz = product == CF_SNP_TURIN ? 8 : 64;
  if (!names_product(EXT("\x02"), product))
    return cf_verdict_set(v, CF_VERDICT_CHAIN, "vek", 0, "for another product than %s", cf_snp_product_name(product));
  if (EXT("\x05") || !chip || chip->value.len != id_sz)
    return cf_verdict_set(v, CF_VERDICT_CHAIN, "vek", 0, "not a VCEK's certificate: a cloud, or no chip is named");
  if (is_zero(id)) return CF_VERDICT_OK; /* masked by its owner */
  if (!cf_span_eq(chip->value, CF_SPAN(id.ptr, id_sz)) || !is_zero(CF_SPAN(id.ptr + id_sz, 64 - id_sz)))
    return cf_verdict_set(v, CF_VERDICT_BINDING, "vek", 0, "the key of another chip");
  return CF_VERDICT_OK;
}

/* A key that a cloud loaded is for all of its machines, and says which cloud. */
static cf_verdict_code_t check_cloud(run_t *r) {
  cf_cert_t const     *vek = &r->certs[VEK];
  cf_cert_ext_t const *csp = EXT("\x05");
  cf_rd_t              rd = cf_rd_span(csp ? csp->value : CF_SPAN(NULL, 0));
  cf_span_t            name = cf_der_take(&rd, CF_DER_IA5);
  if (!names_product(EXT("\x02"), r->f->product))
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "vek", 0, "for another product than %s", cf_snp_product_name(r->f->product));
  if (EXT("\x04") || !cf_rd_done(&rd) || !name.len || name.len >= CF_SNP_CSP_MAX)
    return cf_verdict_set(r->v, CF_VERDICT_CHAIN, "vek", 0, "not a VLEK's certificate: no cloud, or a chip is named");
  for (size_t i = 0; i < name.len; i++) r->f->csp[i] = name.ptr[i] < 0x20 || name.ptr[i] > 0x7e ? '?' : (char)name.ptr[i];
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_chip(run_t *r) {
  if (r->f->report.signer == CF_SNP_VLEK) return check_cloud(r);
  return cf_snp_vcek_chip_check(&r->certs[VEK], r->f->product, r->f->report.chip_id, r->v);
}

static bool fits_cpuid(cf_snp_product_t product, uint8_t family, uint8_t model) {
  switch (product) {
  case CF_SNP_MILAN:
    return family == 0x19 && model <= 0x0f;
  case CF_SNP_GENOA: /* and Bergamo, Siena */
    return family == 0x19 && ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf));
  case CF_SNP_TURIN:
    return family == 0x1a && model <= 0x1f;
  }
  return false;
}

bool cf_snp_product_of(cf_snp_product_t *out, cf_snp_report_t const *report, cf_span_t vek) {
  cf_cert_t  cert;
  cf_error_t err = {0};
  bool       told = report->version < 3 && vek.len && !cf_cert_decode(&cert, vek, "vek", &err);
  for (size_t p = 0; p < sizeof product_names / sizeof product_names[0]; p++) {
    *out = (cf_snp_product_t)p;
    if (report->version >= 3 && fits_cpuid(*out, report->cpuid_family, report->cpuid_model)) return true;
    if (told && names_product(cf_cert_ext(&cert, CF_SPAN_LIT(AMD "\x02")), *out)) return true;
  }
  return false;
}

static cf_verdict_code_t check_cpuid(run_t *r) {
  uint8_t family = r->f->report.cpuid_family, model = r->f->report.cpuid_model;
  if (r->f->report.version < 3) return CF_VERDICT_OK; /* says nothing of it */
  if (fits_cpuid(r->f->product, family, model)) return CF_VERDICT_OK;
  return cf_verdict_set(r->v, CF_VERDICT_BINDING, "report.cpuid", 0, "family %#x, model %#x is no %s", family, model,
                        cf_snp_product_name(r->f->product));
}

/* ---- levels ---- */

static cf_verdict_code_t check_levels(run_t *r) {
  cf_snp_facts_t const *f = r->f;
  struct {
    char const         *item, *than;
    cf_snp_tcb_t const *tcb, *min;
  } const rows[] = {{"report.committed_tcb", "what it reports", &f->committed, &f->reported},
                    {"report.current_tcb", "what it committed to", &f->current, &f->committed}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char const *part = cf_snp_tcb_short(rows[i].tcb, rows[i].min);
    if (part) return cf_verdict_set(r->v, CF_VERDICT_TCB, rows[i].item, 0, "%s is below %s", part, rows[i].than);
  }
  return CF_VERDICT_OK;
}

static cf_verdict_code_t check_data(run_t *r) {
  uint8_t   want[64] = {0};
  cf_span_t data = r->ask->report_data;
  if (!data.len) return CF_VERDICT_OK;
  if (data.len <= sizeof want) memcpy(want, data.ptr, data.len);
  if (data.len > sizeof want || memcmp(want, r->f->report.report_data.ptr, sizeof want))
    return cf_verdict_set(r->v, CF_VERDICT_BINDING, "report.report_data", 0, "the report is over other data");
  return CF_VERDICT_OK;
}

static struct {
  char const *name, *what;
  cf_verdict_code_t (*fn)(run_t *r);
} const checks[] = {
    {"report", "1184 bytes, version 2 to 5, reserved bytes zero, beside r and s too; signed by a VCEK or VLEK", check_report},
    {"root", "the ARK is a root that is believed, byte for byte", check_root},
    {"names", "ASK and VCEK, or ASVK and VLEK, as the report says, of the root's product", check_names},
    {"chain", "RSA-PSS with SHA-384 alone, CA flags, path lengths, critical extensions, all valid at T", check_chain},
    {"crl", "where one is supplied: signed by the ARK, in time, does not name the intermediate", check_crls},
    {"signature", "P-384 over the report", check_signature},
    {"tcb", "every component of the certificate is that of REPORTED_TCB", check_tcb},
    {"chip", "product, and hardware id or cloud, of the certificate are the report's", check_chip},
    {"cpuid", "family and model, from version 3 on, are the product's", check_cpuid},
    {"levels", "reported <= committed <= current, member by member", check_levels},
    {"report-data", "what is expected, all 64 bytes", check_data},
};

bool cf_snp_row(char const **name, char const **what, size_t k) {
  if (k >= sizeof checks / sizeof checks[0]) return false;
  *name = checks[k].name;
  *what = checks[k].what;
  return true;
}

cf_verdict_code_t cf_snp_verify(cf_snp_facts_t *out, cf_snp_ask_t const *ask, cf_verdict_t *v) {
  run_t             r = {.ask = ask, .f = out, .v = v};
  cf_verdict_code_t code = CF_VERDICT_OK;
  *out = (cf_snp_facts_t){0};
  for (size_t k = 0; k < sizeof checks / sizeof checks[0] && !code; k++) code = checks[k].fn(&r);
  out->valid.dates = NULL; /* facts outlive what was asked */
  return code;
}
