#include "evidence/cf_vendor.h"

#include <stdio.h>

#include "base/cf_text.h"
#include "evidence/cf_hcl.h"

/* ---- names ---- */

static char const *const tees[] = {[CF_TEE_SGX] = "sgx", [CF_TEE_TDX] = "tdx"};
static char const *const products[] = {[CF_SNP_MILAN] = "milan", [CF_SNP_GENOA] = "genoa", [CF_SNP_TURIN] = "turin"};

static size_t chip_sz(cf_snp_product_t product) { return product == CF_SNP_TURIN ? 8 : 64; }

static void put_text(cf_wr_t *wr, char const *text) { cf_wr_bytes(wr, text, strlen(text)); }

static void put_hex(cf_wr_t *wr, uint8_t const *bytes, size_t n) {
  char text[2 * 64 + 1];
  put_text(wr, cf_hex_encode(text, CF_SPAN(bytes, n)));
}

static void put_svn(cf_wr_t *wr, char const *before, uint8_t svn) {
  char text[8];
  snprintf(text, sizeof text, "%s%u", before, svn);
  put_text(wr, text);
}

static void put_pck(cf_wr_t *wr, cf_vendor_item_t const *i) {
  put_text(wr, "intel/pck/");
  put_hex(wr, i->qe_id, sizeof i->qe_id);
  put_text(wr, "-");
  put_hex(wr, i->cpusvn, sizeof i->cpusvn);
  put_text(wr, "-");
  put_hex(wr, i->pcesvn, sizeof i->pcesvn);
  put_text(wr, "-");
  put_hex(wr, i->pceid, sizeof i->pceid);
}

static void put_vcek(cf_wr_t *wr, cf_vendor_item_t const *i) {
  put_text(wr, "vcek/");
  put_hex(wr, i->chip, chip_sz(i->product));
  if (i->product == CF_SNP_TURIN) put_svn(wr, "/", i->tcb.fmc);
  put_svn(wr, i->product == CF_SNP_TURIN ? "-" : "/", i->tcb.bl);
  put_svn(wr, "-", i->tcb.tee);
  put_svn(wr, "-", i->tcb.snp);
  put_svn(wr, "-", i->tcb.ucode);
}

static void put_amd(cf_wr_t *wr, cf_vendor_item_t const *i) {
  put_text(wr, "amd/");
  put_text(wr, products[i->product]);
  put_text(wr, "/");
  if (i->kind == CF_VENDOR_VCEK) {
    put_vcek(wr, i);
    return;
  }
  put_text(wr, i->vlek ? "vlek" : "vcek");
  put_text(wr, i->kind == CF_VENDOR_AMD_CHAIN ? "-chain" : "-crl");
}

void cf_vendor_name(char out[CF_VENDOR_NAME_MAX], cf_vendor_item_t const *item) {
  cf_wr_t wr = cf_wr_init(out, CF_VENDOR_NAME_MAX - 1); /* none is nearly as long */
  switch (item->kind) {
  case CF_VENDOR_TCB_INFO:
    put_text(&wr, "intel/tcb-info/");
    put_text(&wr, tees[item->tee]);
    put_text(&wr, "/");
    put_hex(&wr, item->fmspc, sizeof item->fmspc);
    break;
  case CF_VENDOR_IDENTITY:
    put_text(&wr, "intel/identity/");
    put_text(&wr, tees[item->tee]);
    break;
  case CF_VENDOR_PCK_CRL:
    put_text(&wr, item->platform_ca ? "intel/pck-crl/platform" : "intel/pck-crl/processor");
    break;
  case CF_VENDOR_ROOT_CRL:
    put_text(&wr, "intel/root-crl");
    break;
  case CF_VENDOR_PCK:
    put_pck(&wr, item);
    break;
  case CF_VENDOR_VCEK:
  case CF_VENDOR_AMD_CHAIN:
  case CF_VENDOR_AMD_CRL:
    put_amd(&wr, item);
    break;
  }
  out[wr.len] = 0;
}

/* Takes what stands up to the next of the two bytes, or the end. */
static cf_span_t take_word(cf_rd_t *rd, char until) {
  size_t start = rd->pos;
  while (cf_rd_left(rd) && rd->buf[rd->pos] != (uint8_t)until) (void)cf_rd_take(rd, 1);
  cf_span_t word = CF_SPAN(rd->buf + start, rd->pos - start);
  if (cf_rd_left(rd)) (void)cf_rd_take(rd, 1);
  return word;
}

static bool is(cf_span_t word, char const *text) { return cf_span_eq(word, CF_SPAN(text, strlen(text))); }

static bool take_hex(uint8_t *out, size_t n, cf_rd_t *rd, char until) { return !cf_hex_decode(out, n, take_word(rd, until)); }

static bool take_svn(uint8_t *out, cf_rd_t *rd) {
  uint64_t n;
  if (cf_dec_u64(&n, take_word(rd, '-')) || n > 255) return false;
  *out = (uint8_t)n;
  return true;
}

static bool take_tee(cf_tee_t *out, cf_rd_t *rd) {
  cf_span_t word = take_word(rd, '/');
  *out = is(word, tees[CF_TEE_TDX]) ? CF_TEE_TDX : CF_TEE_SGX;
  return is(word, tees[*out]);
}

static bool take_intel(cf_vendor_item_t *i, cf_rd_t *rd) {
  cf_span_t word = take_word(rd, '/');
  if (is(word, "tcb-info")) {
    i->kind = CF_VENDOR_TCB_INFO;
    return take_tee(&i->tee, rd) && take_hex(i->fmspc, sizeof i->fmspc, rd, '/');
  }
  if (is(word, "identity")) {
    i->kind = CF_VENDOR_IDENTITY;
    return take_tee(&i->tee, rd);
  }
  if (is(word, "pck-crl")) {
    i->kind = CF_VENDOR_PCK_CRL;
    i->platform_ca = is(word = take_word(rd, '/'), "platform");
    return i->platform_ca || is(word, "processor");
  }
  if (is(word, "pck")) {
    i->kind = CF_VENDOR_PCK;
    return take_hex(i->qe_id, sizeof i->qe_id, rd, '-') && take_hex(i->cpusvn, sizeof i->cpusvn, rd, '-') &&
           take_hex(i->pcesvn, sizeof i->pcesvn, rd, '-') && take_hex(i->pceid, sizeof i->pceid, rd, '/');
  }
  i->kind = CF_VENDOR_ROOT_CRL;
  return is(word, "root-crl");
}

static bool take_amd(cf_vendor_item_t *i, cf_rd_t *rd) {
  cf_span_t word = take_word(rd, '/');
  size_t    p = 0;
  while (p < CF_COUNT_OF(products) && !is(word, products[p])) p++;
  if (p == CF_COUNT_OF(products)) return false;
  i->product = (cf_snp_product_t)p;
  word = take_word(rd, '/');
  if (is(word, "vcek")) {
    i->kind = CF_VENDOR_VCEK;
    return take_hex(i->chip, chip_sz(i->product), rd, '/') && (i->product != CF_SNP_TURIN || take_svn(&i->tcb.fmc, rd)) &&
           take_svn(&i->tcb.bl, rd) && take_svn(&i->tcb.tee, rd) && take_svn(&i->tcb.snp, rd) && take_svn(&i->tcb.ucode, rd);
  }
  i->vlek = is(word, "vlek-chain") || is(word, "vlek-crl");
  i->kind = is(word, "vcek-crl") || is(word, "vlek-crl") ? CF_VENDOR_AMD_CRL : CF_VENDOR_AMD_CHAIN;
  return i->vlek || i->kind == CF_VENDOR_AMD_CRL || is(word, "vcek-chain");
}

cf_status_t cf_vendor_of(cf_vendor_item_t *out, cf_span_t name) {
  cf_vendor_item_t item = {0};
  char             again[CF_VENDOR_NAME_MAX];
  cf_rd_t          rd = cf_rd_span(name);
  cf_span_t        maker = take_word(&rd, '/');
  bool             good = is(maker, "intel") ? take_intel(&item, &rd) : is(maker, "amd") && take_amd(&item, &rd);
  if (!good) return CF_ERR_FORMAT;
  cf_vendor_name(again, &item);
  if (!is(name, again)) return CF_ERR_FORMAT; /* one item, one name */
  *out = item;
  return CF_OK;
}

/* ---- what is wanted ---- */

bool cf_vendor_is_for(cf_vendor_item_t const *item, cf_role_t role) {
  switch (item->kind) {
  case CF_VENDOR_TCB_INFO:
    return role == CF_ROLE_TCB_INFO || role == CF_ROLE_TCB_INFO_CHAIN;
  case CF_VENDOR_IDENTITY:
    return role == CF_ROLE_QE_IDENTITY || role == CF_ROLE_QE_IDENTITY_CHAIN;
  case CF_VENDOR_PCK_CRL:
    return role == CF_ROLE_PCK_CRL;
  case CF_VENDOR_ROOT_CRL:
    return role == CF_ROLE_ROOT_CA_CRL;
  case CF_VENDOR_PCK:
    return role == CF_ROLE_PCK_CHAIN;
  case CF_VENDOR_VCEK:
    return role == CF_ROLE_VEK;
  case CF_VENDOR_AMD_CHAIN:
    return role == CF_ROLE_ASK || role == CF_ROLE_ARK;
  case CF_VENDOR_AMD_CRL:
    return role == CF_ROLE_CRL;
  }
  return false;
}

typedef struct {
  cf_vendor_item_t         *out;
  size_t                    cnt;
  cf_evidence_item_t const *items;
  size_t                    item_cnt;
} wants_t;

static cf_span_t given(wants_t const *w, cf_role_t role) {
  for (size_t i = 0; i < w->item_cnt; i++)
    if (w->items[i].role == role) return w->items[i].bytes;
  return CF_SPAN(NULL, 0);
}

/* Not what is there already: an item is wanted when a role of its is not given. */
static void want(wants_t *w, cf_vendor_item_t const *item) {
  bool missing = false;
  for (size_t role = 1; role < CF_ROLE_CNT; role++)
    if (cf_vendor_is_for(item, (cf_role_t)role) && !given(w, (cf_role_t)role).ptr) missing = true;
  if (missing && w->cnt < CF_VENDOR_WANTS_MAX) w->out[w->cnt++] = *item;
}

/* ---- SGX, TDX ---- */

/* Which certificate a quote asks for that brings none: its certification data is PPID or its encryption, CPUSVN, PCESVN, PCEID.
 */
static void want_pck(wants_t *w, cf_quote_t const *q) {
  cf_vendor_item_t    item = {.kind = CF_VENDOR_PCK};
  static size_t const ppid_sz[] = {[1] = 16, [2] = 256, [3] = 384};
  if (q->cert_type < 1 || q->cert_type > 3) return;
  cf_rd_t rd = cf_rd_span(q->cert);
  memcpy(item.qe_id, q->covered.ptr + CF_QUOTE_HEADER_USER, sizeof item.qe_id);
  (void)cf_rd_take(&rd, ppid_sz[q->cert_type]);
  cf_rd_copy(&rd, item.cpusvn, sizeof item.cpusvn);
  cf_rd_copy(&rd, item.pcesvn, sizeof item.pcesvn);
  cf_rd_copy(&rd, item.pceid, sizeof item.pceid);
  if (!rd.bad) want(w, &item);
}

static void want_of_chain(wants_t *w, cf_tee_t tee, cf_span_t pck_chain) {
  cf_intel_chain_t chain;
  cf_pck_t         pck;
  cf_verdict_t     v = {0};
  char             cn[CF_CERT_CN_MAX];
  if (cf_intel_chain_read(&chain, pck_chain, CF_INTEL_PCK, "pck_chain", &v)) return;
  if (cf_pck_of(&pck, &chain.cert[0]) || !cf_cert_cn(cn, chain.cert[1].subject)) return;
  cf_vendor_item_t info = {.kind = CF_VENDOR_TCB_INFO, .tee = tee};
  memcpy(info.fmspc, pck.fmspc, sizeof info.fmspc);
  want(w, &info);
  want(w, &(cf_vendor_item_t){.kind = CF_VENDOR_PCK_CRL, .platform_ca = strstr(cn, "Platform CA") != NULL});
}

static void want_of_quote(wants_t *w, cf_span_t quote) {
  cf_quote_t q;
  cf_error_t err = {0};
  if (cf_quote_decode(&q, quote, &err)) return;
  cf_tee_t  tee = cf_quote_is_td(&q) ? CF_TEE_TDX : CF_TEE_SGX;
  cf_span_t chain = q.cert_type == 5 ? q.cert : given(w, CF_ROLE_PCK_CHAIN);
  want(w, &(cf_vendor_item_t){.kind = CF_VENDOR_IDENTITY, .tee = tee});
  want(w, &(cf_vendor_item_t){.kind = CF_VENDOR_ROOT_CRL});
  if (chain.ptr) want_of_chain(w, tee, chain);
  else want_pck(w, &q);
}

/* ---- SNP ---- */

static void want_vcek(wants_t *w, cf_snp_report_t const *r, cf_snp_product_t product) {
  cf_vendor_item_t item = {.kind = CF_VENDOR_VCEK, .product = product};
  uint8_t          any = 0;
  for (size_t i = 0; i < r->chip_id.len; i++) any |= r->chip_id.ptr[i];
  if (!any || r->signer != CF_SNP_VCEK || cf_snp_tcb(&item.tcb, product, r->reported_tcb)) return; /* masked: nobody can ask */
  memcpy(item.chip, r->chip_id.ptr, chip_sz(product));
  want(w, &item);
}

static void want_of_report(wants_t *w, cf_span_t report) {
  cf_snp_report_t  r;
  cf_snp_product_t product;
  cf_hcl_t         hcl;
  cf_error_t       err = {0};
  if (report.len >= 4 && !memcmp(report.ptr, "HCLA", 4)) {
    if (cf_hcl_open(&hcl, report, &err) || hcl.kind != CF_HCL_SNP) return;
    report = hcl.report;
  }
  if (cf_snp_report_decode(&r, report, &err)) return;
  if (!cf_snp_product_of(&product, &r, given(w, CF_ROLE_VEK))) {
    want_vcek(w, &r, CF_SNP_MILAN); /* it is of one of the two that had such reports */
    want_vcek(w, &r, CF_SNP_GENOA);
    return;
  }
  want_vcek(w, &r, product);
  want(w, &(cf_vendor_item_t){.kind = CF_VENDOR_AMD_CHAIN, .product = product, .vlek = r.signer == CF_SNP_VLEK});
  want(w, &(cf_vendor_item_t){.kind = CF_VENDOR_AMD_CRL, .product = product, .vlek = r.signer == CF_SNP_VLEK});
}

void cf_vendor_wants(cf_vendor_item_t out[CF_VENDOR_WANTS_MAX], size_t *cnt, cf_evidence_item_t const *items, size_t item_cnt) {
  wants_t w = {.out = out, .items = items, .item_cnt = item_cnt};
  if (given(&w, CF_ROLE_QUOTE).ptr) want_of_quote(&w, given(&w, CF_ROLE_QUOTE));
  if (given(&w, CF_ROLE_REPORT).ptr) want_of_report(&w, given(&w, CF_ROLE_REPORT));
  *cnt = w.cnt;
}
