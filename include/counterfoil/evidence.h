/* counterfoil/evidence.h - attestation evidence judged at a stated time: SGX, TDX, SEV-SNP, Nitro, TPM, Arm CCA.

   Bytes in, verdict out.  No network, no clock, no files: collateral is handed in, and everything is judged as of the time that the
   caller states, so that what is said today is said again years later.

     counterfoil_t *c = counterfoil_new();
     counterfoil_item_t items[] = {{"document", document}};
     counterfoil_ask_t ask = COUNTERFOIL_ASK;
     ask.items = items, ask.item_cnt = 1, ask.at_s = time(NULL);
     if (counterfoil_verify(c, &ask) != COUNTERFOIL_OK) refuse(counterfoil_verdict(c)->found);
     counterfoil_free(c);

   Ownership.  What is handed in is borrowed for the call alone.  What is handed out belongs to the counterfoil_t, and is there until its
   next call that is not const, or counterfoil_free.  Text is NUL-ended UTF-8.

   Threads.  A counterfoil_t is used by one thread at a time; different ones are independent.

   Memory.  counterfoil_new takes all that there is, COUNTERFOIL_MEMORY bytes at most; a call needs 512 KiB of stack at most.
   Otherwise only libcrypto allocates, for keys and signatures, and nothing of it outlives the call.

   Work is bounded by the input: COUNTERFOIL_ITEMS_MAX items of COUNTERFOIL_ITEM_MAX bytes.

   libcrypto is the process's own: its configuration, providers and generator are neither read by us nor changed.

   Compatibility.  Structures that the caller makes begin with their size (COUNTERFOIL_ASK sets it) and may grow at their end; those
   that the library makes may, too, and are only ever reached by pointer.  Numbers are never reused.  Symbols are versioned.

   Source: docs/library.md and docs/protocol/evidence.md of Counterfoil have every check, role, member and rule. */
#ifndef COUNTERFOIL_EVIDENCE_H
#define COUNTERFOIL_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define COUNTERFOIL_API __attribute__((visibility("default")))
#define COUNTERFOIL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define COUNTERFOIL_API
#define COUNTERFOIL_MUST_CHECK
#endif

#define COUNTERFOIL_VERSION "0.1.0"
#define COUNTERFOIL_ITEMS_MAX 25
#define COUNTERFOIL_ROOTS_MAX 16
#define COUNTERFOIL_ITEM_MAX 1048576  /* bytes of an item  */
#define COUNTERFOIL_NONCE_MAX 1024    /* bytes             */
#define COUNTERFOIL_POLICY_MAX 262144 /* bytes of a policy */
#define COUNTERFOIL_MEMORY 1048576

/* counterfoil_version is COUNTERFOIL_VERSION of the library that runs; static. */
COUNTERFOIL_API char const *counterfoil_version(void);

/* ---- what is said ---- */

/* Why not.  Two causes never share a code; the numbers are those of attestation results.  A code of a later library may be none of
   these: whatever is not COUNTERFOIL_OK is a refusal. */
typedef enum {
  COUNTERFOIL_MISUSE = -1,           /* the question makes no sense; no verdict about evidence         */
  COUNTERFOIL_OK = 0,                /* authentic, fresh, unrevoked; under a policy: accepted by it    */
  COUNTERFOIL_MALFORMED = 1,         /* not an instance of the format                                  */
  COUNTERFOIL_UNSUPPORTED = 2,       /* well formed, in a version or algorithm that is not spoken here */
  COUNTERFOIL_SIGNATURE = 3,         /* a signature over the evidence does not verify                  */
  COUNTERFOIL_CHAIN = 4,             /* a certificate chain does not lead to a root                    */
  COUNTERFOIL_NOT_YET_VALID = 5,     /* judged before its time                                         */
  COUNTERFOIL_EXPIRED = 6,           /* judged after its time                                          */
  COUNTERFOIL_REVOKED = 7,           /* a link of the chain is on its issuer's list                    */
  COUNTERFOIL_COLLATERAL_MISSING = 8, /* a check could not be run                                      */
  COUNTERFOIL_COLLATERAL_STALE = 9,  /* collateral is older than policy allows                         */
  COUNTERFOIL_TCB = 10,              /* the platform is below the level asked for                      */
  COUNTERFOIL_DEBUG = 11,            /* the enclave can be looked into                                 */
  COUNTERFOIL_TEST_ROOT = 12,        /* the root of trust belongs to whoever runs the machine          */
  COUNTERFOIL_MEASUREMENT = 13,      /* authentic, and not a program that policy names                 */
  COUNTERFOIL_NONCE = 14,            /* over another nonce than the one asked for                      */
  COUNTERFOIL_BINDING = 15,          /* the evidence speaks for something else                         */
  COUNTERFOIL_PCR = 16,              /* PCR selection or value                                         */
  COUNTERFOIL_EVENT_LOG = 17,        /* the event log does not lead to the PCRs quoted                 */
  COUNTERFOIL_JURISDICTION = 18,     /* not where policy wants it                                      */
  COUNTERFOIL_POLICY = 19            /* any other rule of policy                                       */
} counterfoil_code_t;

/* counterfoil_code_name is the word for a code ("not-yet-valid"), counterfoil_code_next what to do about it; static, and "unknown" and
   "" for a number that is no code. */
COUNTERFOIL_API char const *counterfoil_code_name(counterfoil_code_t code);
COUNTERFOIL_API char const *counterfoil_code_next(counterfoil_code_t code);

/* A verdict.  Dates are Unix seconds. */
typedef struct {
  counterfoil_code_t code;
  bool               authentic; /* whatever a policy says of it */
  char const        *name;      /* of code                                                           */
  char const        *item;      /* what is at fault: "tcb_info", "chain[1]", "policy.debug"; ""      */
  char const        *found;     /* what was found there; ""                                          */
  char const        *next;      /* what to do about it                                               */
  char const        *platform;  /* "sgx", "tdx", "snp", "nitro", "tpm", "cca"; "" when not known     */
  int64_t            date_s;    /* of a refusal: since or until when, where a date matters; else 0   */
  int64_t            until_s;   /* of OK: until when it holds, INT64_MAX: no date ends it; else 0    */
} counterfoil_verdict_t;

/* ---- what is asked ---- */

typedef struct {
  void const *ptr;
  size_t      len;
} counterfoil_bytes_t;

/* An item of evidence or collateral.  role is its name: "quote", "tcb_info", "tcb_info_chain", "qe_identity", "qe_identity_chain",
   "pck_crl", "root_ca_crl", "pck_chain" (SGX, TDX); "report", "vek", "ask", "ark" (SNP); "document" (Nitro); "attest", "signature",
   "pcrs", "ak_public", "ak_pem", "ak_jwk", "ak_chain" (TPM); "token", "cpak" (CCA); "crl", "event_log", "event_log_json", "hcl_report";
   "cmw", a CMW record or collection (CBOR) of such items.  A role once, but for "crl" and "cmw".

   Trust anchors are items, too: "trusted_root" or "root-owner", "root-cloud", "root-firmware", "root-discrete", by who holds it;
   certificates in DER or PEM.  Where a platform's maker has a root none means that one, and any replace it. */
typedef struct {
  char const         *role;
  counterfoil_bytes_t bytes;
} counterfoil_item_t;

#define COUNTERFOIL_NO_CRL 1u /* a revocation list that is not there is not asked for; one that is counts */

typedef struct {
  size_t                    size;  /* of this structure, as the caller was compiled */
  uint32_t                  flags; /* COUNTERFOIL_NO_CRL                            */
  uint32_t                  bank;  /* TPM: TPM_ALG_ID of the bank that the event log is replayed into; 0: the quoted one */
  counterfoil_item_t const *items;
  size_t                    item_cnt;
  int64_t                   at_s;   /* as of when, Unix seconds */
  counterfoil_bytes_t       nonce;  /* that the evidence must be over; empty: not asked */
  counterfoil_bytes_t       policy; /* that must accept it: JSON, its encoding, or "default"; empty: none is asked */
} counterfoil_ask_t;

#define COUNTERFOIL_ASK \
  { sizeof(counterfoil_ask_t), 0, 0, NULL, 0, 0, {NULL, 0}, {NULL, 0} }

/* ---- judging ---- */

typedef struct counterfoil counterfoil_t;

/* counterfoil_new makes room to judge in; NULL: there is no memory.  counterfoil_free of NULL is fine. */
COUNTERFOIL_API counterfoil_t *counterfoil_new(void);
COUNTERFOIL_API void           counterfoil_free(counterfoil_t *c);

/* counterfoil_verify judges evidence as of ask->at_s: every check of its platform in order, up to the first that fails, and then, where
   ask has a policy, every rule of that.  Without a policy OK says authentic, fresh and unrevoked, and nothing about which program it is,
   whether it can be debugged, or how old its firmware is: those are in the report.

   COUNTERFOIL_MISUSE: no role of that name, a root or policy that cannot be read, more than the bounds above; the verdict says which.
   Everything else, the worst input included, is a verdict. */
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_verify(counterfoil_t *c, counterfoil_ask_t const *ask);

/* counterfoil_verdict is the verdict of the last call that judged; never NULL. */
COUNTERFOIL_API counterfoil_verdict_t const *counterfoil_verdict(counterfoil_t const *c);

/* counterfoil_report is what the last call said, as one JSON object with all that was found: the members of `counterfoil verify
   evidence --json`.  At most 64 KiB.  Of refused evidence it is what the evidence claims: for finding the machine, never to act on. */
COUNTERFOIL_API char const *counterfoil_report(counterfoil_t const *c);

/* counterfoil_member is a member of the report by its path ("mrtd", "tcb.status"): text as it is, everything else as JSON has it.  NULL
   when there is none, or the last call did not say OK: what refused evidence claims is in the report alone. */
COUNTERFOIL_API char const *counterfoil_member(counterfoil_t *c, char const *path);

/* ---- looking ahead ---- */

typedef struct {
  char const *item; /* "tcb_info", "chain[1]", "policy.crl" */
  int64_t     from_s, to_s; /* both included; INT64_MAX: never */
} counterfoil_date_t;

/* counterfoil_expiry is counterfoil_verify that also notes every date that the answer rests on, and judges again at the first end. */
COUNTERFOIL_MUST_CHECK COUNTERFOIL_API counterfoil_code_t counterfoil_expiry(counterfoil_t *c, counterfoil_ask_t const *ask);
/* counterfoil_date is the i-th of those dates, what ends first first; NULL past the end, and after any other call. */
COUNTERFOIL_API counterfoil_date_t const *counterfoil_date(counterfoil_t const *c, size_t i);
/* counterfoil_then is what is said the second after the first end, *then_s; NULL: nothing ends, or the answer was no. */
COUNTERFOIL_API counterfoil_verdict_t const *counterfoil_then(counterfoil_t const *c, int64_t *then_s);

/* counterfoil_changes is a JSON array [{"member", "was", "is"}] of what differs from was, an earlier report (of another counterfoil_t, or
   copied), to the last call's; *cnt (may be NULL) receives how many.  NULL: was is no report. */
COUNTERFOIL_API char const *counterfoil_changes(counterfoil_t *c, char const *was, size_t *cnt);

/* ---- what is checked ---- */

typedef struct {
  char const *platform; /* "policy" for the rules of a policy */
  char const *check;
  char const *what;
} counterfoil_check_t;

/* counterfoil_matrix fills *out with row i of all that is checked, made from the code that checks; false past the end.  Static text;
   thread-safe. */
COUNTERFOIL_API bool counterfoil_matrix(counterfoil_check_t *out, size_t i);

#ifdef __cplusplus
}
#endif

#endif
