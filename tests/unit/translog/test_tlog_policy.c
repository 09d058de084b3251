#include "log_test.h"

#include "translog/cf_tlog_policy.h"

enum { WITNESSES = 34 };

static char      log_text[CF_VKEY_TEXT_MAX + 1], other_log_text[CF_VKEY_TEXT_MAX + 1], witness_text[WITNESSES][CF_VKEY_TEXT_MAX + 1];
static cf_vkey_t log_key, witness_key[WITNESSES];
static uint8_t   log_seed[32], witness_seed[WITNESSES][32];

static void
key_text(char out[CF_VKEY_TEXT_MAX + 1], cf_vkey_t const *k) {
  cf_wr_t wr = cf_wr_init(out, CF_VKEY_TEXT_MAX);
  cf_vkey_format(&wr, k);
  out[wr.len] = 0;
}

static int
make_keys(void **state) {
  uint8_t   seed[32];
  char      name[40];
  cf_vkey_t other = key_from(seed, 1, "example.com/other", CF_VKEY_LOG);
  log_key = key_from(log_seed, 0, EXAMPLE_ORIGIN, CF_VKEY_LOG);
  key_text(log_text, &log_key);
  key_text(other_log_text, &other);
  for (unsigned i = 0; i < WITNESSES; i++) {
    snprintf(name, sizeof name, "witness.example/%u", i);
    witness_key[i] = key_from(witness_seed[i], (uint8_t)(0x40 + i), name, CF_VKEY_WITNESS);
    key_text(witness_text[i], &witness_key[i]);
  }
  return 0;
}

/* A policy's text, in which L, M are logs' keys and 0 to 9 witnesses', each behind a '$'. */
static cf_span_t
text_of(char const *in) {
  static char out[1 << 17];
  char       *at = out;
  for (; *in; in++) {
    if (*in != '$') *at++ = *in;
    else at = stpcpy(at, *++in == 'L' ? log_text : *in == 'M' ? other_log_text : witness_text[*in - '0']);
  }
  return CF_SPAN(out, (size_t)(at - out));
}

/* ---- form ---- */

static void
test_refusals(void **state) {
#define W2 "witness a $0\nwitness b $1\n"
#define OLD_KEY "example.com/tee-ledger+84e5bbce+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define N32 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
  static struct { char const *in; cf_status_t want; char const *text; } const cases[] = {
    { "", CF_ERR_FORMAT, "line 1: it ends without a quorum" },
    { "# none\n\n", CF_ERR_FORMAT, "line 3: it ends without a quorum" },
    { "quorum none", CF_ERR_FORMAT, "line 1: it does not end in LF" },
    { "\nquorum none\r\n", CF_ERR_FORMAT, "line 2: a carriage return: lines end in LF alone" },
    { "# \x01\nquorum none\n", CF_ERR_FORMAT, "line 1: a control character" },
    { "quorum none\x7f\n", CF_ERR_FORMAT, "line 1: a control character" },
    { "quorum none\n\x0b\n", CF_ERR_FORMAT, "line 2: a control character" },
    { "policy x\n", CF_ERR_FORMAT, "line 1: not log, witness, group or quorum: policy" },
    { "Log $L\n", CF_ERR_FORMAT, "line 1: not log, witness, group or quorum: Log" },
    { "\x80\xff\n", CF_ERR_FORMAT, "line 1: not log, witness, group or quorum: ?" "?" },
    { "log\n", CF_ERR_FORMAT, "line 1: a key is missing" },
    { "log x+y+z\n", CF_ERR_FORMAT, "line 1: not a key (name+id+key): x+y+z" },
    { "log " OLD_KEY "\n", CF_ERR_UNSUPPORTED, "line 1: a key of a type that is not read here: example.com/tee-ledger" },
    { "log $0\n", CF_ERR_FORMAT, "line 1: not a log's key: witness.example/0" },
    { "log $L http://a b\n", CF_ERR_FORMAT, "line 1: a word too many: b" },
    { "log $L\nlog $M\nlog $L\n", CF_ERR_FORMAT, "line 3: the same key twice, of log " EXAMPLE_ORIGIN },
    { "witness\n", CF_ERR_FORMAT, "line 1: a name is missing" },
    { "witness a\n", CF_ERR_FORMAT, "line 1: a key is missing" },
    { "witness a $L\n", CF_ERR_FORMAT, "line 1: not a witness's key: " EXAMPLE_ORIGIN },
    { "witness none $0\n", CF_ERR_FORMAT, "line 1: none is no name to be given" },
    { "witness a $0\nwitness a $1\n", CF_ERR_FORMAT, "line 2: defined twice: a" },
    { "witness a $0\nwitness b $0\n", CF_ERR_FORMAT, "line 2: the same key twice, of witness a" },
    { "witness a $0 http://a http://b\n", CF_ERR_FORMAT, "line 1: a word too many: http://b" },
    { "witness " N32 N32 N32 N32 " $0\n", CF_ERR_BOUND, "line 1: too long a name: nnn" },
    { W2 "group\n", CF_ERR_FORMAT, "line 3: a name is missing" },
    { W2 "group none all a\n", CF_ERR_FORMAT, "line 3: none is no name to be given" },
    { W2 "group b all a\n", CF_ERR_FORMAT, "line 3: defined twice: b" },
    { W2 "group g any a\ngroup g any b\n", CF_ERR_FORMAT, "line 4: defined twice: g" },
    { W2 "group g\n", CF_ERR_FORMAT, "line 3: all, any or a number is missing" },
    { W2 "group g most a b\n", CF_ERR_FORMAT, "line 3: not all, any or a number: most" },
    { W2 "group g 01 a b\n", CF_ERR_FORMAT, "line 3: not all, any or a number: 01" },
    { W2 "group g -1 a b\n", CF_ERR_FORMAT, "line 3: not all, any or a number: -1" },
    { W2 "group g 18446744073709551617 a b\n", CF_ERR_FORMAT, "line 3: not all, any or a number: 1844674407370955" },
    { W2 "group g 0 a b\n", CF_ERR_FORMAT, "line 3: less than one, or more than there are members: 0" },
    { W2 "group g 3 a b\n", CF_ERR_FORMAT, "line 3: less than one, or more than there are members: 3" },
    { W2 "group g 4294967297 a b\n", CF_ERR_FORMAT, "line 3: less than one, or more than there are members: 4294967297" },
    { W2 "group g all\n", CF_ERR_FORMAT, "line 3: a group without members: g" },
    { W2 "group g all c\n", CF_ERR_FORMAT, "line 3: not defined above: c" },
    { W2 "group g all none\n", CF_ERR_FORMAT, "line 3: not defined above: none" },
    { W2 "group g any g a\n", CF_ERR_FORMAT, "line 3: not defined above: g" },
    { W2 "group g any h\ngroup h any a\n", CF_ERR_FORMAT, "line 3: not defined above: h" },
    { W2 "group g any a a\n", CF_ERR_FORMAT, "line 3: a member of a group already: a" },
    { W2 "group g any a\ngroup h any a b\n", CF_ERR_FORMAT, "line 4: a member of a group already: a" },
    { W2 "group g any a\ngroup h any g\ngroup i all b g\n", CF_ERR_FORMAT, "line 5: a member of a group already: g" },
    { W2 "quorum\n", CF_ERR_FORMAT, "line 3: a name is missing" },
    { W2 "quorum c\n", CF_ERR_FORMAT, "line 3: not defined above: c" },
    { W2 "quorum A\n", CF_ERR_FORMAT, "line 3: not defined above: A" },
    { "quorum a\n" W2, CF_ERR_FORMAT, "line 1: not defined above: a" },
    { W2 "quorum a b\n", CF_ERR_FORMAT, "line 3: a word too many: b" },
    { W2 "quorum a\nquorum a\n", CF_ERR_FORMAT, "line 4: a second quorum" },
    { "quorum none\nquorum none\n", CF_ERR_FORMAT, "line 2: a second quorum" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_tlog_policy_t p;
    cf_error_t       err = { .status = CF_OK };
    cf_status_t      st  = cf_tlog_policy_parse(&p, text_of(cases[i].in), &err);
    if (st != cases[i].want || strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
      fail_msg("%s: %s, %s", cases[i].in, cf_status_name(st), err.text);
    assert_string_equal(err.item, "policy");
  }
}

static void
test_forms(void **state) {
  static struct { char const *in; size_t logs, witnesses, groups; unsigned quorum; } const cases[] = {
    { "quorum none\n", 0, 0, 0, CF_TLOG_POLICY_NONE },
    { "log $L\nquorum none\n", 1, 0, 0, CF_TLOG_POLICY_NONE },
    { " \t\n#\n\t# $0\r is not asked\n", 0, 0, 0, 99 }, /* it is */
    { "\t log\t$L\t \n  quorum \t none \n\n", 1, 0, 0, CF_TLOG_POLICY_NONE },
    { "quorum none\nwitness a $0\nlog $M\nlog $L http://l.example\n", 2, 1, 0, CF_TLOG_POLICY_NONE },
    { "witness a $0 https://a.example/\nquorum a\n", 0, 1, 0, 0 },
    { "witness b $0\nwitness a $1\nquorum a\nwitness c $2\n", 0, 3, 0, 1 },
    { "witness K $0\nwitness \xe2\x84\xaa $1\nwitness \xff $2\ngroup # 2 K \xff \xe2\x84\xaa\nquorum #\n", 0, 3, 1, 32 },
    { "witness log $0\nwitness quorum $1\ngroup all all log\ngroup any any all quorum\nquorum any\n", 0, 2, 2, 33 },
    { "witness a $0\ngroup g 1 a\nquorum a\n", 0, 1, 1, 0 },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cf_tlog_policy_t p;
    cf_error_t       err = { .status = CF_OK };
    cf_status_t      st  = cf_tlog_policy_parse(&p, text_of(cases[i].in), &err);
    if (cases[i].quorum == 99) {
      ASSERT_STATUS(CF_ERR_FORMAT, st);
      continue;
    }
    if (st) fail_msg("%s: %s", cases[i].in, err.text);
    if (p.log_cnt != cases[i].logs || p.witness_cnt != cases[i].witnesses || p.group_cnt != cases[i].groups || p.quorum != cases[i].quorum)
      fail_msg("%s: is read as another", cases[i].in);
  }
  cf_tlog_policy_t p;
  ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, text_of("log $L http://l.example\nwitness a $0 http://a.example\nquorum a\n"), NULL));
  assert_memory_equal(&p.log[0].key, &log_key, sizeof log_key);
  assert_memory_equal(&p.witness[0].key, &witness_key[0], sizeof log_key);
  ASSERT_SPAN(CF_SPAN_LIT("http://l.example"), p.log[0].url);
  ASSERT_SPAN(CF_SPAN_LIT("http://a.example"), p.witness[0].url);
}

static void
test_bounds(void **state) {
  static char      big[1 << 17];
  static char      url[CF_TLOG_POLICY_URL_MAX + 2];
  cf_tlog_policy_t p;
  cf_error_t       err = { .status = CF_OK };
  for (unsigned n = 32; n <= 33; n++) {
    char *logs = big;
    for (unsigned i = 0; i < n; i++) {
      uint8_t   seed[32];
      char      text[CF_VKEY_TEXT_MAX + 1];
      cf_vkey_t k = key_from(seed, (uint8_t)(0x80 + i), "l", CF_VKEY_LOG); /* one name, many keys */
      key_text(text, &k);
      logs += sprintf(logs, "log %s\n", text);
    }
    strcpy(logs, "quorum none\n");
    ASSERT_STATUS(n > 32 ? CF_ERR_BOUND : CF_OK, cf_tlog_policy_parse(&p, SPAN_STR(big), NULL));

    char *at = big;
    for (unsigned i = 0; i < n; i++) at += sprintf(at, "witness w%u %s\n", i, witness_text[i]);
    strcpy(at, "quorum w31\n");
    ASSERT_STATUS(n > 32 ? CF_ERR_BOUND : CF_OK, cf_tlog_policy_parse(&p, SPAN_STR(big), NULL));

    /* The longest chain: a group of a group of ... */
    at = big + sprintf(big, "witness g0 %s\n", witness_text[0]);
    for (unsigned i = 1; i <= n; i++) at += sprintf(at, "group g%u all g%u\n", i, i - 1);
    strcpy(at, "quorum g32\n");
    ASSERT_STATUS(n > 32 ? CF_ERR_BOUND : CF_OK, cf_tlog_policy_parse(&p, SPAN_STR(big), NULL));
    if (n > 32) continue;
    assert_true(cf_tlog_policy_met(&p, 1) && !cf_tlog_policy_met(&p, 2));
    char why[240];
    assert_int_equal(strlen(cf_tlog_policy_short(why, sizeof why, &p, 2)), sizeof why - 1);
  }
  for (unsigned more = 0; more < 2; more++) {
    memset(url, 'u', CF_TLOG_POLICY_URL_MAX + more);
    snprintf(big, sizeof big, "log %s %s\nquorum none\n", log_text, url);
    ASSERT_STATUS(more ? CF_ERR_BOUND : CF_OK, cf_tlog_policy_parse(&p, SPAN_STR(big), NULL));
    memset(big, '\n', CF_TLOG_POLICY_MAX + 1);
    memcpy(big, "quorum none", 11);
    ASSERT_STATUS(more ? CF_ERR_BOUND : CF_OK, cf_tlog_policy_parse(&p, CF_SPAN(big, CF_TLOG_POLICY_MAX + more), &err));
  }
  assert_string_equal(err.item, "policy");
}

/* What a domain gives others is read back as what it asks for. */
static void
test_round_trip(void **state) {
  uint8_t seed[32], seeds[16][32], text[CF_WITNESS_POLICY_MAX];
  for (unsigned n = 1; n <= CF_WITNESSES_MAX; n++)
    for (unsigned k = 1; k <= n; k += 3) {
      cf_witness_set_t set = make_set(seed, seeds, n, k, 0);
      cf_wr_t          wr  = cf_wr_init(text, sizeof text);
      cf_tlog_policy_t p;
      cf_witness_set_policy(&wr, &set);
      ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, cf_wr_out(&wr), NULL));
      assert_int_equal(p.log_cnt, 1);
      assert_int_equal(p.witness_cnt, n);
      assert_memory_equal(&p.log[0].key, &set.log, sizeof set.log);
      for (unsigned i = 0; i < n; i++) assert_memory_equal(&p.witness[i].key, &set.member[i], sizeof set.log);
      for (uint32_t signers = 0; signers < 1u << n; signers += n > 8 ? 31 : 1)
        assert_int_equal(cf_tlog_policy_met(&p, signers), (unsigned)__builtin_popcount(signers) >= k);
    }
}

/* ---- a slow model: by names, from the quorum downwards, from the text alone ---- */

static bool
stands(char const *text, char const *name, uint32_t signers) {
  char line[1024], *rest;
  for (char const *at = text; sscanf(at, "%1023[^\n]", line) == 1; at = strchr(at, '\n') + 1) {
    char const *what = strtok_r(line, " ", &rest), *whose = strtok_r(NULL, " ", &rest), *rule = strtok_r(NULL, " ", &rest), *m;
    if (strcmp(whose, name) != 0 || !strcmp(what, "quorum")) continue;
    if (!strcmp(what, "witness")) return signers >> atoi(name + 1) & 1; /* w0, w1, ... */
    unsigned n = 0, yes = 0;
    while ((m = strtok_r(NULL, " ", &rest))) n++, yes += stands(text, m, signers);
    return yes >= (!strcmp(rule, "all") ? n : !strcmp(rule, "any") ? 1 : (unsigned)atoi(rule));
  }
  fail_msg("no %s", name);
  return false;
}

static uint64_t rng = 88172645463325252u;
static unsigned
under(unsigned n) {
  rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
  return (unsigned)(rng >> 33) % n;
}

/* Groups of what no group has yet, each with a rule, until one or a few are left over. */
static void
make_policy(char *text, char quorum[16]) {
  char     free_names[64][16];
  unsigned witnesses = 1 + under(32), left = 0;
  for (; left < witnesses; left++) {
    snprintf(free_names[left], sizeof free_names[left], "w%u", left);
    text += sprintf(text, "witness %s %s\n", free_names[left], witness_text[left]);
  }
  strcpy(quorum, free_names[under(left)]);
  for (unsigned g = 0; g < 20 && left; g++) {
    unsigned n = 1 + under(left < 6 ? left : 6), rule = under(3);
    text += sprintf(text, "group g%u ", g);
    text += rule == 2 ? sprintf(text, "%u", 1 + under(n)) : sprintf(text, "%s", rule ? "any" : "all");
    for (unsigned i = 0; i < n; i++) {
      unsigned which = under(left--);
      text += sprintf(text, " %s", free_names[which]);
      memcpy(free_names[which], free_names[left], sizeof *free_names);
    }
    text += sprintf(text, "\n");
    snprintf(free_names[left++], sizeof *free_names, "g%u", g);
    snprintf(quorum, 16, "g%u", g);
  }
  sprintf(text, "quorum %s\n", quorum);
}

static void
test_against_model(void **state) {
  static char text[1 << 15];
  unsigned    yes = 0, no = 0;
  for (unsigned i = 0; i < 60; i++) {
    char             quorum[16], why[200];
    cf_tlog_policy_t p;
    cf_error_t       err = { .status = CF_OK };
    make_policy(text, quorum);
    if (cf_tlog_policy_parse(&p, SPAN_STR(text), &err)) fail_msg("%s\n%s", text, err.text);
    for (unsigned j = 0; j < 40; j++) {
      uint32_t signers = (uint32_t)under(1u << 31) ^ (uint32_t)under(1u << 31) << 1;
      if (j & 1) signers |= (uint32_t)under(1u << 31) | (uint32_t)under(1u << 31) << 1;
      bool met = cf_tlog_policy_met(&p, signers), want = stands(text, quorum, signers);
      if (met != want) fail_msg("%swith %08x it is %s", text, signers, met ? "met" : "not met");
      assert_int_equal(*cf_tlog_policy_short(why, sizeof why, &p, signers) == 0, met);
      met ? yes++ : no++;
    }
  }
  assert_true(yes > 300 && no > 300);
}

/* ---- what is short, and notes ---- */

#define NESTED \
  "log $L\nwitness X1 $0\nwitness X2 $1\nwitness X3 $2\ngroup X 2 X1 X2 X3\n" \
  "witness Y1 $3\nwitness Y2 $4\ngroup Y any Y1 Y2\ngroup X-and-Y all X Y\nquorum X-and-Y\n"

static void
test_short(void **state) {
  static struct { uint32_t signers; char const *want; } const cases[] = {
    { 0, "group X-and-Y has 0 of 2, not X Y; group Y has 0 of 1, not Y1 Y2; group X has 0 of 2, not X1 X2 X3" },
    { 0x0a, "group X-and-Y has 1 of 2, not X; group X has 1 of 2, not X1 X3" },
    { 0x07, "group X-and-Y has 1 of 2, not Y; group Y has 0 of 1, not Y1 Y2" },
    { 0x13, "" },
  };
  cf_tlog_policy_t p;
  char             why[240], little[20];
  ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, text_of(NESTED), NULL));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_string_equal(cf_tlog_policy_short(why, sizeof why, &p, cases[i].signers), cases[i].want);
    assert_int_equal(cf_tlog_policy_met(&p, cases[i].signers), !*cases[i].want);
  }
  assert_string_equal(cf_tlog_policy_short(little, sizeof little, &p, 0), "group X-and-Y has 0");
  ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, text_of("witness a\xc3\xa9 $0\nwitness b $1\nquorum a\xc3\xa9\n"), NULL));
  assert_string_equal(cf_tlog_policy_short(why, sizeof why, &p, 2), "witness a?" "? did not cosign");
  ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, CF_SPAN_LIT("quorum none\n"), NULL));
  assert_string_equal(cf_tlog_policy_short(why, sizeof why, &p, 0), "");
}

/* FORGED + i: what stands for witness i was made by another. */
enum { FORGED = 100 };

static cf_span_t
note_by(uint8_t out[CF_NOTE_MAX], unsigned const *who, size_t n) {
  cf_hash_t root = example_root(8);
  cf_wr_t   wr   = cf_wr_init(out, CF_NOTE_MAX);
  cf_note_t note;
  cf_checkpoint_sign(&wr, &log_key, log_seed, 8, &root);
  ASSERT_STATUS(CF_OK, cf_note_parse(&note, cf_wr_out(&wr), NULL));
  for (size_t i = 0; i < n; i++) {
    cf_cosig_t c;
    cf_cosig_make(&c, witness_seed[who[i] < FORGED ? who[i] : 9], 1700000000 + i, note.text);
    cf_cosig_line(&wr, &witness_key[who[i] % FORGED], &c);
  }
  return cf_wr_out(&wr);
}

static void
test_notes(void **state) {
  static struct { unsigned who[5]; size_t n; cf_status_t want; uint32_t signers; } const cases[] = {
    { { 0, 1, 3 }, 3, CF_OK, 0x0b },
    { { 4, 9, 2, 0 }, 4, CF_OK, 0x15 },             /* 9 is nobody of the policy's */
    { { 0, 0, 3 }, 3, CF_ERR_POLICY, 0x09 },        /* who signs twice counts once */
    { { 0, 1, 2 }, 3, CF_ERR_POLICY, 0x07 },
    { { 0 }, 0, CF_ERR_POLICY, 0 },
  };
  static uint8_t   buf[CF_NOTE_MAX];
  cf_tlog_policy_t p;
  cf_note_t        note;
  uint32_t         signers;
  cf_error_t       err = { .status = CF_OK };
  char             policy[2048];
  cf_span_t        t = text_of(NESTED);
  memcpy(policy, t.ptr, t.len); /* it is borrowed */
  ASSERT_STATUS(CF_OK, cf_tlog_policy_parse(&p, CF_SPAN(policy, t.len), NULL));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ASSERT_STATUS(CF_OK, cf_note_parse(&note, note_by(buf, cases[i].who, cases[i].n), NULL));
    ASSERT_STATUS(cases[i].want, cf_tlog_policy_verify(&signers, &p, &note, NULL));
    assert_int_equal(signers, cases[i].signers);
    assert_ptr_equal(cf_tlog_policy_log(&p, &note), &p.log[0].key);
  }
  ASSERT_STATUS(CF_ERR_POLICY, cf_tlog_policy_verify(&signers, &p, &note, &err));
  assert_non_null(strstr(err.text, "group Y has 0 of 1, not Y1 Y2"));
  /* One that does not verify is worse than none. */
  ASSERT_STATUS(CF_OK, cf_note_parse(&note, note_by(buf, (unsigned[]){ 0, 1, FORGED + 3 }, 3), NULL));
  ASSERT_STATUS(CF_ERR_AUTH, cf_tlog_policy_verify(&signers, &p, &note, NULL));
  p.log_cnt = 0;
  assert_null(cf_tlog_policy_log(&p, &note));
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_refusals), cmocka_unit_test(test_forms), cmocka_unit_test(test_bounds), cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_against_model), cmocka_unit_test(test_short), cmocka_unit_test(test_notes),
  };
  return cmocka_run_group_tests(tests, make_keys, NULL);
}
