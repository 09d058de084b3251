// link: evidence lib: fuse3 crypto
/* Attesters against the kernel's interfaces as tests/attest/fake.h plays them: what they bring back is judged by the evidence
   room, under the throw-away roots and collateral of tests/vectors/evidence. */
#include "../../attest/fake.h"

#include "platform/cf_attester.h"

#define TRIES CF_ATTESTER_TRIES

static char              dir[64];
static pid_t             server;
static uint8_t           room_bytes[CF_ATTESTER_ROOM];
static uint8_t           nonce[64];
static cf_attester_out_t out;
static cf_error_t        err;

/* ---- asking ---- */

static cf_attester_ask_t ask_for(size_t n) {
  return (cf_attester_ask_t){.data = CF_SPAN(nonce, n), .root = dir, .privlevel = CF_ATTESTER_PRIVLEVEL_ANY};
}

static size_t room_sz = sizeof room_bytes;

static cf_status_t attest(cf_platform_t platform, cf_attester_ask_t const *ask) {
  cf_wr_t room = cf_wr_init(room_bytes, room_sz);
  err = (cf_error_t){0};
  nonce[0]++; /* nothing of before passes */
  cf_status_t st = cf_attest(&out, &room, platform, ask, &err);
  assert_int_equal(fake->entries, 0); /* what was made in the kernel is gone */
  assert_int_equal(st, err.status);
  assert_true(!st || out.next);
  return st;
}

static cf_span_t item(char const *role) {
  for (size_t i = 0; i < out.item_cnt; i++)
    if (!strcmp(out.items[i].role, role)) return out.items[i].bytes;
  return CF_SPAN(NULL, 0);
}

/* ---- judging ---- */

static void add_collateral(cf_evidence_item_t *items, size_t *cnt, cf_evidence_item_t const *from, size_t from_cnt,
                           cf_role_t subject) {
  for (size_t i = 0; i < from_cnt; i++)
    if (from[i].role != subject) items[(*cnt)++] = from[i];
}

static cf_facts_t *judge(size_t data_sz) {
  static cf_facts_t  facts;
  static good_case_t snp, nitro;
  cf_evidence_item_t items[CF_ITEMS_MAX];
  cf_root_t          root;
  cf_evidence_ask_t  ask = {.items = items, .nonce = CF_SPAN(nonce, data_sz)};
  cf_verdict_t       v = {0};
  for (size_t i = 0; i < out.item_cnt; i++) {
    cf_role_t role = cf_role_of(CF_SPAN(out.items[i].role, strlen(out.items[i].role)));
    assert_true(role);
    items[ask.item_cnt++] = (cf_evidence_item_t){role, out.items[i].bytes};
  }
  if (out.platform == CF_PLATFORM_TDX || out.platform == CF_PLATFORM_SGX) {
    quote_case_t *q = quotes_find(quotes_all(), fake->quote);
    add_collateral(items, &ask.item_cnt, q->items, q->item_cnt, CF_ROLE_QUOTE);
    root = q->root;
    ask.at_s = q->at_s;
  } else {
    case_t const *c = out.platform == CF_PLATFORM_SNP ? good_case(&snp, "snp.json", NULL) : good_case(&nitro, "nitro.json", NULL);
    root = c->roots[0];
    ask.at_s = c->ask.at_s;
  }
  ask.roots = &root;
  ask.root_cnt = 1;
  if (cf_evidence_verify(&facts, &ask, &v)) fail_msg("%s at %s: %s", cf_verdict_name(v.code), v.item, v.text);
  assert_int_equal(facts.platform, out.platform);
  assert_true(facts.nonce_held);
  return &facts;
}

/* Evidence comes, of that platform, and holds. */
static cf_facts_t *good_with(cf_platform_t platform, cf_attester_ask_t const *ask) {
  if (attest(platform, ask)) fail_msg("%s %s: %s", cf_status_name(err.status), err.item, err.text);
  assert_int_equal(out.platform, fake->platform);
  return judge(ask->data.len);
}
static cf_facts_t *good(cf_platform_t platform) {
  cf_attester_ask_t ask = ask_for(64);
  return good_with(platform, &ask);
}

static void bad_with(cf_platform_t platform, cf_attester_ask_t const *ask, cf_status_t want, char const *item_name,
                     char const *text) {
  cf_status_t st = attest(platform, ask);
  if (st != want || strcmp(err.item, item_name) || !strstr(err.text, text))
    fail_msg("%s, not %s: %s: %s", cf_status_name(st), cf_status_name(want), err.item, err.text);
}
static void bad(cf_platform_t platform, cf_status_t want, char const *item_name, char const *text) {
  cf_attester_ask_t ask = ask_for(64);
  bad_with(platform, &ask, want, item_name, text);
}

/* ---- as it should be ---- */

static void test_tdx(void **state) {
  (void)state;
  static char const *const titles[] = {"TDX 1.0, version 4", "TDX 1.0, version 5", "TDX 1.5, version 5"};
  for (size_t i = 0; i < 3; i++) {
    fake_set(CF_PLATFORM_TDX);
    fake->quote = titles[i];
    good(i ? CF_PLATFORM_TDX : (cf_platform_t)0);
    assert_int_equal(out.item_cnt, 1);
    assert_int_equal(fake->reports, 1);
  }
  cf_attester_ask_t short_ask = ask_for(20); /* zero-padded by both ends */
  good_with(CF_PLATFORM_TDX, &short_ask);
}

static void test_large(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  fake->blob_sz = FAKE_OUTBLOB_MAX;
  good(CF_PLATFORM_TDX);
  assert_int_equal(item("quote").len, FAKE_OUTBLOB_MAX);
  fake->blob_sz++;
  bad(CF_PLATFORM_TDX, CF_ERR_BOUND, "tsm.outblob", "/outblob: File too large");
}

static void test_event_log(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  fake->logs = true;
  assert_int_equal(good(CF_PLATFORM_TDX)->of.quote.rtmr_matches, 0xf);
  assert_int_equal(out.item_cnt, 2);
  fake->logs_denied = true; /* there is evidence all the same */
  good(CF_PLATFORM_TDX);
  assert_int_equal(out.item_cnt, 1);
}

static void test_snp(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_SNP);
  good((cf_platform_t)0);
  assert_int_equal(out.item_cnt, 4);
  good(CF_PLATFORM_SNP);
  assert_int_equal(fake->writes, 2);
  cf_attester_ask_t ask = ask_for(64);
  ask.privlevel = 2;
  assert_int_equal(good_with(CF_PLATFORM_SNP, &ask)->of.snp.facts.report.vmpl, 2);
  fake->level_floor = 3;
  bad_with(CF_PLATFORM_SNP, &ask, CF_ERR_UNSUPPORTED, "tsm.privlevel", "/privlevel: Invalid argument");
}

/* The host supplies the table of certificates, or none, or what it likes. */
static void test_snp_table(void **state) {
  (void)state;
  cf_attester_ask_t ask = ask_for(64);
  fake_set(CF_PLATFORM_SNP);
  fake->no_aux = true;
  assert_int_equal(attest(CF_PLATFORM_SNP, &ask), CF_OK);
  assert_int_equal(out.item_cnt, 1);
  assert_string_equal(out.items[0].role, "report");
  assert_null(out.note);
  fake->no_aux = false;
  fake->bad_aux = true;
  assert_int_equal(attest(CF_PLATFORM_SNP, &ask), CF_OK); /* and the report stands without it */
  assert_int_equal(out.item_cnt, 1);
  assert_non_null(strstr(out.note, "KDS"));
  fake->bad_aux = false;
  fake->blob_sz = 1185;
  bad(CF_PLATFORM_SNP, CF_ERR_FORMAT, "tsm.outblob", "/outblob: not of its form");
}

static void test_sgx(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_SGX);
  good((cf_platform_t)0);
  fake->quote = "SGX, version 5";
  good(CF_PLATFORM_SGX);
  fake->quote = "TDX 1.0, version 4";
  bad(CF_PLATFORM_SGX, CF_ERR_FORMAT, "gramine.quote", "/dev/attestation/quote: not of its form");
  snprintf(fake->type, sizeof fake->type, "none");
  bad(CF_PLATFORM_SGX, CF_ERR_UNSUPPORTED, "gramine.type", "attestation_type: it is \"none\"");
}

static void need_sight(cf_platform_t platform) {
  cf_attester_ask_t ask = ask_for(64);
  if (!attest(platform, &ask) || !fake->blind) return;
  print_message("skipped: this system does not let the fake read its caller's memory\n");
  skip();
}

static void test_nitro(void **state) {
  (void)state;
  cf_attester_ask_t ask = ask_for(32);
  uint8_t           key[CF_ATTESTER_FIELD_MAX + 1];
  fake_set(CF_PLATFORM_NITRO);
  need_sight(CF_PLATFORM_NITRO);
  good((cf_platform_t)0);
  memset(key, 7, sizeof key);
  ask.user_data = CF_SPAN_LIT("of the user");
  ask.public_key = CF_SPAN(key, CF_ATTESTER_FIELD_MAX);
  cf_nitro_document_t const *d = &good_with(CF_PLATFORM_NITRO, &ask)->of.nitro.document;
  assert_span(d->user_data, ask.user_data);
  assert_span(d->public_key, ask.public_key);
  ask.public_key.len++;
  bad_with(CF_PLATFORM_NITRO, &ask, CF_ERR_BOUND, "nsm.request", "1024");
}

static void test_nitro_answers(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_NITRO);
  need_sight(CF_PLATFORM_NITRO);
  snprintf(fake->nsm_error, sizeof fake->nsm_error, "InputTooLarge");
  bad(CF_PLATFORM_NITRO, CF_ERR_IO, "nsm.response", "InputTooLarge");
  memset(fake->nsm_raw, 0x81, sizeof fake->nsm_raw);
  fake->nsm_raw_sz = sizeof fake->nsm_raw;
  bad(CF_PLATFORM_NITRO, CF_ERR_FORMAT, "nsm.response", "neither");
  fake->ioctl = (fault_t){EMSGSIZE, 1};
  bad(CF_PLATFORM_NITRO, CF_ERR_BOUND, "nsm", "/dev/nsm: File too large");
}

/* ---- what passes, and what does not ---- */

static struct {
  char const   *name;
  cf_platform_t platform;
  size_t        fault; /* its offset */
  int           code;
  char const   *item;
} const passing[] = {
#define ROW(platform, member, code, item)                                                                                        \
  { #member, platform, offsetof(fake_t, member), code, item }
    ROW(CF_PLATFORM_TDX, mkdir, EINTR, "tsm"),
    ROW(CF_PLATFORM_TDX, inblob_open, EBUSY, "tsm.inblob"),
    ROW(CF_PLATFORM_TDX, outblob, EINTR, "tsm.outblob"),
    ROW(CF_PLATFORM_TDX, outblob, ETIMEDOUT, "tsm.outblob"),
    ROW(CF_PLATFORM_SNP, outblob, EBUSY, "tsm.outblob"),
    ROW(CF_PLATFORM_SNP, outblob, EIO, "tsm.outblob"),
    ROW(CF_PLATFORM_TDX, generation, EINTR, "tsm.generation"),
    ROW(CF_PLATFORM_SGX, user_data, EIO, "gramine.user_report_data"),
    ROW(CF_PLATFORM_SGX, quote_open, EAGAIN, "gramine.quote"),
};

static void test_passing(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
    fake_set(passing[i].platform);
    fault_t *f = (fault_t *)((char *)fake + passing[i].fault);
    *f = (fault_t){passing[i].code, 1};
    good(passing[i].platform);
    assert_int_equal(f->times, 0);
  }
  /* the last try counts, and there is none behind it */
  fake_set(CF_PLATFORM_TDX);
  fake->outblob = (fault_t){EBUSY, TRIES - 1};
  good(CF_PLATFORM_TDX);
  fake->outblob = (fault_t){EIO, TRIES};
  bad(CF_PLATFORM_TDX, CF_ERR_IO, "tsm.outblob", "/outblob: Input/output error, each time");
  assert_int_equal(fake->outblob.times, 0);
  fake_set(CF_PLATFORM_NITRO);
  need_sight(CF_PLATFORM_NITRO);
  fake->ioctl = (fault_t){ETIMEDOUT, 2};
  good(CF_PLATFORM_NITRO);
}

static void test_lasting(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  fake->mkdir = (fault_t){ENXIO, 1}; /* no provider: nothing to wait for */
  bad(CF_PLATFORM_TDX, CF_ERR_UNSUPPORTED, "tsm", REPORT "/cf-");
  assert_int_equal(fake->mkdir.times, 0);
  fake->mkdir = (fault_t){EACCES, 1};
  bad(CF_PLATFORM_TDX, CF_ERR_IO, "tsm", "Permission denied");
  assert_non_null(strstr(out.next, "root"));
  fake->outblob = (fault_t){EINVAL, 1};
  bad(CF_PLATFORM_TDX, CF_ERR_UNSUPPORTED, "tsm.outblob", "Invalid argument");
  bad(CF_PLATFORM_SGX, CF_ERR_UNSUPPORTED, "gramine.type", "/dev/attestation/attestation_type: No such file");
  bad(CF_PLATFORM_NITRO, CF_ERR_UNSUPPORTED, "nsm", "/dev/nsm: No such file");
  bad(CF_PLATFORM_TPM, CF_ERR_UNSUPPORTED, "tpm", "/dev/tpmrm0: No such file");
  bad(CF_PLATFORM_CCA, CF_ERR_UNSUPPORTED, "platform", "nothing here");
}

static void test_other_machine(void **state) {
  (void)state;
  cf_attester_ask_t ask = ask_for(64);
  fake_set(CF_PLATFORM_TDX);
  bad(CF_PLATFORM_SNP, CF_ERR_UNSUPPORTED, "tsm.provider", "/provider: it is \"tdx_guest\"");
  ask.privlevel = 0;
  bad_with(CF_PLATFORM_TDX, &ask, CF_ERR_UNSUPPORTED, "tsm.privlevel", "no levels");
  snprintf(fake->provider, sizeof fake->provider, "arm_cca_guest");
  bad((cf_platform_t)0, CF_ERR_UNSUPPORTED, "platform", "none of");
  fake_set(CF_PLATFORM_TPM); /* nothing is there at all */
  bad((cf_platform_t)0, CF_ERR_UNSUPPORTED, "platform", "none of");
}

static void test_bounds(void **state) {
  (void)state;
  static uint8_t    long_data[65];
  cf_attester_ask_t ask = ask_for(64);
  fake_set(CF_PLATFORM_TDX);
  ask.data = CF_SPAN(long_data, 65);
  bad_with(CF_PLATFORM_TDX, &ask, CF_ERR_BOUND, "nonce", "65");
  ask.data.len = 0;
  bad_with((cf_platform_t)0, &ask, CF_ERR_BOUND, "nonce", "0");
  assert_int_equal(fake->reports, 0);
}

/* A try that failed leaves nothing in the room; and what does not fit is said. */
static void test_room(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  good(CF_PLATFORM_TDX);
  room_sz = item("quote").len + 256;
  fake->raced_after = TRIES - 1;
  good(CF_PLATFORM_TDX);
  room_sz -= 512;
  bad(CF_PLATFORM_TDX, CF_ERR_BOUND, "tsm.outblob", "File too large");
  room_sz = sizeof room_bytes;
}

/* ---- other writers ---- */

static void test_races(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  fake->raced = 1;
  good(CF_PLATFORM_TDX);
  assert_int_equal(fake->reports, 2);
  fake->raced_after = 1; /* the report is ours, and yet nothing says so */
  good(CF_PLATFORM_TDX);
  assert_int_equal(fake->reports, 4);
  fake->lost = 1;
  good(CF_PLATFORM_TDX);
  assert_int_equal(fake->lost, 0);
  fake_set(CF_PLATFORM_SNP);
  fake->raced = 1;
  good(CF_PLATFORM_SNP);
  fake_set(CF_PLATFORM_SGX);
  fake->raced = 1;
  good(CF_PLATFORM_SGX);
  assert_int_equal(fake->reports, 2);
}

static void test_races_lost(void **state) {
  (void)state;
  fake_set(CF_PLATFORM_TDX);
  fake->raced_after = TRIES; /* the generation alone shows it */
  bad(CF_PLATFORM_TDX, CF_ERR_AUTH, "tsm.generation", "not over what was written");
  fake->lost = TRIES;
  bad(CF_PLATFORM_TDX, CF_ERR_AUTH, "tsm.outblob", "not over what was written");
  fake_set(CF_PLATFORM_SNP);
  fake->lies = true; /* the report alone shows it */
  bad(CF_PLATFORM_SNP, CF_ERR_AUTH, "tsm.outblob", "not over what was written");
  assert_int_equal(fake->reports, TRIES);
}

/* Each in its own folder: neither sees the other, and neither has to try again. */
static void test_two_processes(void **state) {
  (void)state;
  enum { PROCESSES = 2, ROUNDS = 8 };
  pid_t pid[PROCESSES];
  fake_set(CF_PLATFORM_TDX);
  for (int i = 0; i < PROCESSES; i++) {
    pid[i] = fork();
    assert_true(pid[i] >= 0);
    if (pid[i]) continue;
    int worked = 0;
    for (int k = 0; k < ROUNDS; k++) {
      cf_wr_t           room = cf_wr_init(room_bytes, sizeof room_bytes);
      cf_attester_ask_t ask = ask_for(64);
      nonce[1] = (uint8_t)(16 * i + k);
      cf_quote_t q;
      worked += !cf_attest(&out, &room, CF_PLATFORM_TDX, &ask, NULL) && !cf_quote_decode(&q, item("quote"), NULL) &&
                !memcmp(cf_quote_report_data(&q), nonce, 64);
    }
    _exit(worked == ROUNDS ? 0 : 1);
  }
  for (int i = 0; i < PROCESSES; i++) {
    int status;
    assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
    assert_int_equal(status, 0);
  }
  assert_int_equal(fake->entries, 0);
  assert_int_equal(fake->reports, PROCESSES * ROUNDS);
}

/* ---- the machine ---- */

static void tell(void *ctx) {
  if (write(*(int *)ctx, "", 1) != 1) _exit(1);
}

static int machine_on(void **state) {
  int pipes[2];
  (void)state;
  quotes_all(); /* read once, for both processes */
  snp_item(CF_ROLE_REPORT);
  snprintf(dir, sizeof dir, "/tmp/cf-attest-XXXXXX");
  if (!fake_alloc() || !mkdtemp(dir) || pipe(pipes)) return -1;
  fflush(NULL);
  server = fork();
  if (server < 0) return -1;
  if (!server) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    _exit(fake_serve(dir, tell, &pipes[1]) ? 77 : 0);
  }
  prctl(PR_SET_PTRACER, server); /* the fake of the NSM reads the caller's memory */
  close(pipes[1]);
  char    byte;
  ssize_t n = read(pipes[0], &byte, 1);
  close(pipes[0]);
  return n == 1 ? 0 : -1;
}

static int machine_off(void **state) {
  int status = 0;
  (void)state;
  if (server > 0) {
    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    server = 0;
  }
  rmdir(dir);
  return 0;
}

int main(void) {
  struct CMUnitTest const tests[] = {
      cmocka_unit_test(test_tdx),           cmocka_unit_test(test_large),         cmocka_unit_test(test_event_log),
      cmocka_unit_test(test_snp),           cmocka_unit_test(test_snp_table),     cmocka_unit_test(test_sgx),
      cmocka_unit_test(test_nitro),         cmocka_unit_test(test_nitro_answers), cmocka_unit_test(test_passing),
      cmocka_unit_test(test_lasting),       cmocka_unit_test(test_other_machine), cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_room),          cmocka_unit_test(test_races),         cmocka_unit_test(test_races_lost),
      cmocka_unit_test(test_two_processes),
  };
  if (machine_on(NULL)) {
    machine_off(NULL);
    puts("FUSE cannot be mounted here (no /dev/fuse, or not permitted): attesters were not tried against the kernel's rules");
    return 77;
  }
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  machine_off(NULL);
  return failed;
}
