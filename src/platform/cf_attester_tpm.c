/* A TPM's quote in parts, as tools and clouds hand it out. */
#include "platform/cf_attester_inside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cf_text.h"
#include "codec/cf_json.h"
#include "platform/cf_tpmdev.h"

/* Where Azure's confidential machines have it, and how large it may be. */
#define HCL_NV 0x01400001u
#define HCL_MAX 8192
#define PUBLIC_MAX 1024 /* RSA-4096 with room to spare */

static cf_span_t keep(cf_attesting_t *a, void const *bytes, size_t n) {
  size_t at = a->room->len;
  cf_wr_bytes(a->room, bytes, n);
  return a->room->bad ? CF_SPAN(NULL, 0) : CF_SPAN(a->room->buf + at, n);
}

/* {"sha256": {"0": hex, ...}} */
static cf_span_t pcrs_json(cf_attesting_t *a, cf_tpm_quote_out_t const *q) {
  size_t  at = a->room->len, k = 0;
  cf_jw_t j = cf_jw_init(a->room);
  cf_jw_obj(&j, NULL);
  cf_jw_obj(&j, "sha256");
  for (unsigned i = 0; i < 24; i++) {
    char name[4];
    if (!(CF_TPM_QUOTE_PCRS >> i & 1)) continue;
    snprintf(name, sizeof name, "%u", i);
    cf_jw_hex(&j, name, CF_SPAN_OF(q->pcrs[k++].b));
  }
  cf_jw_end(&j, '}');
  cf_jw_end(&j, '}');
  return a->room->bad ? CF_SPAN(NULL, 0) : CF_SPAN(a->room->buf + at, a->room->len - at);
}

static void hand_out(cf_attesting_t *a, cf_tpm_quote_out_t const *q, void const *public, size_t public_sz) {
  cf_attester_add(a, "attest", keep(a, q->attest, q->attest_sz));
  cf_attester_add(a, "signature", keep(a, q->signature, q->signature_sz));
  cf_attester_add(a, "ak_public", keep(a, public, public_sz));
  cf_attester_add(a, "pcrs", pcrs_json(a, q));
}

static cf_status_t quote_by_blob(cf_attesting_t *a, cf_tpmdev_t *tpm) {
  uint8_t            made[CF_TPM_BLOB_MAX];
  cf_wr_t            wr = cf_wr_init(made, sizeof made);
  cf_span_t          ak = a->ask->ak;
  cf_tpm_key_t       key;
  cf_tpm_quote_out_t q;
  cf_status_t        st = ak.len ? CF_OK : cf_tpmdev_ak_make(tpm, &wr, a->err);
  if (!ak.len) ak = cf_wr_out(&wr);
  if (!st) st = cf_tpm_key_open(&key, ak, a->err);
  if (!st) st = cf_tpmdev_quote(tpm, &q, ak, a->ask->data, a->err);
  if (!st) hand_out(a, &q, key.public.ptr, key.public.len);
  return st;
}

/* A key that the TPM keeps is one that somebody may have vouched for: of Azure's, its report of the hardware does. */
static cf_status_t quote_by_handle(cf_attesting_t *a, cf_tpmdev_t *tpm) {
  uint8_t public[PUBLIC_MAX], report[HCL_MAX];
  size_t             public_sz, report_sz;
  cf_tpm_quote_out_t q;
  uint32_t           at = a->ask->ak_handle;
  cf_status_t        st = cf_tpmdev_public(tpm, public, &public_sz, sizeof public, at, "tpm.ak", a->err);
  if (!st) st = cf_tpmdev_quote_at(tpm, &q, at, a->ask->data, a->err);
  if (!st) st = cf_tpmdev_nv(tpm, report, &report_sz, sizeof report, HCL_NV, "tpm.hcl-report", a->err);
  if (st) return st;
  hand_out(a, &q, public, public_sz);
  cf_attester_add(a, "hcl_report", keep(a, report, report_sz));
  return CF_OK;
}

static cf_status_t quote(cf_attesting_t *a, cf_tpmdev_t *tpm) {
  cf_status_t st = a->ask->ak_handle ? quote_by_handle(a, tpm) : quote_by_blob(a, tpm);
  if (!st && a->room->bad) return cf_error_set(a->err, CF_ERR_BOUND, "tpm", 0, "more than the room that was given");
  return st ? st : cf_attester_log(a, "/sys/kernel/security/tpm0/binary_bios_measurements");
}

cf_status_t cf_tpm_attest(cf_attesting_t *a) {
  cf_path_t   device = cf_attester_path(a, "/dev/tpmrm0");
  char        tcti[sizeof device.text + 8];
  cf_tpmdev_t tpm = {0};
  snprintf(tcti, sizeof tcti, "device:%s", device.text);
  if (!a->ask->tcti && access(device.text, F_OK))
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, "tpm",
                              "is there a TPM, and its driver? one elsewhere is named by its TCTI (--tpm)", "%s: %s", device.text,
                              strerror(errno));
  a->out->next = "is there a TPM, may this user open it (group tss), and is the key of this very TPM?";
  cf_status_t st = cf_tpmdev_init(&tpm, a->ask->tcti ? a->ask->tcti : tcti, a->err);
  if (!st) st = quote(a, &tpm);
  cf_tpmdev_fini(&tpm);
  if (!st) a->out->platform = CF_PLATFORM_TPM;
  return st;
}
