/* cf-ledger-ops SEED LINES [root]: random calls and what the C ledger did with them, for contracts/test/Replay.t.sol to do again:
   the lines of tests/vectors/ledger/ledger.jsonl (root.jsonl), of ledgers that live on a chain, in mode net or root. */
#include "../vectors/ledger/generate.h"

static uint8_t lines[VECTOR_MAX];

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
  bool root = argc == 4 && strcmp(argv[3], "root") == 0;
  if (argc != 3 && !root) {
    fputs("usage: cf-ledger-ops SEED LINES [root]\n", stderr);
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
