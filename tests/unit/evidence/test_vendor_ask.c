/* Where items are asked for, and when again. */
#include "support.h"

#include "evidence/cf_vendor_answer.h"

#define ID16 "000102030405060708090a0b0c0d0e0f"
#define CHIP8 "0001020304050607"
#define CHIP64 CHIP8 CHIP8 CHIP8 CHIP8 CHIP8 CHIP8 CHIP8 CHIP8

static struct {
  cf_source_kind_t source;
  char const      *item, *path; /* NULL: not there */
} const paths[] = {
    {CF_SOURCE_PCS, "intel/tcb-info/sgx/00906ed50000", "/sgx/certification/v4/tcb?fmspc=00906ed50000"},
    {CF_SOURCE_PCCS, "intel/tcb-info/tdx/b0c06f000000", "/tdx/certification/v4/tcb?fmspc=b0c06f000000"},
    {CF_SOURCE_PCS, "intel/identity/sgx", "/sgx/certification/v4/qe/identity"},
    {CF_SOURCE_ANY, "intel/identity/tdx", "/tdx/certification/v4/qe/identity"},
    {CF_SOURCE_PCS, "intel/pck-crl/processor", "/sgx/certification/v4/pckcrl?ca=processor&encoding=der"},
    {CF_SOURCE_PCCS, "intel/pck-crl/platform", "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"},
    {CF_SOURCE_PCS, "intel/root-crl", NULL},
    {CF_SOURCE_PCCS, "intel/root-crl", "/sgx/certification/v4/rootcacrl"},
    {CF_SOURCE_FILES, "intel/root-crl", "/IntelSGXRootCA.der"},
    {CF_SOURCE_FILES, "intel/identity/sgx", NULL},
    {CF_SOURCE_PCS, "intel/pck/" ID16 "-" ID16 "-0d00-0000", NULL},
    {CF_SOURCE_PCCS, "intel/pck/" ID16 "-" ID16 "-0d00-0000",
     "/sgx/certification/v4/pckcert?qeid=" ID16 "&cpusvn=" ID16 "&pcesvn=0d00&pceid=0000"},
    {CF_SOURCE_KDS, "intel/root-crl", NULL},
    {CF_SOURCE_PCCS, "amd/milan/vcek-crl", NULL},
    {CF_SOURCE_KDS, "amd/milan/vcek-crl", "/vcek/v1/Milan/crl"},
    {CF_SOURCE_ANY, "amd/genoa/vlek-chain", "/vlek/v1/Genoa/cert_chain"},
    {CF_SOURCE_KDS, "amd/milan/vcek/" CHIP64 "/3-0-8-115", "/vcek/v1/Milan/" CHIP64 "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"},
    {CF_SOURCE_KDS, "amd/turin/vcek/" CHIP8 "/1-2-3-4-5",
     "/vcek/v1/Turin/" CHIP8 "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=05"},
};

static void test_paths(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    cf_vendor_item_t item;
    char             path[CF_VENDOR_PATH_MAX];
    assert_int_equal(cf_vendor_of(&item, CF_SPAN(paths[i].item, strlen(paths[i].item))), CF_OK);
    bool has = cf_vendor_path(path, paths[i].source, &item);
    if (has != (paths[i].path != NULL) || (has && strcmp(path, paths[i].path))) fail_msg("%s: %s", paths[i].item, path);
  }
}

static void test_patience(void **state) {
  cf_vendor_patience_t p = {0};
  int64_t              waits[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600};
  (void)state;
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
    cf_vendor_patience_next(&p, false, 0, 1000);
    assert_int_equal(p.again_s, 1000 + waits[i]);
  }
  cf_vendor_patience_next(&p, true, 0, 1000);
  assert_true(p.again_s == 0 && p.failures == 0);
  cf_vendor_patience_next(&p, false, 7, 1000);
  assert_int_equal(p.again_s, 1007);
  cf_vendor_patience_next(&p, false, 1, 1000); /* asks for less than its failures suggest */
  assert_int_equal(p.again_s, 1002);
  cf_vendor_patience_next(&p, false, UINT32_MAX, 1000);
  assert_int_equal(p.again_s, 1000 + 86400);
}

static void test_due(void **state) {
  cf_vendor_record_t r = {.issued_s = 100, .next_s = 200};
  (void)state;
  assert_true(cf_vendor_is_due(NULL, 150, 149000, 10000, 150000));
  assert_false(cf_vendor_is_due(&r, 150, 149000, 10000, 150000));
  assert_true(cf_vendor_is_due(&r, 150, 140000, 10000, 150000));
  assert_true(cf_vendor_is_due(&r, 200, 149000, 10000, 150000)); /* its successor is due */
  assert_true(cf_vendor_is_due(&r, 150, 149000, 0, 149000));
  assert_true(cf_vendor_is_due(&r, 150, 151000, 10000, 150000)); /* asked for in the future */
}

/* ---- the chain's field ---- */

static struct {
  char const *fields, *want;
  cf_status_t st;
} const fields[] = {
    {"TCB-Info-Issuer-Chain: a%0Ab\r\n", "a\nb", CF_OK},
    {"HTTP/1.1 200 OK\r\nX: y\r\ntcb-info-issuer-chain:\ta%2bb+c \r\n", "a+b+c", CF_OK},
    {"TCB-Info-Issuer-Chain: a", "a", CF_OK},
    {"TCB-Info-Issuer-Chain: a\r\nTCB-Info-Issuer-Chain: a\r\n", "", CF_OK},
    {"TCB-Info-Issuer-Chain2: a\r\n", "", CF_OK},
    {"SGX-PCK-CRL-Issuer-Chain: a\r\n", "", CF_OK},
    {"", "", CF_OK},
    {"TCB-Info-Issuer-Chain: %0\r\n", "", CF_ERR_FORMAT},
    {"TCB-Info-Issuer-Chain: %zz\r\n", "", CF_ERR_FORMAT},
    {"TCB-Info-Issuer-Chain: %00\r\n", "", CF_ERR_FORMAT},
};

static void test_fields(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    uint8_t   buf[64];
    cf_wr_t   room = cf_wr_init(buf, sizeof buf);
    cf_span_t pem;
    if (cf_vendor_chain_field(&pem, &room, CF_VENDOR_TCB_INFO, CF_SPAN(fields[i].fields, strlen(fields[i].fields))) !=
        fields[i].st)
      fail_msg("%s", fields[i].fields);
    if (!cf_span_eq(pem, CF_SPAN(fields[i].want, strlen(fields[i].want)))) fail_msg("%s", fields[i].fields);
  }
  static char    long_one[60000] = "TCB-Info-Issuer-Chain: ";
  static uint8_t buf[60000];
  cf_wr_t        room = cf_wr_init(buf, sizeof buf);
  cf_span_t      pem;
  memset(long_one + strlen(long_one), 'x', 20000);
  assert_int_equal(cf_vendor_chain_field(&pem, &room, CF_VENDOR_TCB_INFO, CF_SPAN(long_one, strlen(long_one))), CF_ERR_BOUND);
}

int main(void) {
  struct CMUnitTest const tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_patience), cmocka_unit_test(test_due),
                                     cmocka_unit_test(test_fields)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
