/* The people: a bank that opens and funds accounts on the ledger, and parties, who check evidence, seal, post and open results.
   Cores behind base/cf_effect.h like all others; a party's file is durable before its envelope leaves. */
#ifndef CF_SIM_MEMBER_H
#define CF_SIM_MEMBER_H

#include "cf_world.h"
#include "ledger/cf_call.h"
#include "party/cf_party.h"

#define CF_PEER_GATEWAY 0
#define CF_PEER_LEDGER 1

/* ---- the bank ---- */

typedef struct {
  uint8_t  calls[8192]; /* one POST, the same bytes until the ledger has taken all of it */
  size_t   len;
  bool     busy, done;
  uint64_t retry_ms;
} cf_bank_t;
void cf_bank_step(void *bank, cf_effects_t *fx, cf_event_t const *ev);

/* ---- a party ---- */

#define CF_PARTY_INPUTS_MAX 48
#define CF_PARTY_EPOCHS_MAX 16
#define CF_PARTY_ENVELOPE_SZ 1024

typedef enum { CF_INPUT_PLANNED, CF_INPUT_SEALED, CF_INPUT_RECEIPTED, CF_INPUT_ANSWERED } cf_input_state_t;

typedef struct {
  cf_input_state_t state;
  uint64_t         due_ms;     /* wall: not before */
  uint64_t         order;      /* its number: 0 before it is sealed, kept when it is sealed anew */
  uint64_t         patient_ms; /* world: promised; not posted again before */
  bool             superseded; /* sealed anew: this one may still have been executed */
  bool             withdrawal;
  uint32_t         payee, asset;
  uint64_t         amount;
  cf_hash_t        id;
  size_t           len;
  uint8_t          envelope[CF_PARTY_ENVELOPE_SZ];
  cf_session_t     session;
  uint64_t         sequence; /* of its receipt */
  size_t           receipt_len;
  uint8_t          receipt[1536];
  uint64_t class;
  uint32_t polls, odd;
} cf_party_input_t;

/* What a party's file holds: bytes of this build, for this run. */
typedef struct {
  cf_account_t     account;
  cf_pending_t     pending[CF_PARTY_INPUTS_MAX];
  cf_party_input_t input[CF_PARTY_INPUTS_MAX];
  size_t           inputs;
} cf_party_file_t;

typedef struct {
  cf_world_t     *world;
  unsigned        node;
  unsigned        account; /* on the ledger: from 1 */
  cf_hash_t       domain;
  cf_wallet_t     wallet;
  cf_ciphers_t    ciphers;
  cf_entropy_t    entropy;
  bool const     *funded;
  cf_party_file_t plan; /* before anything was sealed */
  cf_party_file_t file;
  cf_epoch_t      epoch[CF_PARTY_EPOCHS_MAX]; /* believed */
  size_t          epochs;
  /* one life */
  bool          ready, have, suspect; /* suspect: attest again before the next seal */
  cf_attested_t attested;
  uint8_t      *bundle;
  unsigned      busy; /* kind of the question under way, 0: none */
  uint64_t      busy_id, serial;
  size_t        at; /* the input that it is about */
  uint64_t      poll_ms, attest_ms;
  uint8_t       body[CF_PARTY_ENVELOPE_SZ + 4];
  /* told of receipts that hold, for the check */
  void (*on_receipt)(void *ctx, cf_hash_t const *envelope, cf_hash_t const *receipt, uint64_t sequence);
  void (*on_promise)(void *ctx, cf_hash_t const *envelope);
  void *ctx;
} cf_party_node_t;

void cf_party_step(void *party, cf_effects_t *fx, cf_event_t const *ev);
void cf_party_end(void *party);

#endif
