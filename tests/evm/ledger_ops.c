/* cf-ledger-ops SEED LINES [root]: random calls and what the C ledger did with them, for contracts/test/Replay.t.sol to do again:
   the lines of tests/vectors/ledger/ledger.jsonl (root.jsonl), of ledgers that live on a chain, in mode net or root.
   SEED 0 open|sealed: a life in mode root as "counterfoil exit root" reads it. */
#include "../vectors/ledger/generate.h"

#include "ledger/cf_evm_call.h"

static uint8_t lines[VECTOR_MAX];

/* ---- calls: a life in mode root as its chain has it ---- */

static void print_hex(FILE *to, char const *before, cf_span_t bytes, char const *behind) {
  fputs(before, to);
  for (size_t i = 0; i < bytes.len; i++) fprintf(to, "%02x", bytes.ptr[i]);
  fputs(behind, to);
}

/* Calldata of the creation and of each accepted call, until the ledger is dead, to stdout as "exit root" reads it; to stderr, for each
   account that has something, "ACCOUNT ASSET UNITS LEAF CALLDATA", the path from the slow tree. */
static int print_calls(uint64_t from, bool sealed) {
  static uint8_t buf[CF_EVM_DEPLOY_MAX + CF_EVM_CALL_MAX], list[CF_SETTLEMENT_BODY_MAX], path[CF_ROOT_PATH_SZ];
  world_t *w = world_new();
  seed       = from;
  as_root_on_chain(w);
  w->sealed = sealed;
  model_start(w);
  m.faults   = false;
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_evm_deploy_write(&wr, &w->g);
  print_hex(stdout, "0x", cf_wr_out(&wr), "\n");
  for (unsigned i = 0; !m.dead; i++) {
    quiet = i > 800;
    m.now += (chance(70) ? 0 : rnd(20)) + (quiet ? rnd(40) : 0);
    w->now = m.now;
    mcall_t   c;
    cf_op_t   op      = make_call(w, &c);
    cf_addr_t sender  = sender_of(w, &c);
    cf_wr_t   changes = cf_wr_init(list, sizeof list);
    if (op.kind == CF_OP_SETTLE && c.da == CF_DA_NONE) book_changes(&changes, CF_DA_SEALED);
    (void)m_apply(&m, &c);
    if (apply(w, &op, &sender)) continue;
    if (changes.len) print_hex(stdout, "leaves ", cf_wr_out(&changes), "\n");
    wr = cf_wr_init(buf, sizeof buf);
    cf_evm_call_write(&wr, &op);
    if (op.kind == CF_OP_DEPOSIT && i % 2) print_hex(stdout, "inbox ", w->fx.message, "\n");
    else print_hex(stdout, "", cf_wr_out(&wr), "\n");
  }
  book_digests(m.leaf, m.reserved);
  for (uint32_t asset = 0; asset < ASSETS; asset++)
    for (uint32_t id = 0; id < ACCOUNTS; id++) {
      mroot_t const *r = &m.root[asset][id];
      mleaf_t const *l = &m.leaf[asset][id];
      if (!r->position) continue;
      cf_op_t op = op_root_exit(asset, id);
      naive_path(path, book_leaf, m.settled_positions, r->position);
      op.meta = m.last.meta, op.prev_head = m.last.prev_head, op.state_root = m.last.state_root, op.entries = m.last.entries,
      op.receipts = m.last.receipts, op.body = CF_SPAN_OF(path);
      op.leaf     = (cf_root_leaf_t){ (cf_u128_t)l->balance, (cf_u128_t)l->credited, (cf_u128_t)l->released, l->salt };
      fprintf(stderr, "%u %u %llu ", id, asset, (unsigned long long)(l->balance + r->deposited - l->credited));
      wr = cf_wr_init(buf, sizeof buf);
      cf_root_leaf_write(&wr, &op.leaf);
      print_hex(stderr, "", cf_wr_out(&wr), " ");
      wr = cf_wr_init(buf, sizeof buf);
      cf_evm_call_write(&wr, &op);
      print_hex(stderr, "", cf_wr_out(&wr), "\n");
    }
  world_free(w);
  return fflush(stdout) != 0;
}

static size_t print_lines(vectors_t const *v) {
  size_t n = 0;
  for (size_t i = 0; i < v->wr.len; i++) n += lines[i] == '\n';
  if (v->wr.bad || fwrite(lines, 1, v->wr.len, stdout) != v->wr.len) {
    fputs("cf-ledger-ops: cannot write\n", stderr);
    exit(1);
  }
  return n - 1; /* the first founds the ledger */
}

int main(int argc, char **argv) {
  if (argc == 4 && (strcmp(argv[3], "open") == 0 || strcmp(argv[3], "sealed") == 0))
    return print_calls(strtoull(argv[1], NULL, 10), argv[3][0] == 's');
  bool root = argc == 4 && strcmp(argv[3], "root") == 0;
  if (argc != 3 && !root) {
    fputs("usage: cf-ledger-ops SEED LINES [root]   or   SEED 0 open|sealed\n", stderr);
    return 2;
  }
  uint64_t from = strtoull(argv[1], NULL, 10);
  size_t   wanted = strtoull(argv[2], NULL, 10), made = 0;
  for (; made < wanted; from++) {
    static vectors_t v;
    world_t         *w = world_new();
    v.wr                 = cf_wr_init(lines, sizeof lines);
    w->g.config.embedded = false;
    w->g.config.chain_id = 31337;
    if (root) w->g.config.mode = CF_MODE_ROOT;
    w->sealed = from % 2;
    vector_life(&v, w, from);
    made += print_lines(&v);
    world_free(w);
  }
  fprintf(stderr, "cf-ledger-ops: %zu calls, the last seed is %llu\n", made, (unsigned long long)(from - 1));
  return fflush(stdout) != 0;
}
