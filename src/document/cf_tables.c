/* The tables of all documents.  Keys rise from 1 and are never used again. */
#include "document/cf_documents.h"

#include <string.h>

#define TIME_MAX ((1ULL << 40) - 1)
#define TYP(name) "application/counterfoil-" name "+cose"

static cf_field_t const member_fields[] = {
  CF_F_TEXT(cf_member_t, 1, name, 1, 64),
  CF_F_FIXED_OPT(cf_member_t, 2, addr),
  CF_F_FIXED_OPT(cf_member_t, 3, es256),
  CF_F_FIXED_OPT(cf_member_t, 4, ed25519),
};
static cf_table_t const member_table = { "member", NULL, sizeof(cf_member_t), 0, member_fields, CF_COUNT_OF(member_fields), NULL };

static cf_field_t const council_fields[] = {
  CF_F_UINT(cf_council_t, 1, role, 1, CF_COUNCILS),
  CF_F_UINT(cf_council_t, 2, k, 1, CF_MEMBERS_MAX),
  CF_F_UINT(cf_council_t, 3, f, 0, CF_MEMBERS_MAX),
  CF_F_UINT(cf_council_t, 4, version, 1, UINT32_MAX),
  CF_F_LIST(cf_council_t, 5, members, &member_table, 1),
};
static cf_table_t const council_table = { "council", NULL, sizeof(cf_council_t), 0, council_fields, CF_COUNT_OF(council_fields), NULL };

static cf_field_t const measurement_fields[] = {
  CF_F_UINT(cf_measurement_t, 1, platform, 1, 5),
  CF_F_FIXED(cf_measurement_t, 2, program),
  CF_F_FIXED(cf_measurement_t, 3, configuration),
  CF_F_FIXED(cf_measurement_t, 4, measurement),
  CF_F_UINT(cf_measurement_t, 5, until, 1, TIME_MAX),
  CF_F_TEXT(cf_measurement_t, 6, source, 1, 128),
};
static cf_table_t const measurement_table = { "measurement",      NULL, sizeof(cf_measurement_t), 0, measurement_fields,
                                              CF_COUNT_OF(measurement_fields), NULL };

static cf_field_t const ek_root_fields[] = {
  CF_F_UINT(cf_ek_root_t, 1, class, 1, 4),
  CF_F_FIXED(cf_ek_root_t, 2, root),
};
static cf_table_t const ek_root_table = { "ek-root", NULL, sizeof(cf_ek_root_t), 0, ek_root_fields, CF_COUNT_OF(ek_root_fields), NULL };

static cf_field_t const suite_fields[] = {
  CF_F_UINT(cf_suite_row_t, 1, suite, 1, 3),
  CF_F_UINT(cf_suite_row_t, 2, state, 1, 4),
  CF_F_UINT(cf_suite_row_t, 3, from, 0, TIME_MAX),
};
static cf_table_t const suite_table = { "suite", NULL, sizeof(cf_suite_row_t), 0, suite_fields, CF_COUNT_OF(suite_fields), NULL };

#define P cf_policy_t
static cf_field_t const policy_fields[] = {
  CF_F_UINT(P, 1, version, 1, UINT32_MAX),
  CF_F_FIXED(P, 2, previous),
  CF_F_LIST(P, 3, measurements, &measurement_table, 1),
  CF_F_LIST(P, 4, ek_roots, &ek_root_table, 0),
  CF_F_UINT(P, 5, accept_discrete, 0, 1),
  CF_F_UINT(P, 6, collateral_max_age_s, 1, 31536000),
  CF_F_UINT(P, 7, credential_max_age_s, 1, 31536000),
  CF_F_LIST(P, 8, suites, &suite_table, 1),
  CF_F_UINT(P, 9, epoch_s, 60, 30 * 86400),
  CF_F_UINT(P, 10, attest_max_age_s, 10, 30 * 86400),
  CF_F_UINT(P, 11, attest_interval_s, 1, 30 * 86400),
  CF_F_UINT(P, 12, grace_s, 1, 30 * 86400),
  CF_F_UINT(P, 13, clock_skew_s, 0, 3600),
  CF_F_UINT_OPT(P, 14, lease_batches, UINT32_MAX),
  CF_F_UINT_OPT(P, 15, lease_s, 30 * 86400),
  CF_F_TEXT(P, 16, workload, 1, 32),
  CF_F_UINT(P, 17, workload_version, 1, UINT32_MAX),
  CF_F_BSTR(P, 18, workload_params, 0, 1024),
  CF_F_UINT(P, 19, max_flight, 1, CF_SETTLE_FLIGHT_MAX),
  CF_F_UINT(P, 20, max_inputs_per_window, 1, UINT32_MAX),
  CF_F_UINT(P, 21, max_amount, 1, INT64_MAX),
  CF_F_TEXTS(P, 22, jurisdictions, 1),
  CF_F_FIXEDS(P, 23, gateway_keys, 1),
  CF_F_UINT(P, 24, admission, 1, 2),
  CF_F_FIXEDS(P, 25, owners, 0),
  CF_F_UINT(P, 26, disclosure, 1, 2),
  CF_F_UINT(P, 27, snapshot_entries, 16, 65536),
  CF_F_UINT(P, 28, promise_max_s, 1, 30 * 86400),
  CF_F_UINT(P, 29, notice_s, 0, 365 * 86400),
  CF_F_UINT(P, 30, key_tcb_mask, 1, UINT32_MAX),
};
#undef P
cf_table_t const cf_policy_table = { "policy",       TYP("policy"), sizeof(cf_policy_t), 49152, policy_fields,
                                     CF_COUNT_OF(policy_fields), "k governors, inside genesis or an activation" };

#define L cf_genesis_ledger_t
static cf_field_t const genesis_ledger_fields[] = {
  CF_F_UINT(L, 1, kind, 1, 2),
  CF_F_UINT(L, 2, chain_id, 1, INT64_MAX),
  CF_F_FIXED(L, 3, contract),
  CF_F_UINT(L, 4, mode, 1, 2),
  CF_F_UINT(L, 5, max_validity_s, 1, TIME_MAX),
  CF_F_UINT(L, 6, max_pause_s, 1, TIME_MAX),
  CF_F_UINT(L, 7, exit_delay_s, 1, TIME_MAX),
  CF_F_UINT(L, 8, notice_s, 1, TIME_MAX),
  CF_F_UINT(L, 9, dead_after_s, 1, TIME_MAX),
  CF_F_UINT(L, 10, overlap_s, 1, TIME_MAX),
  CF_F_UINT(L, 11, key_delay_s, 0, TIME_MAX),
  CF_F_FIXED_OPT(L, 12, code_hash),
};
#undef L
static cf_table_t const genesis_ledger_table = { "genesis-ledger",       NULL, sizeof(cf_genesis_ledger_t), 0, genesis_ledger_fields,
                                                 CF_COUNT_OF(genesis_ledger_fields), NULL };

static cf_field_t const asset_fields[] = {
  CF_F_UINT(cf_asset_t, 1, id, 0, 0xfffffe),
  CF_F_TEXT(cf_asset_t, 2, symbol, 1, 16),
  CF_F_FIXED(cf_asset_t, 3, token),
  CF_F_UINT(cf_asset_t, 4, scale, 0, 30),
  CF_F_UINT(cf_asset_t, 5, cap, 0, INT64_MAX),
};
static cf_table_t const asset_table = { "asset", NULL, sizeof(cf_asset_t), 0, asset_fields, CF_COUNT_OF(asset_fields), NULL };

static cf_field_t const genesis_log_fields[] = {
  CF_F_TEXT(cf_genesis_log_t, 1, origin, 1, 128),
  CF_F_FIXED(cf_genesis_log_t, 2, ed25519),
  CF_F_FIXED(cf_genesis_log_t, 3, es256),
};
static cf_table_t const genesis_log_table = { "genesis-log",        NULL, sizeof(cf_genesis_log_t), 0, genesis_log_fields,
                                              CF_COUNT_OF(genesis_log_fields), NULL };

static cf_field_t const genesis_fields[] = {
  CF_F_TEXT(cf_genesis_t, 1, name, 1, 64),
  CF_F_UINT(cf_genesis_t, 2, class, 1, 2),
  CF_F_MAP(cf_genesis_t, 3, ledger, &genesis_ledger_table),
  CF_F_MAP(cf_genesis_t, 4, log, &genesis_log_table),
  CF_F_LIST(cf_genesis_t, 5, councils, &council_table, 5),
  CF_F_LIST(cf_genesis_t, 6, assets, &asset_table, 1),
  CF_F_FIXED(cf_genesis_t, 7, treasury),
  CF_F_FIXEDS(cf_genesis_t, 8, mediators, 0),
  CF_F_BSTR(cf_genesis_t, 9, policy, 1, 49152),
  CF_F_UINT(cf_genesis_t, 10, created, 1, TIME_MAX),
};
cf_table_t const cf_genesis_table = { "genesis", TYP("genesis"), sizeof(cf_genesis_t), 60000, genesis_fields, CF_COUNT_OF(genesis_fields),
                                      "k governors; entry 0, wrapped by the log's ES256 key" };

static cf_field_t const deployment_fields[] = {
  CF_F_FIXED(cf_deployment_t, 1, domain),   CF_F_UINT(cf_deployment_t, 2, kind, 1, 2), CF_F_UINT(cf_deployment_t, 3, chain_id, 1, INT64_MAX),
  CF_F_FIXED(cf_deployment_t, 4, contract), CF_F_FIXED(cf_deployment_t, 5, code_hash),
};
cf_table_t const cf_deployment_table = { "deployment",     TYP("deployment"), sizeof(cf_deployment_t), 0, deployment_fields,
                                         CF_COUNT_OF(deployment_fields), "k governors; wrapped by a gateway key" };

static cf_field_t const tip_fields[] = {
  CF_F_UINT(cf_tip_t, 1, sequence, 0, UINT64_MAX),
  CF_F_FIXED(cf_tip_t, 2, hash),
};
static cf_table_t const tip_table = { "tip", NULL, sizeof(cf_tip_t), 0, tip_fields, CF_COUNT_OF(tip_fields), NULL };

static cf_field_t const boot_fields[] = {
  CF_F_FIXED(cf_boot_t, 1, domain),     CF_F_FIXED(cf_boot_t, 2, identity),
  CF_F_FIXED(cf_boot_t, 3, keys),       CF_F_FIXED(cf_boot_t, 4, commitment),
  CF_F_UINT(cf_boot_t, 5, root_number, 1, UINT32_MAX), CF_F_FIXED(cf_boot_t, 6, random),
  CF_F_MAP(cf_boot_t, 7, tip, &tip_table),
};
cf_table_t const cf_boot_table = { "boot", TYP("boot"), sizeof(cf_boot_t), 0, boot_fields, CF_COUNT_OF(boot_fields), "the instance's identity" };

#define E cf_epoch_t
static cf_field_t const epoch_fields[] = {
  CF_F_FIXED(E, 1, domain),     CF_F_FIXED(E, 2, instance),     CF_F_FIXED(E, 3, configuration),
  CF_F_UINT(E, 4, epoch, 1, TIME_MAX), CF_F_UINT(E, 5, boot, 1, TIME_MAX), CF_F_FIXED(E, 6, sealing),
  CF_F_FIXED(E, 7, receipt),    CF_F_FIXED(E, 8, settlement),   CF_F_UINT(E, 9, suite, 1, 3),
  CF_F_FIXED(E, 10, policy),    CF_F_UINT(E, 11, not_before, 0, TIME_MAX), CF_F_UINT(E, 12, not_after, 1, TIME_MAX),
  CF_F_FIXED(E, 13, previous),
};
#undef E
cf_table_t const cf_epoch_table = { "epoch", TYP("epoch"), sizeof(cf_epoch_t), 0, epoch_fields, CF_COUNT_OF(epoch_fields), "the instance's identity" };

static cf_field_t const checkpoint_ref_fields[] = {
  CF_F_UINT(cf_checkpoint_ref_t, 1, time, 0, TIME_MAX),
  CF_F_UINT(cf_checkpoint_ref_t, 2, size, 1, INT64_MAX),
  CF_F_FIXED(cf_checkpoint_ref_t, 3, root),
};
static cf_table_t const checkpoint_ref_table = { "checkpoint-ref",        NULL, sizeof(cf_checkpoint_ref_t), 0, checkpoint_ref_fields,
                                                 CF_COUNT_OF(checkpoint_ref_fields), NULL };
static cf_field_t const view_ref_fields[] = {
  CF_F_UINT(cf_view_ref_t, 1, number, 0, INT64_MAX),
  CF_F_FIXED(cf_view_ref_t, 2, hash),
  CF_F_UINT(cf_view_ref_t, 3, time, 0, TIME_MAX),
  CF_F_FIXED(cf_view_ref_t, 4, proof),
};
static cf_table_t const view_ref_table = { "view-ref", NULL, sizeof(cf_view_ref_t), 0, view_ref_fields, CF_COUNT_OF(view_ref_fields), NULL };

#define R cf_receipt_t
static cf_field_t const receipt_fields[] = {
  CF_F_FIXED(R, 1, domain),
  CF_F_FIXED(R, 2, instance),
  CF_F_UINT(R, 3, epoch, 1, TIME_MAX),
  CF_F_UINT(R, 4, sequence, 1, INT64_MAX),
  CF_F_FIXED(R, 5, previous),
  CF_F_FIXED(R, 6, policy),
  CF_F_TEXT(R, 7, workload, 1, 32),
  CF_F_UINT(R, 8, workload_version, 1, UINT32_MAX),
  CF_F_FIXED(R, 9, measurement),
  CF_F_FIXED(R, 10, inputs_root),
  CF_F_UINT(R, 11, inputs, 0, 65535),
  CF_F_FIXED(R, 12, manifest),
  CF_F_FIXED(R, 13, results_root),
  CF_F_FIXED(R, 14, state_before),
  CF_F_FIXED(R, 15, state_after),
  CF_F_MAP(R, 16, not_before, &checkpoint_ref_table),
  CF_F_MAP(R, 17, view, &view_ref_table),
  CF_F_FIXED(R, 18, intent),
  CF_F_FIXED_OPT(R, 19, abandon),
};
#undef R
cf_table_t const cf_receipt_table = { "receipt", TYP("receipt"), sizeof(cf_receipt_t), 4096, receipt_fields, CF_COUNT_OF(receipt_fields),
                                      "the epoch's receipt key" };

#define S cf_settlement_doc_t
static cf_field_t const settlement_fields[] = {
  CF_F_FIXED(S, 1, salt),       CF_F_FIXED(S, 2, meta),      CF_F_FIXED(S, 3, prev_head),
  CF_F_FIXED(S, 4, state_root), CF_F_FIXED(S, 5, entries),   CF_F_FIXED(S, 6, receipts),
  CF_F_UINT(S, 7, first, 1, INT64_MAX), CF_F_UINT(S, 8, last, 1, INT64_MAX),
  CF_F_FIXED(S, 9, receipts_root), CF_F_UINT(S, 10, log_size, 1, INT64_MAX), CF_F_FIXED(S, 11, log_root),
  CF_F_FIXED(S, 12, body),      CF_F_FIXED(S, 13, signature), CF_F_UINT(S, 14, epoch, 1, TIME_MAX),
};
#undef S
cf_table_t const cf_settlement_doc_table = { "settlement",      TYP("settlement"), sizeof(cf_settlement_doc_t), 0, settlement_fields,
                                             CF_COUNT_OF(settlement_fields), "a gateway key; the content by the epoch's settlement key" };

static cf_field_t const promise_fields[] = {
  CF_F_FIXED(cf_promise_t, 1, domain),
  CF_F_FIXED(cf_promise_t, 2, envelope),
  CF_F_UINT(cf_promise_t, 3, epoch, 0, TIME_MAX),
  CF_F_UINT(cf_promise_t, 4, given, 1, TIME_MAX),
  CF_F_UINT(cf_promise_t, 5, until, 1, TIME_MAX),
};
cf_table_t const cf_promise_table = { "promise", TYP("promise"), sizeof(cf_promise_t), 0, promise_fields, CF_COUNT_OF(promise_fields),
                                      "a gateway key; not an entry" };

#define C cf_configuration_t
static cf_field_t const configuration_fields[] = {
  CF_F_UINT(C, 1, version, 1, 1),
  CF_F_TEXT(C, 2, workload, 1, 32),
  CF_F_UINT(C, 3, workload_version, 1, UINT32_MAX),
  CF_F_UINT(C, 4, suite, 1, 3),
  CF_F_UINT(C, 5, parties_max, 1, 1 << 20),
  CF_F_UINT(C, 6, leaves_max, 16, 1 << 20),
  CF_F_UINT(C, 7, sessions_max, 1, 1 << 20),
  CF_F_UINT(C, 8, batch_max, 1, 4096),
  CF_F_UINT(C, 9, envelope_max, 512, 65536),
};
#undef C
cf_table_t const cf_configuration_table = { "configuration",      NULL, sizeof(cf_configuration_t), 1024, configuration_fields,
                                            CF_COUNT_OF(configuration_fields), NULL };

cf_table_t const *const cf_tables[] = { &cf_genesis_table, &cf_policy_table,         &cf_deployment_table, &cf_boot_table,
                                        &cf_epoch_table,   &cf_receipt_table,        &cf_settlement_doc_table,
                                        &cf_promise_table, &cf_configuration_table, NULL };

cf_table_t const *
cf_table_by_typ(cf_span_t typ) {
  for (size_t i = 0; cf_tables[i]; i++)
    if (cf_tables[i]->typ && cf_span_eq(typ, CF_SPAN(cf_tables[i]->typ, strlen(cf_tables[i]->typ)))) return cf_tables[i];
  return NULL;
}

cf_table_t const *
cf_table_by_name(char const *name) {
  for (size_t i = 0; cf_tables[i]; i++)
    if (!strcmp(cf_tables[i]->name, name)) return cf_tables[i];
  return NULL;
}
