/* What a party does with a domain: seals inputs, checks receipts, opens results, calls the ledger.  Pure functions over
   bytes and the state of cf_wallet.h; used by the commands, the demo and the simulator. */
#ifndef CF_PARTY_PARTY_H
#define CF_PARTY_PARTY_H

#include "ledger/cf_call.h"
#include "party/cf_wallet.h"
#include "session/cf_result.h"
#include "translog/cf_proof.h"

/* ---- sealing ---- */

#define CF_SESSION_S 86400 /* expiry of a session that is opened, from T */

/* cf_party_seal seals the next input: into the account's session if there is one to this certificate which has not expired,
   else into a new session's opening.  It takes the next order number and counter, adds the input to the pending ones, and
   writes the envelope and its id.  **The account state must be stored before the envelope leaves.**
   ciphers are those of a->target.suite.
   CF_ERR_STALE  the attestation passes no more at at_s (and stale_ok was not asked)
   CF_ERR_POLICY of another domain than the account's
   CF_ERR_BOUND  too many pending inputs, an input without a bucket, or no room in envelope */
CF_MUST_CHECK cf_status_t cf_party_seal(cf_account_t *account, cf_wr_t *envelope, cf_hash_t *id, cf_wallet_t const *w,
                                        cf_attested_t const *a, cf_ciphers_t const *ciphers, cf_span_t input, uint64_t at_s,
                                        cf_entropy_t const *e, cf_error_t *err);

/* ---- receipts ---- */

/* cf_receipt_check checks a receipt file for one's own envelope: signed by the receipt key of a believed certificate, of this
   domain, instance and epoch, and the envelope's id leads to its inputs root.  *hash receives the receipt's document hash.  What
   it proves is provisional until its log entry is (cf_party_logged). CF_ERR_FORMAT, ...; CF_ERR_POLICY another epoch's: its
   certificate is to be fetched; CF_ERR_AUTH. */
CF_MUST_CHECK cf_status_t cf_receipt_check(cf_receipt_t *out, cf_hash_t *hash, cf_receipt_file_t const *file,
                                           cf_hash_t const *envelope, cf_domain_t const *trust, cf_epoch_t const *epoch,
                                           cf_error_t *err);

/* cf_party_logged checks that entry (a receipt's bytes) stands in the log under the witnesses' quorum: a .tlog-proof file.  *head
   is what they cosigned.  CF_ERR_FORMAT, CF_ERR_AUTH, CF_ERR_POLICY as cf_tlog_proof_verify. */
CF_MUST_CHECK cf_status_t cf_party_logged(cf_cosigned_t *head, cf_span_t tlog_proof, cf_span_t entry, cf_domain_t const *trust,
                                          cf_error_t *err);

/* ---- results ---- */

/* One released result, as GET /v1/results/<id> lists them: [sequence, order, salt, sealed, [path]]. */
typedef struct {
  uint64_t  sequence;
  uint32_t  leaf; /* index of the leaf under the results root */
  uint8_t   salt[32];
  cf_span_t sealed;
  cf_hash_t path[32];
  size_t    path_cnt;
} cf_released_t;

/* Iteration over that list: cf_released_begin reads its head and tells how many follow; then as many cf_released_next.
 * CF_ERR_FORMAT. */
CF_MUST_CHECK cf_status_t cf_released_begin(size_t *cnt, cf_rd_t *rd, cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_released_next(cf_released_t *out, cf_rd_t *rd, cf_error_t *err);
void                      cf_released_list(cf_wr_t *wr, size_t cnt); /* the list's head, then cnt of: */
void                      cf_released_write(cf_wr_t *wr, cf_released_t const *r);

/* cf_result_check: the sealed result is the leaf of that index under the receipt's results root.  CF_ERR_AUTH; CF_ERR_POLICY:
 * another receipt's. */
CF_MUST_CHECK cf_status_t cf_result_check(cf_released_t const *r, cf_receipt_t const *receipt, cf_error_t *err);

/* cf_party_result opens a checked result with the account's sessions or the wallet's result key.  The one that answers an input
   ends its being pending (state changed); notices come later.  plain holds CF_BUCKET_MAX bytes; out borrows it. CF_ERR_FORMAT,
   CF_ERR_AUTH; CF_ERR_POLICY: to another session, or it does not name this receipt. */
CF_MUST_CHECK cf_status_t cf_party_result(cf_result_t *out, uint8_t *plain, cf_account_t *account, cf_wallet_t const *w,
                                          cf_ciphers_t const *ciphers, cf_released_t const *r, cf_receipt_t const *receipt,
                                          cf_error_t *err);

/* ---- the ledger ---- */

/* cf_party_call writes a signed call (docs/protocol/ledger.md): open, openLane, withdraw, requestExit, finalizeExit, ... are ops
   of cf_call.h. nonce is the number of this sender's accepted calls.  CF_ERR_BOUND: wr too small. */
CF_MUST_CHECK cf_status_t cf_party_call(cf_wr_t *wr, cf_wallet_t const *w, cf_domain_t const *trust, uint64_t nonce,
                                        uint64_t deadline_s, cf_op_t const *op);

#endif
