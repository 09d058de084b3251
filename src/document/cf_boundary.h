/* The enclave's boundary: every message that crosses, both ways (DESIGN 2, 10).
   docs/boundary.md is made from cf_boundary_table, and a test holds the two together.

   A message is version u8 (1) | type u8 | body; an answer is version u8 | type u8 | class u8 | body: class 0 is success, else
   a cf_refuse_t with a body of UTF-8 text that repeats nothing secret.  Bodies are laid out below in big-endian
   integers; "span" is u32 length and bytes.  Over the UNIX socket each is one frame (u32 length || bytes). */
#ifndef CF_DOCUMENT_BOUNDARY_H
#define CF_DOCUMENT_BOUNDARY_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_BOUNDARY_VERSION 1
#define CF_FRAME_MAX        (16u << 20) /* either way */
#define CF_EXCHANGE_MAX     (17u << 20) /* a request and its answer together: what a long request leaves is the answer's */

/* Phases of the enclave. */
typedef enum {
  CF_PHASE_NEW        = 1,  /* waits for START from the launcher                      */
  CF_PHASE_OPENING    = 2,  /* BOOT, JOURNAL: its book, from disk                     */
  CF_PHASE_FENCING    = 4,  /* SHOW_LOG up to the present; then SEAL_ROOT, FENCE      */
  CF_PHASE_CERTIFYING = 8,  /* boot entry out: SHOW_LOG, CERTIFY, SHOW_LEDGER until the epoch starts */
  CF_PHASE_SERVING    = 16, /* BATCH                                                  */
  CF_PHASE_DRAINING   = 32,
  CF_PHASE_STOPPED    = 64, /* keys erased: only READ                                 */
} cf_phase_t;

typedef enum {
  CF_MSG_START = 1,   /* from the launcher, once */
  CF_MSG_IDENTITY,    /* to the launcher, answer of START */
  CF_MSG_SEAL,        /* to the launcher: "seal this root" */
  CF_MSG_QUOTE,       /* to the launcher: "quote this binding" */
  CF_MSG_BOOT = 16,   /* all from here: from the gateway, with an answer */
  CF_MSG_JOURNAL,
  CF_MSG_FENCE,
  CF_MSG_CERTIFY,
  CF_MSG_POSSESS,
  CF_MSG_BATCH,
  CF_MSG_SHOW_LOG,
  CF_MSG_SHOW_LEDGER,
  CF_MSG_SNAPSHOT,
  CF_MSG_READ,
  CF_MSG_DRAIN,
} cf_message_type_t;

/* Refusals at once, public classes (P5), and the boot's own (P12). */
typedef enum {
  CF_REFUSE_NONE = 0,
  CF_REFUSE_MALFORMED,
  CF_REFUSE_TOO_LARGE,
  CF_REFUSE_DOMAIN,
  CF_REFUSE_EPOCH,           /* unknown, or grace over */
  CF_REFUSE_SUITE,
  CF_REFUSE_JURISDICTION,
  CF_REFUSE_SESSION_UNKNOWN,
  CF_REFUSE_REPLAYED,
  CF_REFUSE_UNAUTHENTIC,
  CF_REFUSE_POLICY_CHANGED,
  CF_REFUSE_BUSY,            /* batch or session table full: try again later */
  CF_REFUSE_PHASE = 32,      /* this message has no place in this phase */
  CF_REFUSE_ROOT,            /* no root that the log knows opens this book */
  CF_REFUSE_ROLLED_BACK,     /* the log holds counting receipts that the journal does not */
  CF_REFUSE_TIP,             /* the journal leaves the history that a certified boot entry adopted */
  CF_REFUSE_PROOF,           /* a checkpoint, path, quorum or finality proof does not verify, or goes back */
  CF_REFUSE_TWIN,            /* another instance of this domain booted, or signed as us: keys erased */
  CF_REFUSE_VIEW,            /* the ledger, as it is shown or as entry 1 names it, is none that may be: halted */
  CF_REFUSE_BOUND,           /* a documented limit of the message */
  CF_REFUSE_LAUNCHER,        /* the launcher could not seal or quote */
  CF_REFUSE_JOURNAL,         /* a record does not authenticate, or the chain breaks before the torn tail */
} cf_refuse_t;
char const *cf_refuse_name(cf_refuse_t r); /* "session-unknown", ... */
/* cf_refuse_text says for a class that an envelope is refused with what that means, and nothing that the class does not say; of
   the others, which are about what the host shows, their name. */
char const *cf_refuse_text(cf_refuse_t r);

/* START (launcher -> enclave): configuration span | genesis span (the log's entry 0: COSE bytes) | measurement[32] |
       roots u8 (0..2), each: number u64, root[32]
   IDENTITY (enclave -> launcher): identity[64] | layers u8 (cf_layer_t)
                                                       (instance = the identity's thumbprint; the launcher extends PCR 12, then the cap)
   SEAL (enclave -> launcher): number u64 | root[32]   answer: class only, when the blob is durable
   QUOTE (enclave -> launcher): certificate span (epoch certificate, COSE) | nonces u8, each [32]     answer: class only; the
       evidence goes to the gateway (launcher's own socket: platform/)

   BOOT: snapshot span (empty: none) | note span | opening index u64, entry span, path | certificate index u64, entry span, path |
         results u8, each: index u64, entry span, path           (path: u8 count, hashes; notes and proofs empty without a snapshot)
     answer: fresh u8 | log size u64 from which it wants to be fed | journal file u64 (first that it wants)
   JOURNAL: last u8 | file u64 | offset u64 | bytes: a stretch of one journal file, in order: it begins with the file's header (offset 0) or with a
            record, and ends behind a record or at the file's end; last: nothing follows (no file at all: last 1, file 0, offset 0, no bytes)
     answer: sequence u64 of the last receipt replayed | torn u8 (a cut last record was dropped) | records u64
   FENCE: (fed to a quorum checkpoint; fresh: makes and seals the root first) empty
     answer: snapshot span (to be durable before the entry leaves; empty when none is needed) | journal file header span (a new
             file, durable before the entry leaves) | journal file number u64 | boot entry span
   SHOW_LOG: first u64 | count u32, each: entry u16 length and bytes | note span (may be empty: more follows)
     answer: phase u8 | items u16, each: kind u8 (cf_release_kind_t), number u64, span
   CERTIFY: nonces u8, each [32], strictly ascending
     answer: certificate span | nonce list hash[32] | binding[32]      (the launcher quotes it)
   POSSESS: (certified) terms[32] | evidence[32]: the rest of the Registration is the enclave's own
     answer: signature[64], EIP-2098 by the settlement key over Possession(registration)
   SHOW_LEDGER: view span (ledger/cf_view.h)
     answer: phase u8 | block number u64 | how far u8 (cf_shown_t) | inbox index u64 (messages folded so far: the next view begins there)
   BATCH: count u16, each: envelope u32 length and bytes
     answer: refused u16, each: index u16, class u8 | record span (journal) | receipt span (COSE)
             (the view that it applied, and the SHA-256 of its finality proof, stand in the receipt)
   SNAPSHOT: empty
     answer: snapshot span | journal file header span | journal file number u64
   READ: what u8 (1 epoch certificate, 2 receipt of sequence u64, 3 status, 4 everything released that was not yet forgotten: for a gateway that
         crashed; results are forgotten by SNAPSHOT, and when room is needed, settlements when executed; results that find no room in the answer
         come with the next SHOW_LOG)
     answer: by what: 1 certificate span; 2 receipt span (those not known to be logged and counting are kept; else empty);
             3 phase u8 | instance[32] | sequence u64 | counting sequence u64 | epoch u64 | log size u64 | block number u64 | inbox index u64;
             4 items as in SHOW_LOG
   DRAIN: empty; answer: class only */

/* How far a view was taken. */
typedef enum {
  CF_SHOWN_PART,  /* the block's next messages are wanted */
  CF_SHOWN_WHOLE, /* the inbox is folded to the block's end */
  CF_SHOWN_PIECE, /* so it was, and all is proven; but one batch applies only so many: a batch, then the same or a later block from
                     inbox index on */
} cf_shown_t;

/* What SHOW_LOG may let out.  Entries are to be logged by the gateway, in this order. */
typedef enum {
  CF_RELEASE_CERTIFICATE = 1, /* span: epoch certificate entry (COSE); number: epoch */
  CF_RELEASE_SETTLEMENT,      /* span: settlement document payload (encoded cf_settlement_doc_t) u32-prefixed, then the body; number: last sequence */
  CF_RELEASE_RESULTS,         /* span: count u32, each: to[32] (envelope id), order u32, salt[32], sealed span; number: sequence of the receipt.
                                 A receipt's results come in one item or, when an answer has no room for all, in several, in order */
} cf_release_kind_t;

/* What confines the program besides its system call filter, as far as the kernel grants it: bits. */
typedef enum {
  CF_LAYER_FILES      = 1,  /* Landlock: no file                              */
  CF_LAYER_NETWORK    = 2,  /* Landlock, ABI 4: no TCP                        */
  CF_LAYER_SCOPES     = 4,  /* Landlock, ABI 6: no abstract socket, no signal */
  CF_LAYER_NAMESPACES = 8,  /* user, network, mounts, IPC, UTS, cgroup        */
  CF_LAYER_LOCKED     = 16, /* balances do not go to swap; keys never do      */
} cf_layer_t;
#define CF_LAYER_CNT 5
char const *cf_layer_name(unsigned bit); /* of bit 0 .. CF_LAYER_CNT - 1 */

typedef struct {
  cf_message_type_t type;
  char const       *name;
  uint32_t          phases;  /* in which it may be asked */
  size_t            in_max;
  char const       *reveals; /* what the answer tells the host */
  char const       *check;   /* what makes the message harmless */
} cf_boundary_row_t;
extern cf_boundary_row_t const cf_boundary_table[];
extern size_t const            cf_boundary_rows;

#endif
