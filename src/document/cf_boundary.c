#include "document/cf_boundary.h"

char const *
cf_refuse_name(cf_refuse_t r) {
  switch (r) {
  case CF_REFUSE_NONE: return "ok";
  case CF_REFUSE_MALFORMED: return "malformed";
  case CF_REFUSE_TOO_LARGE: return "too-large";
  case CF_REFUSE_DOMAIN: return "domain";
  case CF_REFUSE_EPOCH: return "epoch";
  case CF_REFUSE_SUITE: return "suite";
  case CF_REFUSE_JURISDICTION: return "jurisdiction";
  case CF_REFUSE_SESSION_UNKNOWN: return "session-unknown";
  case CF_REFUSE_REPLAYED: return "replayed";
  case CF_REFUSE_UNAUTHENTIC: return "unauthentic";
  case CF_REFUSE_POLICY_CHANGED: return "policy-changed";
  case CF_REFUSE_BUSY: return "busy";
  case CF_REFUSE_PHASE: return "phase";
  case CF_REFUSE_ROOT: return "root";
  case CF_REFUSE_ROLLED_BACK: return "rolled-back";
  case CF_REFUSE_TIP: return "tip";
  case CF_REFUSE_PROOF: return "proof";
  case CF_REFUSE_TWIN: return "twin";
  case CF_REFUSE_VIEW: return "view";
  case CF_REFUSE_BOUND: return "bound";
  case CF_REFUSE_LAUNCHER: return "launcher";
  case CF_REFUSE_JOURNAL: return "journal";
  }
  return "unknown";
}

char const *
cf_layer_name(unsigned bit) {
  static char const *const names[CF_LAYER_CNT] = { "no files", "no network", "no signals", "namespaces of its own", "memory locked" };
  return bit < CF_LAYER_CNT ? names[bit] : "unknown";
}

char const *
cf_refuse_text(cf_refuse_t r) {
  switch ((int)r) {
  case CF_REFUSE_MALFORMED: return "not an envelope in its one encoding";
  case CF_REFUSE_TOO_LARGE: return "longer than this domain takes";
  case CF_REFUSE_DOMAIN: return "sealed for another domain";
  case CF_REFUSE_EPOCH: return "sealed to an epoch that is not, or is over";
  case CF_REFUSE_SUITE: return "its suite is not in force here";
  case CF_REFUSE_JURISDICTION: return "its jurisdiction is not one of the policy's";
  case CF_REFUSE_SESSION_UNKNOWN: return "the enclave has no such session";
  case CF_REFUSE_REPLAYED: return "another envelope used this session's id or counter before";
  case CF_REFUSE_UNAUTHENTIC: return "it does not open";
  case CF_REFUSE_POLICY_CHANGED: return "sealed under a policy before the one in force";
  case CF_REFUSE_BUSY: return "batch, queue or session table is full";
  default: return cf_refuse_name(r);
  }
}

#define OPENED (CF_PHASE_FENCING | CF_PHASE_CERTIFYING | CF_PHASE_SERVING | CF_PHASE_DRAINING)

cf_boundary_row_t const cf_boundary_table[] = {
  { CF_MSG_START, "START", CF_PHASE_NEW, 1u << 20, "the instance's public key",
    "from the launcher alone; configuration and genesis are what PCR 11 was extended with, so a verifier sees another choice; a root opens only "
    "what the log knows" },
  { CF_MSG_IDENTITY, "IDENTITY", CF_PHASE_NEW, 0, "the instance's public key; which layers of confinement this kernel granted", "to the launcher; public" },
  { CF_MSG_SEAL, "SEAL", CF_PHASE_FENCING, 0, "the sealing root, to the launcher alone", "to the launcher, which seals it to this measurement; first boot only" },
  { CF_MSG_QUOTE, "QUOTE", CF_PHASE_CERTIFYING | CF_PHASE_SERVING, 0, "the epoch certificate and the verifiers' nonces", "to the launcher, which quotes no other binding" },
  { CF_MSG_BOOT, "BOOT", CF_PHASE_OPENING, CF_FRAME_MAX, "whether a book was opened, and the log size it stands at",
    "a snapshot opens only under a root whose commitment a certified opening entry shows at its path under a quorum checkpoint" },
  { CF_MSG_JOURNAL, "JOURNAL", CF_PHASE_OPENING, CF_FRAME_MAX, "the number of the last receipt",
    "records are authenticated and chained; replay must make the same receipt; only the last, torn one may be cut" },
  { CF_MSG_FENCE, "FENCE", CF_PHASE_FENCING | CF_PHASE_CERTIFYING, 0, "boot entry; a snapshot, encrypted",
    "only after all entries up to a quorum checkpoint; a counting receipt that the journal lacks, or a tip that it leaves, ends it" },
  { CF_MSG_CERTIFY, "CERTIFY", CF_PHASE_CERTIFYING | CF_PHASE_SERVING, 2 + 16 * 32, "the certificate and a binding hash", "public" },
  { CF_MSG_POSSESS, "POSSESS", CF_PHASE_CERTIFYING | CF_PHASE_SERVING, 64, "a signature over this key's own registration",
    "only when k results for its certificate stand in the log; key, instance, certificate and measurement are its own" },
  { CF_MSG_BATCH, "BATCH", CF_PHASE_SERVING, CF_FRAME_MAX, "public refusal classes; one record of sealed inputs, one receipt, of one form whatever happened",
    "each envelope is authentic, fresh and addressed to this epoch, or refused at once; nothing of the results leaves" },
  { CF_MSG_SHOW_LOG, "SHOW_LOG", OPENED, CF_FRAME_MAX, "certificate; sealed results; settlements with their signature",
    "released only for receipts that count under a quorum checkpoint up to which every entry was read, with no later boot entry" },
  { CF_MSG_SHOW_LEDGER, "SHOW_LEDGER", CF_PHASE_CERTIFYING | CF_PHASE_SERVING | CF_PHASE_DRAINING, CF_FRAME_MAX, "how far the inbox was folded",
    "k observers' statements on one final block; head, status, key and inbox proven in that block; never back; applied by the next batch" },
  { CF_MSG_SNAPSHOT, "SNAPSHOT", CF_PHASE_SERVING | CF_PHASE_DRAINING, 0, "the book's size, encrypted", "written under the root, in a file key of its own" },
  { CF_MSG_READ, "READ", CF_PHASE_OPENING | OPENED | CF_PHASE_STOPPED, 16, "phase, numbers of receipts, sizes; what was released before", "public numbers and documents, and nothing that was not let out already" },
  { CF_MSG_DRAIN, "DRAIN", CF_PHASE_SERVING | CF_PHASE_DRAINING, 0, "nothing", "no new inputs; what was executed is still released" },
};
size_t const cf_boundary_rows = sizeof cf_boundary_table / sizeof cf_boundary_table[0];
