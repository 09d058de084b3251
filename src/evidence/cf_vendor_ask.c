/* Where an item is asked for, and when again. */
#include <stdio.h>

#include "base/cf_text.h"
#include "evidence/cf_vendor_answer.h"

/* ---- where ---- */

static bool intel_path(char out[CF_VENDOR_PATH_MAX], bool cache, cf_vendor_item_t const *i) {
  char const *tee = i->tee == CF_TEE_TDX ? "tdx" : "sgx";
  char        a[33], b[33], c[5], d[5];
  switch (i->kind) {
  case CF_VENDOR_TCB_INFO:
    snprintf(out, CF_VENDOR_PATH_MAX, "/%s/certification/v4/tcb?fmspc=%s", tee, cf_hex_encode(a, CF_SPAN_OF(i->fmspc)));
    return true;
  case CF_VENDOR_IDENTITY:
    snprintf(out, CF_VENDOR_PATH_MAX, "/%s/certification/v4/qe/identity", tee);
    return true;
  case CF_VENDOR_PCK_CRL:
    snprintf(out, CF_VENDOR_PATH_MAX, "/sgx/certification/v4/pckcrl?ca=%s&encoding=der",
             i->platform_ca ? "platform" : "processor");
    return true;
  case CF_VENDOR_ROOT_CRL:
    snprintf(out, CF_VENDOR_PATH_MAX, "/sgx/certification/v4/rootcacrl");
    return cache;
  case CF_VENDOR_PCK:
    snprintf(out, CF_VENDOR_PATH_MAX, "/sgx/certification/v4/pckcert?qeid=%s&cpusvn=%s&pcesvn=%s&pceid=%s",
             cf_hex_encode(a, CF_SPAN_OF(i->qe_id)), cf_hex_encode(b, CF_SPAN_OF(i->cpusvn)),
             cf_hex_encode(c, CF_SPAN_OF(i->pcesvn)), cf_hex_encode(d, CF_SPAN_OF(i->pceid)));
    return cache;
  case CF_VENDOR_VCEK:
  case CF_VENDOR_AMD_CHAIN:
  case CF_VENDOR_AMD_CRL:
    return false;
  }
  return false;
}

static bool amd_path(char out[CF_VENDOR_PATH_MAX], cf_vendor_item_t const *i) {
  char const *key = i->vlek ? "vlek" : "vcek", *product = cf_snp_product_name(i->product);
  char        chip[129], fmc[16] = "";
  switch (i->kind) {
  case CF_VENDOR_VCEK:
    cf_hex_encode(chip, CF_SPAN(i->chip, i->product == CF_SNP_TURIN ? 8 : sizeof i->chip));
    if (i->product == CF_SNP_TURIN) snprintf(fmc, sizeof fmc, "fmcSPL=%02u&", i->tcb.fmc);
    snprintf(out, CF_VENDOR_PATH_MAX, "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u", product, chip, fmc,
             i->tcb.bl, i->tcb.tee, i->tcb.snp, i->tcb.ucode);
    return true;
  case CF_VENDOR_AMD_CHAIN:
    snprintf(out, CF_VENDOR_PATH_MAX, "/%s/v1/%s/cert_chain", key, product);
    return true;
  case CF_VENDOR_AMD_CRL:
    snprintf(out, CF_VENDOR_PATH_MAX, "/%s/v1/%s/crl", key, product);
    return true;
  case CF_VENDOR_TCB_INFO:
  case CF_VENDOR_IDENTITY:
  case CF_VENDOR_PCK_CRL:
  case CF_VENDOR_ROOT_CRL:
  case CF_VENDOR_PCK:
    return false;
  }
  return false;
}

bool cf_vendor_path(char out[CF_VENDOR_PATH_MAX], cf_source_kind_t source, cf_vendor_item_t const *item) {
  switch (source) {
  case CF_SOURCE_PCS:
    return intel_path(out, false, item);
  case CF_SOURCE_FILES:
    snprintf(out, CF_VENDOR_PATH_MAX, "/IntelSGXRootCA.der");
    return item->kind == CF_VENDOR_ROOT_CRL;
  case CF_SOURCE_PCCS:
    return intel_path(out, true, item);
  case CF_SOURCE_KDS:
    return amd_path(out, item);
  case CF_SOURCE_ANY:
    return intel_path(out, true, item) || amd_path(out, item);
  }
  return false;
}

bool cf_vendor_needs(cf_vendor_item_t *out, cf_vendor_item_t const *item) {
  if (item->kind != CF_VENDOR_VCEK && item->kind != CF_VENDOR_AMD_CRL) return false;
  *out = (cf_vendor_item_t){.kind = CF_VENDOR_AMD_CHAIN, .product = item->product, .vlek = item->vlek};
  return true;
}

/* ---- when ---- */

#define STEPS_MAX 12 /* 2^11 s: half an hour; the next is the longest */
#define LONGEST_S 3600
#define DAY_S 86400

void cf_vendor_patience_next(cf_vendor_patience_t *p, bool answered, unsigned retry_after_s, int64_t now_s) {
  if (answered) {
    *p = (cf_vendor_patience_t){0};
    return;
  }
  int64_t wait_s = p->failures < STEPS_MAX ? 1 << p->failures : LONGEST_S;
  if (wait_s < (int64_t)retry_after_s) wait_s = retry_after_s;
  if (wait_s > DAY_S) wait_s = DAY_S;
  if (p->failures < UINT32_MAX) p->failures++;
  p->again_s = now_s + wait_s;
}

bool cf_vendor_is_due(cf_vendor_record_t const *record, int64_t at_s, int64_t asked_ms, int64_t max_age_ms, int64_t now_ms) {
  return !record || record->next_s <= at_s || asked_ms > now_ms || now_ms - asked_ms >= max_age_ms;
}
