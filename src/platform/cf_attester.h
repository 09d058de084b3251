/* Attesters: report data in, evidence out (DESIGN 10, seam "attester"), in the roles that `counterfoil verify evidence --with
   ROLE=F` takes.  One call for each platform: configfs-tsm (TDX, SNP), Gramine's files (SGX), /dev/nsm (Nitro), a TPM.  Nothing
   is judged: that is the verifier's, on another machine.  Only this is seen to here: that what comes back is whole, and over the
   data asked for. */
#ifndef CF_PLATFORM_ATTESTER_H
#define CF_PLATFORM_ATTESTER_H

#include "base/cf_error.h"
#include "document/cf_measure.h"

#define CF_ATTESTER_DATA_MAX 64
#define CF_ATTESTER_FIELD_MAX 1024    /* of what Nitro takes besides the nonce; the verifier's bound */
#define CF_ATTESTER_BLOB_MAX 65536    /* of a quote, and of a table of certificates */
#define CF_ATTESTER_LOG_MAX (1 << 19) /* of an event log */
#define CF_ATTESTER_ROOM (1 << 20)    /* enough for all that one call gives */
#define CF_ATTESTER_ITEMS_MAX 8
#define CF_ATTESTER_TRIES 5
#define CF_ATTESTER_PRIVLEVEL_ANY (-1)

/* All is borrowed for the call. */
typedef struct {
  cf_span_t data; /* what the evidence is to be over, 1 to 64 bytes: a verifier's nonce.  Zero-padded where the platform has 64 */
  char const *root;                  /* the folder below which dev and sys are looked for; "": the machine's own */
  int         privlevel;             /* SNP: the VMPL, 0 to 3, or CF_ATTESTER_PRIVLEVEL_ANY */
  cf_span_t   user_data, public_key; /* Nitro; empty: none */
  char const *tcti;                  /* TPM; NULL: ROOT/dev/tpmrm0 */
  cf_span_t   ak;                    /* TPM: a blob of cf_tpmdev_ak_make; empty: a key is made for this once */
  uint32_t    ak_handle;             /* TPM: instead, a key that it keeps: 0x81000003 on Azure's confidential machines; 0: none */
} cf_attester_ask_t;

typedef struct {
  char const *role;  /* static */
  cf_span_t   bytes; /* in the caller's room */
} cf_attester_item_t;

typedef struct {
  cf_platform_t      platform;
  cf_attester_item_t items[CF_ATTESTER_ITEMS_MAX]; /* the one to be judged first */
  size_t             item_cnt;
  char const        *next; /* after a refusal, what to do; static */
  char const        *note; /* what is left out, and where it is to be had; static, or NULL */
} cf_attester_out_t;

/* cf_attest makes evidence of platform, or of the first that this machine has (0), in the order of cf_attester_at.  room holds
   what out points to; CF_ATTESTER_ROOM bytes are enough.  What fails in a way that may pass (EINTR, EBUSY, EAGAIN, ETIMEDOUT,
   EIO, another writer between) is tried CF_ATTESTER_TRIES times in all, 10, 20, 40 and 80 ms apart.  What was made in the kernel
   for it is taken away again. err names item, path and reason, out->next what to do.

   CF_ERR_UNSUPPORTED  this machine is not of that platform, or the kernel or its configuration lacks it
   CF_ERR_BOUND        data, or what came back, is longer than it may be
   CF_ERR_FORMAT       what came back is not of its form
   CF_ERR_AUTH         what came back is over other data, each time; or a TPM does not know the key
   CF_ERR_IO           a file or device failed each time, or may not be opened

   Blocks (a quote takes milliseconds to a second; the kernel's own limit is minutes).  Not thread-safe: what Gramine and a TPM
   hold is one per process.  Processes do not disturb each other. */
CF_MUST_CHECK cf_status_t cf_attest(cf_attester_out_t *out, cf_wr_t *room, cf_platform_t platform, cf_attester_ask_t const *ask,
                                    cf_error_t *err);

/* cf_attester_at says where the k-th platform is looked for, below ROOT; NULL past the end. */
char const *cf_attester_at(cf_platform_t *platform, size_t k);

#endif
