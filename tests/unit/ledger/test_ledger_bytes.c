/* Bytes: digests, slots, bodies, messages, calls.  Known answers come from tests/vectors/ledger/make_known_answers.py, which
   shares nothing with this code. */
#include "ledger_world.h"

#include "base/cf_text.h"
#include "ledger/cf_finality.h"
#include "ledger/cf_root_data.h"

/* ---- known answers ---- */

static char answers[8192];

static cf_hash_t answer(char const *name) {
  char      want[64];
  cf_hash_t h;
  snprintf(want, sizeof want, "\n%s ", name);
  char const *at = strstr(answers, want);
  assert_non_null(at);
  assert_int_equal(cf_hex_decode(h.b, 32, CF_SPAN(at + strlen(want), 64)), CF_OK);
  return h;
}

static void is(char const *name, cf_hash_t got) {
  cf_hash_t want = answer(name);
  print_message("%s\n", name);
  assert_memory_equal(got.b, want.b, 32);
}

static int load(void **state) {
  (void)state;
  FILE *f = fopen(CF_SOURCE_DIR "/tests/vectors/ledger/known_answers.txt", "r");
  if (!f) return 1;
  answers[0] = '\n';
  size_t n   = fread(answers + 1, 1, sizeof answers - 2, f);
  fclose(f);
  return n > 0 ? 0 : 1;
}

static cf_hash_t h(uint8_t b) {
  cf_hash_t v;
  memset(v.b, b, 32);
  return v;
}
static cf_addr_t a(uint8_t b) {
  cf_addr_t v;
  memset(v.b, b, 20);
  return v;
}

static void digests(void **state) {
  (void)state;
  uint64_t  chain = CF_LEDGER_CHAIN_MIN + 7;
  cf_addr_t contract = a(0x11), key = a(0x44), from = a(0x55);
  cf_hash_t domain = h(0x22), sep = cf_eip712_domain(chain, &contract, &domain), r1 = h(0x33), r2 = h(0x34), block = h(0x56);
  is("separator", sep);
  is("head0", cf_settlement_head0(&sep));
  cf_settlement_meta_t meta = { 77, 1700003600, 1700000000, 5, 1 };
  uint8_t buf[64];
  cf_wr_t wr = cf_wr_init(buf, sizeof buf);
  cf_section_write(&wr, CF_SECTION_POSITIONS, 3, 2);
  cf_entry_write(&wr, 4, -9);
  cf_entry_write(&wr, 6, 9);
  cf_settlement_t s = { cf_settlement_meta_pack(&meta), h(0x35), h(0x36), cf_settlement_entries(cf_wr_out(&wr)),
                        cf_settlement_receipts(70, 77, &r1, 1234, &r2) };
  is("meta", s.meta);
  is("entries", s.entries);
  is("receipts", s.receipts);
  is("settlement", cf_settlement_digest(&sep, &s));
  cf_registration_terms_t t = { 9, 5, 1700000000, 1700086400, 3, 1, 12, 2 };
  cf_registration_t reg = { key, cf_registration_terms_pack(&t), h(0x45), h(0x46), h(0x47), h(0x48) };
  cf_hash_t         rd  = cf_registration_digest(&sep, &domain, &reg), act_body = cf_keccak256(CF_SPAN_LIT("\x02"));
  is("terms", reg.terms);
  is("registration", rd);
  is("possession", cf_possession_digest(&sep, &rd));
  is("revoke_key", cf_key_revocation_digest(&sep, &key));
  is("act", cf_act_digest(&sep, 2, 3, 4, 1700000000, &act_body));
  is("call", cf_call_digest(&sep, &from, 6, 1700000000, CF_SPAN_LIT("\x01\x09")));
  is("block", cf_block_digest(&sep, &block));
  cf_ledger_identity_t id = { .chain_id = chain, .contract = contract, .separator = sep };
  cf_finality_t        f  = { 8, h(0x57), 1700000000, 99, h(0x58) };
  is("finality", cf_finality_digest(&id, &f));
  cf_registration_terms_t t2 = cf_registration_terms_unpack(&reg.terms);
  cf_hash_t again = cf_registration_terms_pack(&t2);
  is("terms", again);
}

/* Moved -70000 and credited 2^63 at position 5, moved 9 at 300; sealed, the digests of the same two. */
static void root_bytes(void **state) {
  (void)state;
  static cf_hash_t nodes[CF_ROOT_NODES(8)];
  cf_root_leaf_t   leaf = { ((cf_u128_t)1 << 96) - 2, ((cf_u128_t)1 << 80) - 3, ((cf_u128_t)1 << 70) + 9, h(0x71) };
  cf_hash_t        digest = cf_root_leaf_digest(3, 7, &leaf), reserved = h(0x72);
  cf_ledger_root_t r      = { ((cf_u128_t)1 << 80) - 2, 5, true };
  cf_hash_t        w      = cf_ledger_root_pack(&r);
  is("slot_root", cf_slot_root(3, 7));
  is("root_record", w);
  r = cf_ledger_root_unpack(&w);
  is("root_record", cf_ledger_root_pack(&r));
  is("root_leaf", digest);
  cf_root_tree_t tree;
  cf_root_tree_init(&tree, nodes, 8);
  is("root_empty", cf_root_tree_root(&tree));
  cf_root_tree_set(&tree, 5, &digest);
  cf_root_tree_set(&tree, 0, &reserved);
  is("root_two", cf_root_tree_root(&tree));

  cf_root_change_t const changes[] = { { .digest = reserved },
                                       { .position = 5, .moved = -70000, .credited = (uint64_t)1 << 63, .digest = digest },
                                       { .position = 300, .moved = 9, .digest = h(0x73) } };
  for (cf_da_t da = CF_DA_OPEN; da <= CF_DA_SEALED; da++) {
    uint8_t  buf[200];
    cf_wr_t  wr   = cf_wr_init(buf, sizeof buf);
    uint64_t next = 0;
    for (size_t i = 0; i < 3; i++) cf_root_change_write(&wr, da, &next, &changes[i]);
    is(da == CF_DA_OPEN ? "root_open" : "root_sealed", cf_sha256(cf_wr_out(&wr)));
    assert_int_equal(cf_root_data_check(da, cf_wr_out(&wr)), CF_OK);
  }
}

static void slots(void **state) {
  (void)state;
  cf_addr_t key = a(0x44), from = a(0x55);
  cf_hash_t m = h(0x47), instance = h(0x45);
  is("slot_key", cf_slot_key(&key));
  is("slot_account", cf_slot_account(7));
  is("slot_id_of", cf_slot_id_of(&key));
  is("slot_asset", cf_slot_asset(3));
  is("slot_policy", cf_slot_policy(5));
  is("slot_measurement", cf_slot_measurement(5, &m));
  is("slot_council", cf_slot_council(CF_LEDGER_VERIFIERS, 2));
  is("slot_revoked", cf_slot_revoked(&instance));
  is("slot_nonce", cf_slot_nonce(&from));
  is("slot_lanes", cf_slot_lanes(3));
  is("slot_free_lanes", cf_slot_free_lanes(3));
  is("slot_bucket", cf_slot_bucket(3));

#define RECORD(name, type, ...)                              \
  do {                                                       \
    cf_ledger_##type##_t r = { __VA_ARGS__ };                \
    cf_hash_t            w = cf_ledger_##type##_pack(&r);    \
    is(name, w);                                             \
    cf_ledger_##type##_t r2 = cf_ledger_##type##_unpack(&w); \
    cf_hash_t            w2 = cf_ledger_##type##_pack(&r2);  \
    is(name, w2);                                            \
  } while (0)
  RECORD("status", status, 1, 2, 3, 4, 5, 6, 7);
  RECORD("counters", counters, 1, 2, 3, 4, 5, 6, 7);
  RECORD("key", key, 2, 3, 4, 5, 6, 7);
  RECORD("account", account, a(0x61), 2, 1);
  RECORD("asset", asset, a(0x62), 2, 1, 4);
  RECORD("measurement", measurement, 1, 2);
  RECORD("seats", seats, 1, 2, 3, 4, 5);
  cf_ledger_bucket_t b = { 1, 2, 3, 4, 5, 6 }, b2;
  cf_hash_t          w[2];
  cf_ledger_bucket_pack(w, &b);
  is("bucket0", w[0]);
  is("bucket1", w[1]);
  b2 = cf_ledger_bucket_unpack(w);
  cf_ledger_bucket_pack(w, &b2);
  is("bucket0", w[0]);
  is("bucket1", w[1]);

  cf_hash_t ff = h(0xff), one = cf_slot_add(&ff, 1), sum = cf_slot_add(&ff, 0x102); /* wraps as a 256-bit number does */
  assert_true(cf_word_is_zero(&one));
  assert_int_equal(cf_word_get(&sum, 0, 64), 0x101);
}

/* Every field at every place, against plain arithmetic on single bits. */
static void words(void **state) {
  (void)state;
  for (unsigned width = 8; width <= 64; width += 8)
    for (unsigned bit = 0; bit + width <= 256; bit += 8) {
      cf_hash_t w = h(0xa5), before = w;
      uint64_t  v = 0x0123456789abcdefu & (width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1);
      cf_word_set(&w, bit, width, v);
      assert_int_equal(cf_word_get(&w, bit, width), v);
      for (unsigned i = 0; i < 256; i++) {
        unsigned got = w.b[31 - i / 8] >> i % 8 & 1, was = before.b[31 - i / 8] >> i % 8 & 1;
        assert_int_equal(got, i >= bit && i < bit + width ? (v >> (i - bit) & 1) : was);
      }
    }
}

static void trees(void **state) {
  (void)state;
  unsigned const sizes[] = { 0, 1, 2, 3, 100 };
  for (size_t i = 0; i < 5; i++) {
    cf_ledger_state_t *st = cf_ledger_state_new();
    for (unsigned n = 0; n < sizes[i]; n++) {
      uint8_t   buf[37] = "value";
      cf_hash_t key     = cf_word_u64(n);
      memcpy(buf + 5, key.b, 32);
      cf_hash_t value = cf_sha256(CF_SPAN_OF(buf));
      cf_ledger_state_put(st, &key, &value);
    }
    char name[16];
    snprintf(name, sizeof name, "tree%u", sizes[i]);
    is(name, cf_ledger_state_root(st));
    cf_ledger_state_free(st);
  }
}

/* ---- the body ---- */

static void bodies(void **state) {
  (void)state;
#define HEAD(kind, asset, cnt) kind "\0\0" asset "\0" cnt
#define ID(n) "\0\0\0" n
#define PLUS "\0\0\0\0\0\0\0\x05"
#define MINUS "\xff\xff\xff\xff\xff\xff\xff\xfb"
#define ZERO "\0\0\0\0\0\0\0\0"
#define IN(lit) CF_SPAN_LIT(lit)
  struct { char const *name; cf_span_t in; cf_status_t want; size_t offset; } const cases[] = {
    { "empty", IN(""), CF_OK, 0 },
    { "two lanes", IN(HEAD("\0", "\0", "\2") ID("\1") MINUS ID("\2") PLUS), CF_OK, 0 },
    { "two kinds", IN(HEAD("\0", "\0", "\1") ID("\1") MINUS HEAD("\1", "\0", "\1") ID("\1") PLUS), CF_OK, 0 },
    { "two assets", IN(HEAD("\1", "\0", "\1") ID("\1") PLUS HEAD("\0", "\1", "\1") ID("\1") PLUS), CF_OK, 0 },
    { "kinds fall", IN(HEAD("\1", "\0", "\1") ID("\1") PLUS HEAD("\0", "\0", "\1") ID("\1") PLUS), CF_ERR_FORMAT, 18 },
    { "a section twice", IN(HEAD("\0", "\0", "\1") ID("\1") PLUS HEAD("\0", "\0", "\1") ID("\2") PLUS), CF_ERR_FORMAT, 18 },
    { "assets fall", IN(HEAD("\0", "\1", "\1") ID("\1") PLUS HEAD("\0", "\0", "\1") ID("\1") PLUS), CF_ERR_FORMAT, 18 },
    { "no entries", IN(HEAD("\0", "\0", "\0")), CF_ERR_FORMAT, 0 },
    { "kind 2", IN(HEAD("\2", "\0", "\1") ID("\1") PLUS), CF_ERR_FORMAT, 0 },
    { "asset 0xffffff", IN("\0\xff\xff\xff\0\x01" ID("\1") PLUS), CF_ERR_FORMAT, 0 },
    { "id 0", IN(HEAD("\0", "\0", "\1") ID("\0") PLUS), CF_ERR_FORMAT, 6 },
    { "ids equal", IN(HEAD("\0", "\0", "\2") ID("\2") PLUS ID("\2") PLUS), CF_ERR_FORMAT, 18 },
    { "ids fall", IN(HEAD("\0", "\0", "\2") ID("\2") PLUS ID("\1") PLUS), CF_ERR_FORMAT, 18 },
    { "zero position", IN(HEAD("\0", "\0", "\1") ID("\1") ZERO), CF_ERR_FORMAT, 6 },
    { "zero release", IN(HEAD("\1", "\0", "\1") ID("\1") ZERO), CF_ERR_FORMAT, 6 },
    { "negative release", IN(HEAD("\1", "\0", "\1") ID("\1") MINUS), CF_ERR_FORMAT, 6 },
    { "head cut short", IN("\0\0\0\0\0"), CF_ERR_FORMAT, 0 },
    { "entry cut short", IN(HEAD("\0", "\0", "\1") ID("\1") "\0\0\0\0\0\0\0"), CF_ERR_FORMAT, 0 },
    { "data", IN("\3\xff\xff\xff\1" "x"), CF_ERR_FORMAT, 0 }, /* mode root's */
    { "a byte left over", IN(HEAD("\0", "\0", "\1") ID("\1") PLUS "\0"), CF_ERR_FORMAT, 18 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t offset = 0;
    print_message("%s\n", cases[i].name);
    assert_int_equal(cf_settlement_body_check(CF_MODE_NET, cases[i].in, &offset), cases[i].want);
    assert_int_equal(offset, cases[i].offset);
  }
  static uint8_t big[CF_SETTLEMENT_BODY_MAX + 64];
  for (unsigned over = 0; over < 2; over++) {
    cf_wr_t wr = cf_wr_init(big, sizeof big);
    for (uint32_t asset = 0; asset < 2; asset++) {
      uint16_t cnt = (uint16_t)(CF_SETTLEMENT_ENTRIES_MAX / 2 + (asset ? over : 0));
      cf_section_write(&wr, CF_SECTION_POSITIONS, asset, cnt);
      for (uint32_t id = 1; id <= cnt; id++) cf_entry_write(&wr, id, 1);
    }
    assert_int_equal(cf_settlement_body_check(CF_MODE_NET, cf_wr_out(&wr), NULL), over ? CF_ERR_BOUND : CF_OK);
  }
}

/* ---- messages ---- */

static cf_inbox_msg_t full_message(cf_inbox_kind_t kind) {
  return (cf_inbox_msg_t){ .kind       = kind,
                           .time_s     = 1700000001,
                           .id         = 7,
                           .asset      = 3,
                           .units      = 9,
                           .free_units = 10,
                           .addr       = a(0x63),
                           .hash       = h(0x64),
                           .version    = 4,
                           .from_s     = 5,
                           .until_s    = 6,
                           .scale      = 2,
                           .listed     = true,
                           .council    = 1,
                           .member     = 8 };
}

static void messages(void **state) {
  (void)state;
  for (int kind = CF_INBOX_OPENED; kind <= CF_INBOX_MEMBER_REMOVED; kind++) {
    uint8_t        buf[CF_INBOX_MSG_MAX], again[CF_INBOX_MSG_MAX];
    cf_inbox_msg_t m  = full_message((cf_inbox_kind_t)kind);
    cf_wr_t        wr = cf_wr_init(buf, sizeof buf), wr2 = cf_wr_init(again, sizeof again);
    cf_inbox_msg_write(&wr, &m);
    assert_false(wr.bad);
    cf_rd_t        rd = cf_rd_span(cf_wr_out(&wr));
    cf_inbox_msg_t m2 = cf_inbox_msg_read(&rd);
    assert_true(cf_rd_done(&rd));
    cf_inbox_msg_write(&wr2, &m2);
    assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&wr2)));
    assert_string_not_equal(cf_inbox_kind_name((cf_inbox_kind_t)kind), "unknown");
    for (size_t n = 0; n < wr.len; n++) {
      cf_rd_t cut = cf_rd_init(buf, n);
      (void)cf_inbox_msg_read(&cut);
      assert_true(cut.bad);
    }
  }
  cf_hash_t inbox = { { 0 } }, before;
  uint64_t  cnt = 5;
  uint8_t   buf[2 * CF_INBOX_MSG_MAX];
  cf_wr_t   wr = cf_wr_init(buf, sizeof buf);
  cf_inbox_msg_t m = full_message(CF_INBOX_OPENED);
  cf_inbox_msg_write(&wr, &m);
  size_t first = wr.len;
  is("inbox1", cf_inbox_fold(&inbox, cf_wr_out(&wr)));
  m = full_message(CF_INBOX_DEPOSITED);
  m.time_s = 1700000002;
  cf_inbox_msg_write(&wr, &m);
  assert_int_equal(cf_inbox_fold_all(&inbox, &cnt, cf_wr_out(&wr)), CF_OK);
  is("inbox2", inbox);
  assert_int_equal(cnt, 7);
  before = inbox;
  assert_int_equal(cf_inbox_fold_all(&inbox, &cnt, CF_SPAN(buf, wr.len - 1)), CF_ERR_FORMAT);
  buf[first] = 18; /* no such kind */
  assert_int_equal(cf_inbox_fold_all(&inbox, &cnt, cf_wr_out(&wr)), CF_ERR_FORMAT);
  assert_true(cf_hash_eq(&before, &inbox) && cnt == 7);
  m  = full_message(CF_INBOX_ASSET_SET);
  wr = cf_wr_init(buf, sizeof buf);
  cf_inbox_msg_write(&wr, &m);
  buf[6 + 3 + 20 + 1] = 2; /* a flag is 0 or 1 */
  assert_int_equal(cf_inbox_fold_all(&inbox, &cnt, cf_wr_out(&wr)), CF_ERR_FORMAT);
}

/* ---- acts and calls ---- */

static void act_bytes(void **state) {
  (void)state;
  cf_act_kind_t const kinds[] = {
    CF_ACT_REVOKE,           CF_ACT_PAUSE,        CF_ACT_SCHEDULE_POLICY, CF_ACT_SCHEDULE_MEASUREMENT, CF_ACT_SCHEDULE_COUNCILS,
    CF_ACT_SCHEDULE_ASSET,   CF_ACT_RAISE_CAP,    CF_ACT_END_MEASUREMENT, CF_ACT_DELIST_ASSET,         CF_ACT_LOWER_CAP,
    CF_ACT_RAISE_KEY_POLICY, CF_ACT_REMOVE_MEMBER
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    uint8_t  buf[CF_ACT_BODY_MAX + 1], again[CF_ACT_BODY_MAX];
    cf_act_t act = { .kind     = kinds[i],
                     .policy   = 1,
                     .asset    = 2,
                     .version  = 3,
                     .from_s   = CF_LEDGER_TIME_MAX,
                     .until_s  = 5,
                     .cap      = 6,
                     .hash     = h(7),
                     .tcb_mask = h(8),
                     .token    = a(9),
                     .scale    = 10,
                     .council  = 11,
                     .member   = 12 },
             act2;
    act.councils[0] = (cf_seats_t){ 1, 0, 2, { a(1), a(2) } };
    act.councils[2] = (cf_seats_t){ 1, 0, CF_SEATS_MAX, { a(3) } };
    cf_wr_t wr = cf_wr_init(buf, CF_ACT_BODY_MAX), wr2 = cf_wr_init(again, sizeof again);
    cf_act_write(&wr, &act);
    assert_int_equal(cf_act_decode(&act2, cf_wr_out(&wr)), CF_OK);
    cf_act_write(&wr2, &act2);
    assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&wr2)));
    for (size_t n = 0; n < wr.len; n++) assert_int_equal(cf_act_decode(&act2, CF_SPAN(buf, n)), CF_ERR_FORMAT);
    buf[wr.len] = 0;
    assert_int_equal(cf_act_decode(&act2, CF_SPAN(buf, wr.len + 1)), CF_ERR_FORMAT);
    act.from_s = act.until_s = CF_LEDGER_TIME_MAX + 1;
    wr = cf_wr_init(buf, CF_ACT_BODY_MAX);
    cf_act_write(&wr, &act);
    bool timed = kinds[i] >= CF_ACT_SCHEDULE_POLICY && kinds[i] <= CF_ACT_END_MEASUREMENT;
    assert_int_equal(cf_act_decode(&act2, cf_wr_out(&wr)), timed ? CF_ERR_FORMAT : CF_OK);
  }
  cf_act_t act;
  assert_int_equal(cf_act_decode(&act, CF_SPAN_LIT("\x03")), CF_ERR_FORMAT);
  uint8_t many[] = { CF_ACT_SCHEDULE_COUNCILS, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, CF_SEATS_MAX + 1 };
  assert_int_equal(cf_act_decode(&act, CF_SPAN_OF(many)), CF_ERR_FORMAT);
}

static void call_bytes(void **state) {
  (void)state;
  static uint8_t buf[CF_CALL_MAX + 1], again[CF_CALL_MAX];
  actor_t   owner = actor("owner", 1);
  cf_hash_t sep   = h(0x70);
  for (int kind = CF_OP_SETTLE; kind <= CF_OP_ACT; kind++) {
    cf_op_t op = { .kind         = (cf_op_kind_t)kind,
                   .id           = 1,
                   .asset        = 2,
                   .units        = 3,
                   .addr         = a(4),
                   .meta         = h(5),
                   .state_root   = h(6),
                   .receipts     = h(7),
                   .body         = kind == CF_OP_ROOT_EXIT ? CF_SPAN_OF(no_path) : CF_SPAN_LIT("body"),
                   .prev_head    = h(14),
                   .entries      = h(15),
                   .leaf         = { ((cf_u128_t)1 << 96) - 2, ((cf_u128_t)1 << 80) - 3, ((cf_u128_t)1 << 80) - 4, h(16) },
                   .registration = { a(8), h(9), h(10), h(11), h(12), h(13) },
                   .council      = 1,
                   .version      = 14,
                   .number       = ((uint64_t)1 << 48) - 1,
                   .not_after_s  = 15,
                   .sigs         = { .cnt = 2, .at = { { 3, { 4 } }, { 5, { 6 } } } } },
            op2;
    uint8_t op_buf[2048], op_again[2048];
    cf_wr_t wr = cf_wr_init(op_buf, sizeof op_buf), wr2 = cf_wr_init(op_again, sizeof op_again);
    cf_op_write(&wr, &op);
    assert_false(wr.bad);
    assert_int_equal(cf_op_decode(&op2, cf_wr_out(&wr)), CF_OK);
    cf_op_write(&wr2, &op2);
    assert_true(cf_span_eq(cf_wr_out(&wr), cf_wr_out(&wr2)));
    bool open_ended = kind == CF_OP_SETTLE || kind == CF_OP_ACT;
    for (size_t n = 0; n < wr.len - (open_ended ? 4 : 0); n++)
      assert_int_equal(cf_op_decode(&op2, CF_SPAN(op_buf, n)), CF_ERR_FORMAT);
    if (!open_ended) assert_int_equal(cf_op_decode(&op2, CF_SPAN(op_buf, wr.len + 1)), CF_ERR_FORMAT);

    for (int is_signed = 0; is_signed < 2; is_signed++) {
      cf_call_t call = { .nonce = 5, .deadline_s = 6, .op = cf_wr_out(&wr) }, call2;
      if (is_signed) assert_int_equal(cf_call_sign(&call, &sep, owner.scalar), CF_OK);
      cf_wr_t cwr = cf_wr_init(buf, sizeof buf), cwr2 = cf_wr_init(again, sizeof again);
      cf_call_write(&cwr, &call);
      assert_int_equal(cf_call_decode(&call2, cf_wr_out(&cwr)), CF_OK);
      cf_call_write(&cwr2, &call2);
      assert_true(cf_span_eq(cf_wr_out(&cwr), cf_wr_out(&cwr2)));
      cf_hash_t id = cf_call_id(&sep, &call), id2 = cf_call_id(&sep, &call2);
      assert_true(cf_hash_eq(&id, &id2));
      if (!is_signed) continue;
      cf_addr_t signer;
      assert_int_equal(cf_k256_recover(&signer, call2.sig, &id), CF_OK);
      assert_true(cf_addr_eq(&signer, &owner.addr));
    }
  }
  cf_op_t   op;
  cf_call_t call;
  assert_int_equal(cf_op_decode(&op, CF_SPAN_LIT("\x02\x09")), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_op_decode(&op, CF_SPAN_LIT("\x01\x0e")), CF_ERR_UNSUPPORTED);
  assert_int_equal(cf_op_decode(&op, CF_SPAN(buf, CF_OP_MAX + 1)), CF_ERR_BOUND);
  assert_int_equal(cf_call_decode(&call, CF_SPAN(buf, CF_CALL_MAX + 1)), CF_ERR_BOUND);
  memset(buf, 0, 64);
  assert_int_equal(cf_call_decode(&call, CF_SPAN(buf, 33)), CF_ERR_FORMAT); /* no op */
  assert_int_equal(cf_call_decode(&call, CF_SPAN(buf, 34)), CF_OK);
  buf[0] = 1;
  assert_int_equal(cf_call_decode(&call, CF_SPAN(buf, 64)), CF_ERR_FORMAT); /* no signature */
}

int main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(digests), cmocka_unit_test(slots),    cmocka_unit_test(words),     cmocka_unit_test(trees),
    cmocka_unit_test(bodies),  cmocka_unit_test(messages), cmocka_unit_test(act_bytes), cmocka_unit_test(call_bytes),
    cmocka_unit_test(root_bytes),
  };
  return cmocka_run_group_tests(tests, load, NULL);
}
