/* exit root: the way out of a dead ledger in mode root, made of the calldata that its chain has, and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/cf_text.h"
#include "cli/cf_commands.h"
#include "codec/cf_abi.h"
#include "ledger/cf_evm_call.h"
#include "ledger/cf_evm_code.h"
#include "ledger/cf_root_book.h"

enum { FILE_MAX = 1 << 30, LINE_MAX_SZ = CF_EVM_DEPLOY_MAX + CF_EVM_CALL_MAX };

/* The file of calls: a line each, of hex digits, 0x before them or not.  The first is what created the contract; then each call that
   it accepted, in the chain's order.  "inbox" before the digits: a message of the inbox; "leaves": a list of leaves from the log. */
typedef struct {
  char const    *path;
  cf_span_t      text;
  size_t         pos;
  size_t         line;  /* counts from 1 */
  uint8_t       *bytes; /* of the line, LINE_MAX_SZ */
  cf_span_t      in;
  bool           inbox, leaves;
} calls_t;

static int refuse(calls_t const *c, char const *reason, char const *found) {
  return cf_fail(CF_EXIT_FAILS, "exit root", reason, cf_fmt("%s, line %zu", c->path, c->line), "found", found, NULL);
}

static bool word_is(char const **at, size_t *len, char const *word) {
  size_t n = strlen(word);
  if (*len <= n || memcmp(*at, word, n) || (*at)[n] != ' ') return false;
  *at += n + 1, *len -= n + 1;
  return true;
}

/* 1: a line; 0: the end; negative: -(exit status) after saying why. */
static int next_line(calls_t *c) {
  if (c->pos == c->text.len) return 0;
  char const *at  = (char const *)c->text.ptr + c->pos;
  char const *end = memchr(at, '\n', c->text.len - c->pos);
  size_t      len = end ? (size_t)(end - at) : c->text.len - c->pos;
  c->pos += len + (end != NULL);
  c->line++;
  c->inbox  = word_is(&at, &len, "inbox");
  c->leaves = !c->inbox && word_is(&at, &len, "leaves");
  if (len >= 2 && at[0] == '0' && at[1] == 'x') at += 2, len -= 2;
  if (len % 2 || len / 2 > LINE_MAX_SZ || cf_hex_decode(c->bytes, len / 2, CF_SPAN(at, len)))
    return -refuse(c, "format", "not an even number of hex digits, or more than a call has");
  c->in = CF_SPAN(c->bytes, len / 2);
  return 1;
}

/* The contract's creation carries its genesis, and that all that calls are signed under. */
static int read_creation(cf_ledger_genesis_t *g, calls_t *c) {
  cf_rd_t   rd = cf_rd_span(c->in);
  cf_span_t code = cf_rd_take_span(&rd, CF_EVM_ROOT_CODE_SZ);
  if (rd.bad || memcmp(code.ptr, cf_evm_root_code, code.len)) return refuse(c, "unsupported", "not the creation of RootLedger");
  if (cf_abi_uint(&rd, 64) != 32) rd.bad = true;
  cf_span_t bytes = cf_abi_bytes(&rd);
  if (!cf_rd_done(&rd) || cf_ledger_genesis_decode(g, bytes, NULL) || cf_ledger_config_check(&g->config, NULL) ||
      g->config.mode != CF_MODE_ROOT)
    return refuse(c, "format", "a genesis that founds no ledger in mode root");
  return 0;
}

static int follow(cf_root_book_t *book, calls_t *c) {
  cf_op_t     op;
  cf_status_t st;
  if (c->leaves) st = cf_root_book_changes(book, c->in);
  else if (c->inbox) {
    cf_rd_t        rd  = cf_rd_span(c->in);
    cf_inbox_msg_t msg = cf_inbox_msg_read(&rd);
    st = cf_rd_done(&rd) ? cf_root_book_message(book, &msg) : CF_ERR_FORMAT;
  } else if ((st = cf_evm_call_decode(&op, c->in)) == CF_OK) st = cf_root_book_call(book, &op);
  if (!st) return 0;
  return refuse(c, cf_status_name(st),
                st == CF_ERR_AUTH ? "it does not lead to the root that was signed: is a call missing before it, or one too many?"
                                  : "not a call of the ledger, or not of its form");
}

/* A book with room for a position a line. */
static void book_make(cf_root_book_t *book, cf_hash_t const *separator, cf_span_t text) {
  uint32_t cap = 2;
  size_t   lines = 0;
  for (size_t i = 0; i < text.len; i++) lines += text.ptr[i] == '\n';
  while (cap < lines + 2 && cap < CF_ROOT_CAP_MAX) cap *= 2;
  cf_root_row_t *rows  = calloc(cap, sizeof *rows);
  uint32_t      *index = calloc(cap, 2 * sizeof *index);
  cf_hash_t     *nodes = calloc(CF_ROOT_NODES(cap), sizeof *nodes);
  if (!rows || !index || !nodes) abort();
  cf_root_book_init(book, separator, cap, rows, index, nodes);
}

static int say(cf_root_book_t const *book, cf_ledger_config_t const *cfg, cf_op_t const *op, char const *path) {
  cf_wr_t  call     = cf_room(CF_EVM_CALL_MAX), wr = cf_room(1 << 16);
  uint32_t position = cf_root_book_position(book, op->asset, op->id);
  uint64_t units    = (uint64_t)(op->leaf.balance + book->rows[position].deposited - op->leaf.credited_in);
  cf_evm_call_write(&call, op);
  if (!cf_json_mode()) {
    char *text = cf_fmt("OK   account %u has %llu units of asset %u to take, once the ledger is dead\n"
                        "  head      0x%s: slot 0 of the contract must say so\n"
                        "  contract  0x%s, on chain %llu: anybody may send it\n"
                        "  call      0x%s\n",
                        op->id, (unsigned long long)units, op->asset, cf_hex(CF_SPAN_OF(book->head.b)),
                        cf_hex(CF_SPAN_OF(cfg->contract.b)), (unsigned long long)cfg->chain_id, cf_hex(cf_wr_out(&call)));
    return cf_emit(CF_SPAN(text, strlen(text)), path);
  }
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_u64(&j, "account", op->id);
  cf_jw_u64(&j, "asset", op->asset);
  cf_jw_dec(&j, "units", (int64_t)units);
  cf_jw_u64(&j, "position", position);
  cf_jw_hex(&j, "head", CF_SPAN_OF(book->head.b));
  cf_jw_hex(&j, "contract", CF_SPAN_OF(cfg->contract.b));
  cf_jw_u64(&j, "chain", cfg->chain_id);
  cf_jw_hex(&j, "call", cf_wr_out(&call));
  cf_jw_end(&j, '}');
  return cf_json_end(&j, path);
}

/* The account's own leaf, as --leaf has it: balance u96, creditedIn u80, released u80, salt. */
static int own_leaf(cf_root_leaf_t *leaf, cf_root_leaf_t **given, cf_args_t const *a) {
  uint8_t     buf[CF_ROOT_LEAF_SZ];
  char const *text = cf_arg(a, "leaf");
  if (!text) return 0;
  if (cf_hex_decode(buf, sizeof buf, CF_SPAN(text, strlen(text)))) return cf_fail_usage(a->command, "a leaf has 128 hex digits", text);
  cf_rd_t rd = cf_rd_init(buf, sizeof buf);
  *leaf      = cf_root_leaf_read(&rd);
  *given     = leaf;
  return 0;
}

int cf_cmd_exit_root(cf_args_t const *a) {
  static cf_ledger_genesis_t g;
  static cf_root_book_t      book;
  static uint8_t             path[CF_ROOT_PATH_SZ];
  calls_t         c    = {.path = a->word[0]};
  cf_root_leaf_t  leaf, *own = NULL;
  cf_op_t         op;
  uint64_t        asset = UINT64_MAX, id = 0;
  int             line, code = cf_arg_u64(&asset, a, "asset", 0, CF_ASSET_MAX);
  if (!code) code = cf_arg_u64(&id, a, "account", 1, UINT32_MAX);
  if (!code) code = own_leaf(&leaf, &own, a);
  if (!code && (id == 0 || asset == UINT64_MAX)) return cf_fail_usage(a->command, "whose way out?", "--account N --asset N");
  if (!code) code = cf_slurp(&c.text, c.path, FILE_MAX);
  if (code) return code;
  c.bytes = cf_room(LINE_MAX_SZ).buf;
  line    = next_line(&c);
  if (line <= 0) return line ? -line : refuse(&c, "format", "nothing");
  if ((code = read_creation(&g, &c))) return code;
  book_make(&book, &g.config.separator, c.text);
  while ((line = next_line(&c)) > 0)
    if ((code = follow(&book, &c))) return code;
  if (line) return -line;
  cf_status_t st = cf_root_book_exit(&book, &op, path, (uint32_t)asset, (uint32_t)id, own);
  char       *who = cf_fmt("account %llu, asset %llu", (unsigned long long)id, (unsigned long long)asset);
  if (st == CF_ERR_POLICY) return cf_fail(CF_EXIT_FAILS, "exit root", "policy", who, "found", "no deposit ever", NULL);
  if (st)
    return cf_fail(CF_EXIT_FAILS, "exit root", "auth", who, "found",
                   own ? "another leaf stands there" : "a leaf that is not published: --leaf gives the account's own", NULL);
  return say(&book, &g.config, &op, cf_arg(a, "o"));
}
