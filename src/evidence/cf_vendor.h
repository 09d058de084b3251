/* What the makers of platforms publish for whoever verifies evidence: Intel's Provisioning Certification Service (API version 4)
   and its caches, AMD's Key Distribution Service.  Which items some evidence needs, and what each is called; pure: who asks them
   where is io/cf_collateral_fetch.h, and where answers are kept io/cf_collateral_dir.h. */
#ifndef CF_EVIDENCE_VENDOR_H
#define CF_EVIDENCE_VENDOR_H

#include "evidence/cf_evidence.h"

typedef enum {
  CF_VENDOR_TCB_INFO = 1, /* of a kind of TEE and an FMSPC: document and its signing chain */
  CF_VENDOR_IDENTITY,     /* of a quoting enclave: the same                                */
  CF_VENDOR_PCK_CRL,      /* of one of Intel's two PCK CAs                                 */
  CF_VENDOR_ROOT_CRL,     /* of Intel's root                                               */
  CF_VENDOR_PCK,          /* a platform's PCK certificate, with its chain                  */
  CF_VENDOR_VCEK,         /* a chip's certificate, of one TCB                              */
  CF_VENDOR_AMD_CHAIN,    /* ASK or ASVK, and ARK                                          */
  CF_VENDOR_AMD_CRL,
} cf_vendor_kind_t;

typedef enum { CF_TEE_SGX, CF_TEE_TDX } cf_tee_t;

/* One item; members of other kinds are zero. */
typedef struct {
  cf_vendor_kind_t kind;
  cf_tee_t         tee;                   /* TCB_INFO, IDENTITY */
  uint8_t          fmspc[6];              /* TCB_INFO */
  bool             platform_ca;           /* PCK_CRL: of the Platform CA, else of the Processor CA */
  uint8_t          qe_id[16], cpusvn[16]; /* PCK */
  uint8_t          pcesvn[2], pceid[2];   /* PCK, as they stand in a quote */
  cf_snp_product_t product;               /* AMD's */
  bool             vlek;                  /* AMD_CHAIN, AMD_CRL: of VLEKs, else of VCEKs */
  uint8_t          chip[64];              /* VCEK */
  cf_snp_tcb_t     tcb;                   /* VCEK */
} cf_vendor_item_t;

/* cf_vendor_name writes the item's name, NUL-terminated: segments joined by '/', good as a path.
     intel/tcb-info/sgx|tdx/FMSPC           intel/identity/sgx|tdx
     intel/pck-crl/platform|processor       intel/root-crl
     intel/pck/QEID-CPUSVN-PCESVN-PCEID
     amd/PRODUCT/vcek/CHIP/TCB              PRODUCT: milan, genoa, turin; CHIP of 64 bytes (Turin: 8); TCB: bl-tee-snp-ucode
                                            in decimal (Turin: fmc-bl-...)
     amd/PRODUCT/vcek-chain|vlek-chain      amd/PRODUCT/vcek-crl|vlek-crl
   cf_vendor_of reads one: hex digits are lower-case.  CF_ERR_FORMAT. */
#define CF_VENDOR_NAME_MAX 192
void                      cf_vendor_name(char out[CF_VENDOR_NAME_MAX], cf_vendor_item_t const *item);
CF_MUST_CHECK cf_status_t cf_vendor_of(cf_vendor_item_t *out, cf_span_t name);

/* cf_vendor_is_for says whether an answer about the item would give evidence something of that role; false for what is not the
   makers' to give. */
bool cf_vendor_is_for(cf_vendor_item_t const *item, cf_role_t role);

/* cf_vendor_wants lists what the makers have for evidence beyond the items given: what is known to be needed from those.  With
   more of it given, more may be known (a chip's certificate tells the product of an old report): ask again until nothing new is
   wanted.  Of several VCEKs only one exists.  *cnt is 0 for platforms of which nothing is published, and for evidence that does
   not parse far enough: verification then says why. */
#define CF_VENDOR_WANTS_MAX 8
void cf_vendor_wants(cf_vendor_item_t out[CF_VENDOR_WANTS_MAX], size_t *cnt, cf_evidence_item_t const *items, size_t item_cnt);

/* ---- what is kept of an answer ---- */

/* A record: what an answer consisted of, each part by its SHA-256, in the form in which cf_evidence_ask_t takes it. */
#define CF_VENDOR_PARTS_MAX 2
#define CF_VENDOR_SOURCE_MAX 512
#define CF_VENDOR_RECORD_MAX 4096
#define CF_VENDOR_PART_MAX (1u << 20) /* bytes of a part */
typedef struct {
  int64_t issued_s, next_s; /* when it was issued; when its successor is due, INT64_MAX: never */
  int64_t fetched_s;
  char    source[CF_VENDOR_SOURCE_MAX]; /* who gave it */
  struct {
    cf_role_t role;
    cf_hash_t hash;
  } part[CF_VENDOR_PARTS_MAX];
  size_t part_cnt;
} cf_vendor_record_t;

/* cf_vendor_record_write makes its one text; CF_ERR_BOUND.  cf_vendor_record_read takes no other: CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_vendor_record_write(cf_wr_t *wr, cf_vendor_record_t const *r);
CF_MUST_CHECK cf_status_t cf_vendor_record_read(cf_vendor_record_t *out, cf_span_t in, cf_error_t *err);

#endif
