/* The embedded ledger's state, from its block files alone. */
#ifndef CF_CLI_REPLAY_H
#define CF_CLI_REPLAY_H

#include "cli/cf_folder.h"
#include "ledger/cf_blocks.h"

/* cf_replay runs every block of the folder by the rules; chain is zeroed by the caller, its state freed by cf_chain_fini. */
int cf_replay(cf_chain_t *chain, cf_folder_t const *f);
/* cf_replay_lane is account id's lane below base (cf_slot_lanes, cf_slot_free_lanes), its open bit included. */
uint64_t cf_replay_lane(cf_chain_t const *chain, cf_hash_t base, uint32_t id);

#endif
