/* evidence make: this machine's own evidence, in files that verify evidence takes. */
#include <stdio.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "evidence/cf_items.h"
#include "platform/cf_attester.h"
#include "platform/cf_tpmdev.h"

static int platform_arg(cf_platform_t *out, cf_args_t const *a) {
  char const   *text = cf_arg(a, "platform");
  cf_platform_t p;
  if (!text || !strcmp(text, "auto")) return 0;
  for (size_t k = 0; cf_attester_at(&p, k); k++)
    if (!strcmp(text, cf_platform_name(p))) return *out = p, 0;
  return cf_fail_usage(a->command, "--platform is auto, tdx, snp, sgx, nitro or tpm", text);
}

static int nonce_arg(cf_span_t *out, cf_args_t const *a) {
  char const *text = cf_arg(a, "nonce");
  if (!text)
    return cf_fail_usage(a->command, "the verifier's nonce is missing: without it old evidence passes for new", "--nonce");
  cf_wr_t wr = cf_room(strlen(text) / 2);
  *out = CF_SPAN(wr.buf, strlen(text) / 2);
  if (out->len && out->len <= CF_ATTESTER_DATA_MAX && !cf_hex_decode(wr.buf, out->len, CF_SPAN(text, strlen(text)))) return 0;
  return cf_fail_usage(a->command, "--nonce is 1 to 64 bytes in hex digits", text);
}

/* An option that the platform would not look at is a mistake. */
static int option_of(cf_args_t const *a, char const *name, cf_platform_t of, cf_platform_t asked) {
  if (!cf_arg(a, name) || asked == of) return 0;
  return cf_fail_usage(a->command, cf_fmt("it goes with --platform %s", cf_platform_name(of)), cf_fmt("--%s", name));
}

static int file_arg(cf_span_t *out, cf_args_t const *a, char const *name, size_t max) {
  return cf_arg(a, name) ? cf_slurp(out, cf_arg(a, name), max) : 0;
}

/* A file of a key, or the handle of one that the TPM keeps. */
static int ak_arg(cf_attester_ask_t *ask, cf_args_t const *a) {
  char const *text = cf_arg(a, "ak");
  uint8_t     handle[4];
  if (!text || strncmp(text, "0x", 2)) return file_arg(&ask->ak, a, "ak", CF_TPM_BLOB_MAX);
  if (strlen(text) != 10 || cf_hex_decode(handle, 4, CF_SPAN(text + 2, 8)) || handle[0] != 0x81)
    return cf_fail_usage(a->command, "--ak is a file, or a persistent handle like 0x81000003", text);
  ask->ak_handle = (uint32_t)handle[0] << 24 | (uint32_t)handle[1] << 16 | (uint32_t)handle[2] << 8 | handle[3];
  return 0;
}

static int ask_args(cf_attester_ask_t *ask, cf_platform_t *platform, cf_args_t const *a) {
  uint64_t level = 0;
  int      code = cf_arg(a, "o") || cf_arg(a, "cmw") ? 0 : cf_fail_usage(a->command, "where to? -o DIR or --cmw F", "-o");
  if (!code) code = platform_arg(platform, a);
  if (!code) code = nonce_arg(&ask->data, a);
  if (!code) code = option_of(a, "privlevel", CF_PLATFORM_SNP, *platform);
  if (!code) code = option_of(a, "user-data", CF_PLATFORM_NITRO, *platform);
  if (!code) code = option_of(a, "public-key", CF_PLATFORM_NITRO, *platform);
  if (!code) code = option_of(a, "tpm", CF_PLATFORM_TPM, *platform);
  if (!code) code = option_of(a, "ak", CF_PLATFORM_TPM, *platform);
  if (!code) code = cf_arg_u64(&level, a, "privlevel", 0, 3);
  if (!code) code = file_arg(&ask->user_data, a, "user-data", CF_ATTESTER_FIELD_MAX);
  if (!code) code = file_arg(&ask->public_key, a, "public-key", CF_ATTESTER_FIELD_MAX);
  if (!code) code = ak_arg(ask, a);
  ask->root = cf_arg(a, "root") ? cf_arg(a, "root") : "";
  ask->privlevel = cf_arg(a, "privlevel") ? (int)level : CF_ATTESTER_PRIVLEVEL_ANY;
  ask->tcti = cf_arg(a, "tpm");
  return code;
}

/* Where the items stand, as options of verify evidence. */
static char *where(cf_attester_out_t const *out, char const *dir, char const *cmw) {
  char *with = dir ? cf_fmt("%s", "") : cf_fmt(" --with cmw=%s", cmw);
  for (size_t i = 0; dir && i < out->item_cnt; i++)
    with = cf_fmt("%s --with %s=%s/%s", with, out->items[i].role, dir, out->items[i].role);
  return with;
}

static int print_json(cf_attester_out_t const *out, cf_attester_ask_t const *ask, char const *dir, char const *cmw) {
  cf_wr_t wr = cf_room((CF_ATTESTER_ITEMS_MAX + 1) * (strlen(dir ? dir : cmw) + strlen(cmw ? cmw : dir) + 64) * 6 + 1024);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_str(&j, "platform", cf_platform_name(out->platform));
  cf_jw_hex(&j, "nonce", ask->data);
  cf_jw_obj(&j, "files");
  for (size_t i = 0; dir && i < out->item_cnt; i++) cf_jw_str(&j, out->items[i].role, cf_fmt("%s/%s", dir, out->items[i].role));
  if (cmw) cf_jw_str(&j, "cmw", cmw);
  cf_jw_end(&j, '}');
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static int print_made(cf_attester_out_t const *out, cf_attester_ask_t const *ask, char const *dir, char const *cmw) {
  if (cf_json_mode()) return print_json(out, ask, dir, cmw);
  printf("made      %s   over %s\n", cf_platform_name(out->platform), cf_hex(ask->data));
  for (size_t i = 0; i < out->item_cnt; i++)
    printf("  %-12s %s%s%zu bytes\n", out->items[i].role, dir ? cf_fmt("%s/%s", dir, out->items[i].role) : "", dir ? "   " : "",
           out->items[i].bytes.len);
  if (cmw) printf("  %-12s %s\n", "all", cmw);
  printf("next      counterfoil verify evidence%s --nonce %s\n", where(out, dir, cmw), cf_hex(ask->data));
  return 0;
}

/* All of it as one message, which a verifier over HTTP takes as it is. */
static int write_cmw(cf_attester_out_t const *out, char const *path) {
  cf_evidence_item_t items[CF_ATTESTER_ITEMS_MAX];
  cf_wr_t            wr = cf_room(CF_ATTESTER_ROOM + CF_ATTESTER_ITEMS_MAX * 2 * CF_MEDIA_TYPE_MAX);
  for (size_t i = 0; i < out->item_cnt; i++)
    items[i] = (cf_evidence_item_t){cf_role_of(CF_SPAN(out->items[i].role, strlen(out->items[i].role))), out->items[i].bytes};
  cf_items_cmw(&wr, items, out->item_cnt);
  return cf_save(path, cf_wr_out(&wr), false);
}

int cf_cmd_evidence_make(cf_args_t const *a) {
  cf_attester_ask_t ask = {0};
  cf_attester_out_t out;
  cf_platform_t     platform = (cf_platform_t)0;
  cf_error_t        err = {0};
  char const       *dir = cf_arg(a, "o"), *cmw = cf_arg(a, "cmw");
  int               code = ask_args(&ask, &platform, a);
  if (code) return code;
  cf_wr_t     room = cf_room(CF_ATTESTER_ROOM);
  cf_status_t st = cf_attest(&out, &room, platform, &ask, &err);
  if (st)
    return cf_fail(st == CF_ERR_IO ? CF_EXIT_WORLD : CF_EXIT_FAILS, a->command->name, cf_status_name(st), err.item, "found",
                   err.text, "next", out.next ? out.next : "counterfoil evidence make --help", NULL);
  if (out.note) cf_note("note: %s", out.note);
  for (size_t i = 0; dir && !code && i < out.item_cnt; i++)
    code = cf_save(cf_fmt("%s/%s", dir, out.items[i].role), out.items[i].bytes, false);
  if (!code && cmw) code = write_cmw(&out, cmw);
  return code ? code : print_made(&out, &ask, dir, cmw);
}
