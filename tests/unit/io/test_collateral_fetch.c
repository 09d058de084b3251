// lib: ssl crypto
/* Fetching collateral, from a server that plays the makers, with faults: what is kept, what is not, and how often is asked. */
#include "tls_server.h"

#include <sys/mman.h>

#include "../evidence/quotes.h"

#include "codec/cf_pem.h"
#include "crypto/cf_hash.h"
#include "io/cf_collateral_fetch.h"

#define DAY 86400

static struct { unsigned asked, limited; } * seen; /* shared with the server's processes */

static quotes_t     *quotes;
static quote_case_t *good;
static char          issuers[16384], signers[16384]; /* PEM, percent-encoded: CA and root; TCB signing and root */
static cf_span_t     amd_ask, amd_ark, amd_vek, amd_report;
static int64_t       amd_at_s;
static cf_root_t     amd_root;

static cf_span_t of(cf_role_t role) {
  for (size_t i = 0; i < good->item_cnt; i++)
    if (good->items[i].role == role) return good->items[i].bytes;
  return CF_SPAN(NULL, 0);
}

/* ---- the makers ---- */

static void encode(char out[16384], cf_span_t text) {
  size_t n = 0;
  for (size_t i = 0; i < text.len && text.ptr[i]; i++) {
    char c = (char)text.ptr[i];
    if (c == '\n' || c == '+' || c == ' ' || c == '=') n += (size_t)sprintf(out + n, "%%%02X", (unsigned)c);
    else out[n++] = c;
    assert_true(n < 16000);
  }
  out[n] = 0;
}

static void put(SSL *ssl, cf_span_t bytes) {
  for (size_t at = 0; at < bytes.len;) {
    int n = SSL_write(ssl, bytes.ptr + at, (int)(bytes.len - at));
    if (n <= 0) return;
    at += (size_t)n;
  }
}

/* What stands at a path: field and body. */
typedef struct {
  char const *path, *field, *chain;
  cf_role_t   role;
} page_t;

static page_t const pages[] = {
    {"/tdx/certification/v4/tcb?fmspc=a0b0c0d0e0f0", "TCB-Info-Issuer-Chain", signers, CF_ROLE_TCB_INFO},
    {"/tdx/certification/v4/qe/identity", "SGX-Enclave-Identity-Issuer-Chain", signers, CF_ROLE_QE_IDENTITY},
    {"/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "SGX-PCK-CRL-Issuer-Chain", issuers, CF_ROLE_PCK_CRL},
    {"/sgx/certification/v4/rootcacrl", NULL, NULL, CF_ROLE_ROOT_CA_CRL},
};

static void page(SSL *ssl, page_t const *p, char const *fault) {
  static char head[40000], hex[1 << 16];
  cf_span_t   body = of(p->role);
  char const *chain = p->chain, *type = "application/json", *twice = "";
  size_t      sent = body.len;
  bool        is = true;
#define FAULT(name) (is = strcmp(fault, name) == 0)
  if (FAULT("wrong-chain")) chain = p->chain == signers ? issuers : signers;
  if (FAULT("no-chain")) chain = NULL;
  if (FAULT("two-chains")) twice = p->field ? p->field : "";
  if (FAULT("bad-chain")) chain = "%zz";
  if (FAULT("truncated")) body.len = sent = body.len / 2;
  if (FAULT("cut")) sent = body.len / 2;
  if (FAULT("other-type")) type = "text/html";
  if (FAULT("other-item")) body = of(p->role == CF_ROLE_TCB_INFO ? CF_ROLE_QE_IDENTITY : CF_ROLE_TCB_INFO), sent = body.len;
  if (FAULT("page")) body = CF_SPAN_LIT("<html>down for maintenance</html>"), sent = body.len;
  if (FAULT("hex") && p->role == CF_ROLE_ROOT_CA_CRL) body = CF_SPAN(cf_hex_encode(hex, body), 2 * body.len), sent = body.len;
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", type, body.len);
  if (p->field && chain) n += snprintf(head + n, sizeof head - (size_t)n, "%s: %s\r\n", p->field, chain);
  if (*twice) n += snprintf(head + n, sizeof head - (size_t)n, "%s: %s\r\n", twice, chain);
  put(ssl, CF_SPAN(head, (size_t)n));
  put(ssl, S("\r\n"));
  put(ssl, CF_SPAN(body.ptr, sent));
  (void)is;
}

static void pem_page(SSL *ssl, cf_span_t const *certs, size_t cnt) {
  static uint8_t text[16384];
  cf_wr_t        wr = cf_wr_init(text, sizeof text);
  char           head[96];
  for (size_t i = 0; i < cnt; i++) cf_pem_encode(&wr, "CERTIFICATE", certs[i]);
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", wr.len);
  put(ssl, CF_SPAN(head, (size_t)n));
  put(ssl, cf_wr_out(&wr));
}

static void der_page(SSL *ssl, cf_span_t der) {
  char head[96];
  int  n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", der.len);
  put(ssl, CF_SPAN(head, (size_t)n));
  put(ssl, der);
}

#define EMPTY "Content-Length: 0\r\n\r\n"

/* Faults that are no page's: true when the request was answered. */
static bool faulty(SSL *ssl, char const *fault) {
  static uint8_t zeros[65536];
  if (!strcmp(fault, "none")) put(ssl, S("HTTP/1.1 404 Not Found\r\n" EMPTY));
  else if (!strcmp(fault, "broken")) put(ssl, S("HTTP/1.1 500 Oops\r\n" EMPTY));
  else if (!strcmp(fault, "elsewhere"))
    put(ssl, S("HTTP/1.1 302 Found\r\nLocation: /good/sgx/certification/v4/rootcacrl\r\n" EMPTY));
  else if (!strcmp(fault, "limited") && seen->limited++ == 0) put(ssl, S("HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n" EMPTY));
  else if (!strcmp(fault, "closed")) put(ssl, S("HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\n" EMPTY));
  else if (!strcmp(fault, "silent")) pause();
  else if (!strcmp(fault, "huge")) {
    put(ssl, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 100; i++) {
      put(ssl, S("10000\r\n"));
      put(ssl, CF_SPAN_OF(zeros));
      put(ssl, S("\r\n"));
    }
  } else if (!strcmp(fault, "huge-head")) {
    put(ssl, S("HTTP/1.1 200 OK\r\n"));
    for (int i = 0; i < 10; i++) {
      put(ssl, S("X: "));
      memset(zeros, 'x', 10000);
      put(ssl, CF_SPAN(zeros, 10000));
      put(ssl, S("\r\n"));
    }
    put(ssl, S("\r\n"));
  } else return false;
  return true;
}

/* "GET /FAULT/path". */
static void answer_one(SSL *ssl, char *line) {
  char *fault = line + strlen("GET /"), *path = strchr(fault, '/'), *end = path ? strchr(path, ' ') : NULL;
  if (!end) return;
  *end = 0;
  __atomic_add_fetch(&seen->asked, 1, __ATOMIC_SEQ_CST);
  char name[32];
  snprintf(name, sizeof name, "%.*s", (int)(path - fault), fault);
  if (faulty(ssl, name)) return;
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
    if (!strcmp(path, pages[i].path)) {
      page(ssl, &pages[i], name);
      return;
    }
  if (strstr(path, "/vcek/v1/Milan/cert_chain")) pem_page(ssl, (cf_span_t[]){amd_ask, amd_ark}, 2);
  else if (strstr(path, "/vcek/v1/Milan/")) der_page(ssl, amd_vek);
  else put(ssl, S("HTTP/1.1 404 Not Found\r\n" EMPTY));
}

static void answer(SSL *ssl) {
  char   buf[4096];
  size_t n = 0;
  while (n < sizeof buf - 1) {
    int got = SSL_read(ssl, buf + n, (int)(sizeof buf - 1 - n));
    if (got <= 0) return;
    buf[n += (size_t)got] = 0;
    if (!strstr(buf, "\r\n\r\n")) continue;
    bool cut = strstr(buf, "/cut/") != NULL;
    answer_one(ssl, buf);
    if (cut) return;
    n = 0;
  }
}

/* ---- the fetcher ---- */

static void without_first(cf_span_t *pem) {
  char const *second = strstr(strstr((char const *)pem->ptr, "-----END"), "-----BEGIN");
  pem->len -= (size_t)((uint8_t const *)second - pem->ptr);
  pem->ptr = (uint8_t const *)second;
}

static cf_span_t book_blob(cf_json_t book, cf_json_t name) {
  static uint8_t pool[1 << 18];
  static size_t  used;
  char           text[64];
  assert_int_equal(cf_json_str(text, sizeof text, name), CF_OK);
  cf_json_t hex = cf_json_get(cf_json_get(book, "blobs"), text);
  size_t    n = (hex.text.len - 2) / 2;
  assert_true(n < sizeof pool - used);
  assert_int_equal(cf_json_hex(pool + used, n, hex), CF_OK);
  used += n;
  return CF_SPAN(pool + used - n, n);
}

/* The first good case of a Milan chip's own key. */
static void load_amd(void) {
  static char text[1 << 20];
  FILE       *f = fopen(CF_SOURCE_DIR "/tests/vectors/evidence/snp.json", "rb");
  size_t      n = fread(text, 1, sizeof text, f);
  cf_json_t   book, first, key;
  cf_span_t   none;
  size_t      pos = 0;
  fclose(f);
  assert_int_equal(cf_json_parse(&book, CF_SPAN(text, n), NULL), CF_OK);
  (void)key;
  assert_true(cf_json_each(cf_json_get(book, "cases"), &pos, &none, &first));
  cf_json_t items = cf_json_get(first, "items");
  amd_report = book_blob(book, cf_json_get(items, "report"));
  amd_vek = book_blob(book, cf_json_get(items, "vek"));
  amd_ask = book_blob(book, cf_json_get(items, "ask"));
  amd_ark = book_blob(book, cf_json_get(items, "ark"));
  amd_root = (cf_root_t){CF_CLASS_OWNER, amd_ark};
  assert_int_equal(cf_json_i64(&amd_at_s, cf_json_get(first, "at")), CF_OK);
}

static int setup_all(void **state) {
  if (tmp_make(state)) return -1;
  quotes = quotes_load(CF_SOURCE_DIR "/tests/vectors/evidence/quotes.json");
  good = quotes_find(quotes, "TDX 1.0, version 4");
  cf_quote_t q;
  if (cf_quote_decode(&q, of(CF_ROLE_QUOTE), NULL)) return -1;
  without_first(&q.cert);
  encode(issuers, q.cert);
  encode(signers, of(CF_ROLE_TCB_INFO_CHAIN));
  load_amd();
  seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return seen == MAP_FAILED || !tls_start(answer) ? -1 : 0;
}

static int teardown_all(void **state) {
  tls_stop();
  free(quotes);
  return tmp_remove(state);
}

static char dir[128];

/* A folder for each test. */
static int setup(void **state) {
  static int n;
  (void)state;
  snprintf(dir, sizeof dir, "%s/%d", tmp_dir, n++);
  memset(seen, 0, sizeof *seen);
  return mkdir(dir, 0755);
}

/* Sources by the faults that they have. */
typedef struct {
  cf_source_t    sources[CF_SOURCES_MAX];
  char           url[CF_SOURCES_MAX][96];
  cf_fetch_ask_t ask;
} plan_t;

static void plan(plan_t *p, char const *first, char const *second) {
  static char ca[160];
  snprintf(ca, sizeof ca, "%s", tmp_path("root.pem"));
  *p = (plan_t){.ask = {.ca_file = ca, .roots = &good->root, .root_cnt = 1, .at_s = good->at_s, .timeout_ms = 30000}};
  p->ask.sources = p->sources;
  for (char const *const *name = (char const *[]){first, second, NULL}; *name; name++) {
    snprintf(p->url[p->ask.source_cnt], sizeof p->url[0], "https://127.0.0.1:%u/%s", server.port, *name);
    p->sources[p->ask.source_cnt] = (cf_source_t){CF_SOURCE_ANY, p->url[p->ask.source_cnt]};
    p->ask.source_cnt++;
  }
}

static cf_fetched_t fetch(plan_t const *p, char const *name) {
  cf_collateral_fetch_t *f;
  cf_fetched_t           out;
  cf_vendor_item_t       item;
  cf_error_t             err = {0};
  assert_int_equal(cf_vendor_of(&item, TEXT_SPAN(name)), CF_OK);
  if (cf_collateral_fetch_open(&f, dir, &p->ask, &err)) fail_msg("%s: %s", err.item, err.text);
  if (cf_collateral_fetch(&out, f, &item, &err)) fail_msg("%s: %s", err.item, err.text);
  cf_collateral_fetch_close(f);
  return out;
}

#define TCB_INFO "intel/tcb-info/tdx/a0b0c0d0e0f0"
#define IDENTITY "intel/identity/tdx"
#define PCK_CRL "intel/pck-crl/platform"
#define ROOT_CRL "intel/root-crl"

/* ---- tests ---- */

/* All that a quote needs, fetched; then it verifies from the folder alone. */
static void test_all(void **state) {
  static char const *const names[] = {TCB_INFO, IDENTITY, PCK_CRL, ROOT_CRL};
  plan_t                   p;
  (void)state;
  plan(&p, "good", NULL);
  p.ask.max_age_ms = DAY * 1000;
  for (int again = 0; again < 2; again++)
    for (size_t i = 0; i < 4; i++) {
      cf_fetched_t got = fetch(&p, names[i]);
      if (got.outcome != (again ? CF_FETCH_HELD : CF_FETCH_NEW)) fail_msg("%s: %d %s", names[i], got.outcome, got.why[0]);
    }
  assert_int_equal(seen->asked, 4);
  p.ask.max_age_ms = 0;
  assert_int_equal(fetch(&p, TCB_INFO).outcome, CF_FETCH_SAME);
  assert_int_equal(seen->asked, 5);
  cf_files_t            files;
  cf_collateral_taken_t taken;
  static cf_facts_t     facts;
  cf_verdict_t          v;
  cf_evidence_item_t    quote = {CF_ROLE_QUOTE, of(CF_ROLE_QUOTE)};
  cf_evidence_ask_t     ask = quotes_ask(good);
  assert_int_equal(cf_files_open(&files, dir, "", NULL), CF_OK);
  assert_int_equal(cf_collateral_take(&taken, &files, &quote, 1, good->at_s, NULL), CF_OK);
  ask.items = taken.items;
  ask.item_cnt = taken.item_cnt;
  if (cf_evidence_verify(&facts, &ask, &v)) fail_msg("%s: %s", v.item, v.text);
  cf_collateral_taken_free(&taken);
  cf_files_close(&files);
}

static struct {
  char const        *fault, *item;
  cf_fetch_outcome_t want;
  bool               refused;
  char const        *why; /* of the first source; NULL: nothing is said */
} const faults[] = {
    {"wrong-chain", TCB_INFO, CF_FETCH_FAILED, true, "gave chain"},
    {"wrong-chain", IDENTITY, CF_FETCH_FAILED, true, "gave chain"},
    {"wrong-chain", PCK_CRL, CF_FETCH_FAILED, true, "gave chain"},
    {"no-chain", TCB_INFO, CF_FETCH_FAILED, true, "without the chain"},
    {"no-chain", PCK_CRL, CF_FETCH_FAILED, true, "without the chain"},
    {"two-chains", TCB_INFO, CF_FETCH_FAILED, true, "or with several"},
    {"bad-chain", IDENTITY, CF_FETCH_FAILED, true, "percent-encoded"},
    {"truncated", TCB_INFO, CF_FETCH_FAILED, true, "gave malformed"},
    {"truncated", PCK_CRL, CF_FETCH_FAILED, true, "gave malformed"},
    {"truncated", ROOT_CRL, CF_FETCH_FAILED, true, "gave malformed"},
    {"other-item", TCB_INFO, CF_FETCH_FAILED, true, "gave malformed"},
    {"other-item", IDENTITY, CF_FETCH_FAILED, true, "gave malformed"},
    {"other-item", ROOT_CRL, CF_FETCH_FAILED, true, "gave malformed"},
    {"page", TCB_INFO, CF_FETCH_FAILED, true, "gave malformed"},
    {"page", ROOT_CRL, CF_FETCH_FAILED, true, "gave malformed"},
    {"cut", TCB_INFO, CF_FETCH_FAILED, false, ": "},
    {"none", TCB_INFO, CF_FETCH_FAILED, false, "answered 404"},
    {"broken", TCB_INFO, CF_FETCH_FAILED, false, "answered 500"},
    {"elsewhere", ROOT_CRL, CF_FETCH_FAILED, false, "answered 302"},
    {"limited", ROOT_CRL, CF_FETCH_FAILED, false, "answered 429"},
    {"huge", ROOT_CRL, CF_FETCH_FAILED, false, "larger than is taken"},
    {"huge-head", ROOT_CRL, CF_FETCH_FAILED, false, "larger than is taken"},
    {"other-type", TCB_INFO, CF_FETCH_NEW, false, NULL}, /* what it is, its bytes tell */
    {"hex", ROOT_CRL, CF_FETCH_NEW, false, NULL},
};

/* What a faulty source gives is not kept, and said; the next one's answer is. */
static void test_faults(void **state) {
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    bool   taken = faults[i].want == CF_FETCH_NEW;
    plan_t p;
    assert_int_equal(setup(state), 0);
    plan(&p, faults[i].fault, "good");
    cf_fetched_t got = fetch(&p, faults[i].item);
    if (got.outcome != CF_FETCH_NEW || got.refused != faults[i].refused || got.why_cnt != !taken ||
        !strstr(got.record.source, taken ? faults[i].fault : "/good") || (!taken && !strstr(got.why[0], faults[i].why)))
      fail_msg("%s %s: %d %d %s", faults[i].fault, faults[i].item, got.outcome, got.refused, got.why_cnt ? got.why[0] : "");
    assert_int_equal(seen->asked, taken ? 1 : 2);
  }
}

/* Where nobody has it, nothing is kept. */
static void test_nobody(void **state) {
  plan_t      p;
  struct stat is;
  char        items[160];
  (void)state;
  plan(&p, "page", "none");
  cf_fetched_t got = fetch(&p, TCB_INFO);
  assert_true(got.outcome == CF_FETCH_FAILED && !got.found && got.refused && got.why_cnt == 2);
  snprintf(items, sizeof items, "%s/items", dir);
  assert_int_not_equal(stat(items, &is), 0);
}

static void test_silence(void **state) {
  plan_t p;
  (void)state;
  plan(&p, "silent", "good");
  p.ask.timeout_ms = 300;
  cf_fetched_t got = fetch(&p, ROOT_CRL);
  assert_true(got.why_cnt >= 1 && strstr(got.why[0], "silent"));
}

/* What a server says of its patience holds for everybody who uses the folder, and is waited for by who may. */
static void test_limited(void **state) {
  plan_t p;
  (void)state;
  plan(&p, "closed", NULL);
  assert_int_equal(fetch(&p, ROOT_CRL).outcome, CF_FETCH_FAILED);
  cf_fetched_t got = fetch(&p, TCB_INFO); /* of another item, too */
  assert_true(got.outcome == CF_FETCH_FAILED && strstr(got.why[0], "left alone until"));
  assert_int_equal(seen->asked, 1);
  plan(&p, "limited", NULL);
  p.ask.patience_ms = 60000;
  assert_int_equal(fetch(&p, ROOT_CRL).outcome, CF_FETCH_NEW);
  assert_int_equal(seen->asked, 3);
}

/* An older answer does not take a newer one's place; neither does one from another time than is asked about. */
static void test_older(void **state) {
  cf_files_t         files;
  cf_vendor_item_t   item = {.kind = CF_VENDOR_ROOT_CRL};
  cf_vendor_record_t newer = {.issued_s = good->at_s - 60, .next_s = good->at_s + DAY, .part_cnt = 1};
  cf_span_t          bytes = CF_SPAN_LIT("newer");
  plan_t             p;
  (void)state;
  newer.part[0].role = CF_ROLE_ROOT_CA_CRL;
  assert_int_equal(cf_files_open(&files, dir, "", NULL), CF_OK);
  assert_int_equal(cf_collateral_put(&files, &item, &newer, &bytes, NULL), CF_OK);
  cf_files_close(&files);
  plan(&p, "good", NULL);
  cf_fetched_t got = fetch(&p, ROOT_CRL);
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused && strstr(got.why[0], "newer is held"));
  assert_true(got.found && got.record.issued_s == newer.issued_s);
  p.ask.at_s = good->at_s + 3650LL * DAY;
  got = fetch(&p, PCK_CRL);
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused);
  p.ask.at_s = good->at_s - 3650LL * DAY;
  got = fetch(&p, PCK_CRL);
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused);
}

/* Roots that are not the item's maker's: nothing of it is believed. */
static void test_roots(void **state) {
  static char const *const names[] = {TCB_INFO, IDENTITY, PCK_CRL, ROOT_CRL};
  plan_t                   p;
  (void)state;
  plan(&p, "good", NULL);
  p.ask.root_cnt = 0;
  for (size_t i = 0; i < 4; i++) {
    cf_fetched_t got = fetch(&p, names[i]);
    if (got.outcome != CF_FETCH_FAILED || !got.refused) fail_msg("%s", names[i]);
  }
}

/* Several processes at once that all want the same: one asks. */
static void test_together(void **state) {
  plan_t p;
  pid_t  pid[3];
  (void)state;
  plan(&p, "good", NULL);
  p.ask.patience_ms = 60000;
  for (int i = 0; i < 3; i++) {
    pid[i] = fork();
    if (pid[i] == 0) _exit(fetch(&p, TCB_INFO).found ? 0 : 1);
  }
  for (int i = 0; i < 3; i++) {
    int status;
    waitpid(pid[i], &status, 0);
    assert_int_equal(status, 0);
  }
  p.ask.max_age_ms = DAY * 1000;
  assert_true(seen->asked >= 1 && fetch(&p, TCB_INFO).outcome == CF_FETCH_HELD);
}

/* While one has the folder, another that does not wait says so; one that waits finds what it brought.  (A child that was forked
   later would have the lock, too.) */
static void test_locked(void **state) {
  cf_collateral_fetch_t *f, *other;
  cf_fetched_t           got;
  cf_vendor_item_t       item = {.kind = CF_VENDOR_ROOT_CRL};
  plan_t                 p;
  int                    status, go[2], came[2];
  char                   x;
  (void)state;
  plan(&p, "good", NULL);
  assert_true(pipe(go) == 0 && pipe(came) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (read(go[0], &x, 1) != 1) _exit(1);
    if (cf_collateral_fetch_open(&other, dir, &p.ask, NULL) != CF_ERR_POLICY) _exit(2);
    p.ask.patience_ms = 60000;
    if (write(came[1], "x", 1) != 1 || cf_collateral_fetch_open(&other, dir, &p.ask, NULL)) _exit(3);
    if (cf_collateral_fetch(&got, other, &item, NULL)) _exit(4);
    _exit(got.outcome == CF_FETCH_HELD || got.outcome == CF_FETCH_SAME ? 0 : 5);
  }
  assert_int_equal(cf_collateral_fetch_open(&f, dir, &p.ask, NULL), CF_OK);
  assert_int_equal(write(go[1], "x", 1), 1);
  assert_int_equal(read(came[0], &x, 1), 1);
  assert_int_equal(cf_collateral_fetch(&got, f, &item, NULL), CF_OK);
  assert_int_equal(got.outcome, CF_FETCH_NEW);
  cf_collateral_fetch_close(f);
  waitpid(pid, &status, 0);
  assert_int_equal(status, 0);
  for (int i = 0; i < 2; i++) close(go[i]), close(came[i]);
}

/* AMD: a chip's certificate by its chain, which is fetched first; another chip's is refused. */
static void test_amd(void **state) {
  cf_evidence_item_t report = {CF_ROLE_REPORT, amd_report};
  cf_vendor_item_t   wants[CF_VENDOR_WANTS_MAX];
  size_t             cnt;
  char               name[CF_VENDOR_NAME_MAX];
  plan_t             p;
  (void)state;
  plan(&p, "good", NULL);
  p.ask.at_s = amd_at_s;
  p.ask.roots = &amd_root;
  cf_vendor_wants(wants, &cnt, &report, 1);
  assert_true(cnt >= 1 && wants[0].kind == CF_VENDOR_VCEK && wants[0].product == CF_SNP_MILAN);
  cf_vendor_name(name, &wants[0]);
  cf_fetched_t got = fetch(&p, name);
  if (got.outcome != CF_FETCH_NEW) fail_msg("%s", got.why[0]);
  assert_int_equal(seen->asked, 2);
  p.ask.max_age_ms = DAY * 1000;
  assert_int_equal(fetch(&p, "amd/milan/vcek-chain").outcome, CF_FETCH_HELD);
  wants[0].chip[0] ^= 1;
  cf_vendor_name(name, &wants[0]);
  got = fetch(&p, name);
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused && strstr(got.why[0], "another chip"));
  wants[0].chip[0] ^= 1;
  wants[0].tcb.snp ^= 1;
  cf_vendor_name(name, &wants[0]);
  got = fetch(&p, name);
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused && strstr(got.why[0], "another TCB"));
  p.ask.root_cnt = 0;
  p.ask.max_age_ms = 0;
  got = fetch(&p, "amd/milan/vcek-chain");
  assert_true(got.outcome == CF_FETCH_FAILED && got.refused && got.found);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup(fn, setup)
  struct CMUnitTest const tests[] = {T(test_all),   T(test_faults), T(test_nobody),   T(test_silence), T(test_limited),
                                     T(test_older), T(test_roots),  T(test_together), T(test_locked),  T(test_amd)};
  return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
