/* TCB information and enclave identities as Intel's Provisioning Certification Service signs them (API version 4; TCB info of
   version 3, and 2 for SGX), and the levels that a platform, a TDX module and a quoting enclave reach in them.

   Signatures are over the bytes as received: what is read is what was signed, and nothing may stand beside it. */
#ifndef CF_EVIDENCE_TCB_H
#define CF_EVIDENCE_TCB_H

#include "codec/cf_json.h"
#include "evidence/cf_intel.h"

#define CF_TCB_LEVELS_MAX 32
#define CF_TCB_MODULES_MAX 8
#define CF_TCB_MODULE_LEVELS_MAX 16
#define CF_ADVISORIES_MAX 128
#define CF_TCB_INFO_MAX (1 << 18) /* bytes of a document */

typedef enum {
  CF_TCB_NONE = 0,
  CF_TCB_UP_TO_DATE,
  CF_TCB_SW_HARDENING,
  CF_TCB_CONFIGURATION,
  CF_TCB_CONFIGURATION_SW_HARDENING,
  CF_TCB_OUT_OF_DATE,
  CF_TCB_OUT_OF_DATE_CONFIGURATION,
  CF_TCB_REVOKED,
  CF_TCB_RELAUNCH, /* found by us, never in a document */
  CF_TCB_RELAUNCH_CONFIGURATION,
} cf_tcb_status_t;
/* cf_tcb_status_name returns Intel's word ("UpToDate"): static; NULL for NONE. */
char const *cf_tcb_status_name(cf_tcb_status_t status);

typedef struct {
  uint8_t         sgx[CF_SVN_CNT], tdx[CF_SVN_CNT];
  uint16_t        pcesvn;
  cf_tcb_status_t status;
  cf_span_t       date;       /* text, as RFC 3339 */
  cf_json_t       advisories; /* an array of strings, or BAD */
} cf_tcb_level_t;

/* Of a TDX module, or of a quoting enclave. */
typedef struct {
  uint16_t        isvsvn;
  cf_tcb_status_t status;
  cf_json_t       advisories;
} cf_svn_level_t;

typedef struct {
  uint8_t        major; /* of TDX_xx */
  uint8_t        mrsigner[48], attributes[8], mask[8];
  cf_svn_level_t level[CF_TCB_MODULE_LEVELS_MAX]; /* falling */
  size_t         level_cnt;
} cf_tdx_module_t;

/* Spans borrow the document. */
typedef struct {
  bool            td; /* TDX, else SGX */
  uint8_t         fmspc[6], pceid[2];
  int64_t         issued_s, next_s;
  uint64_t        evaluation;
  cf_tdx_module_t module; /* tdxModule: of version 0, without levels */
  cf_tdx_module_t identity[CF_TCB_MODULES_MAX];
  size_t          identity_cnt;
  cf_tcb_level_t  level[CF_TCB_LEVELS_MAX]; /* falling */
  size_t          level_cnt;
} cf_tcb_info_t;

typedef struct {
  bool           td; /* TD_QE, else QE */
  int64_t        issued_s, next_s;
  uint64_t       evaluation;
  uint8_t        miscselect[4], miscselect_mask[4], attributes[16], attributes_mask[16], mrsigner[32];
  uint16_t       isvprodid;
  cf_svn_level_t level[CF_TCB_MODULE_LEVELS_MAX];
  size_t         level_cnt;
} cf_qe_identity_t;

/* cf_tcb_info_read and cf_qe_identity_read check the signature of key over the document's value, and read it.  CF_ERR_FORMAT,
   CF_ERR_UNSUPPORTED (a version, an id or a status that is not known), CF_ERR_BOUND, CF_ERR_AUTH.  Need 48 KiB of stack;
   thread-safe; allocate inside libcrypto only. */
CF_MUST_CHECK cf_status_t cf_tcb_info_read(cf_tcb_info_t *out, cf_span_t in, uint8_t const key[64], cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_qe_identity_read(cf_qe_identity_t *out, cf_span_t in, uint8_t const key[64], cf_error_t *err);

/* ---- levels ---- */

/* cf_tcb_level_find returns the first level that the platform reaches: every SGX component of its certificate and its PCESVN, and
   for a TD (tee_tcb_svn not NULL) every component of TEE_TCB_SVN; of a module with a version of its own bytes 0 and 1 do not
   count. NULL when there is none: *why then says which component is short of the lowest level. */
cf_tcb_level_t const *cf_tcb_level_find(cf_tcb_info_t const *info, cf_pck_t const *pck, uint8_t const *tee_tcb_svn, char why[96]);
/* cf_svn_level_find returns the first level with at most that ISVSVN; NULL when there is none. */
cf_svn_level_t const *cf_svn_level_find(cf_svn_level_t const *levels, size_t cnt, uint16_t isvsvn);
/* cf_tdx_module_find returns the identity of a major version; NULL when there is none. */
cf_tdx_module_t const *cf_tdx_module_find(cf_tcb_info_t const *info, uint8_t major);

/* cf_tcb_converge lowers a platform's status by that of a module or a quoting enclave, which is UP_TO_DATE, OUT_OF_DATE or
 * REVOKED. */
cf_tcb_status_t cf_tcb_converge(cf_tcb_status_t platform, cf_tcb_status_t part);

/* cf_tcb_relaunch says whether a TD of a 1.5 report would be up to date if it were launched again, and then sets *status.
   svn2 is TEE_TCB_SVN_2, sgx the level reached without TDX components.  CF_ERR_UNSUPPORTED: the module
   that is loaded now is not known. */
CF_MUST_CHECK cf_status_t cf_tcb_relaunch(cf_tcb_status_t *status, cf_tcb_info_t const *info, cf_tcb_status_t sgx,
                                          cf_tcb_status_t module, cf_tcb_status_t qe, uint8_t const svn2[16]);

/* ---- advisories ---- */

typedef struct {
  cf_span_t id[CF_ADVISORIES_MAX]; /* rising, each once */
  size_t    cnt;
} cf_advisories_t;
/* cf_advisories_add takes the union.  CF_ERR_BOUND. */
CF_MUST_CHECK cf_status_t cf_advisories_add(cf_advisories_t *set, cf_json_t list);

#endif
