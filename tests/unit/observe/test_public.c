/* The words of telemetry, against the numbers that the enclave answers with. */
#include "observe/cf_public.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "document/cf_boundary.h"

static void
test_classes_are_the_refusals(void **state) {
  static struct {
    cf_refuse_t refusal;
    char const  *word;
  } const cases[] = {
    { CF_REFUSE_NONE, "accepted" },
    { CF_REFUSE_MALFORMED, "malformed" },
    { CF_REFUSE_TOO_LARGE, "too-large" },
    { CF_REFUSE_DOMAIN, "domain" },
    { CF_REFUSE_EPOCH, "epoch" },
    { CF_REFUSE_SUITE, "suite" },
    { CF_REFUSE_JURISDICTION, "jurisdiction" },
    { CF_REFUSE_SESSION_UNKNOWN, "session-unknown" },
    { CF_REFUSE_REPLAYED, "replayed" },
    { CF_REFUSE_UNAUTHENTIC, "unauthentic" },
    { CF_REFUSE_POLICY_CHANGED, "policy-changed" },
    { CF_REFUSE_BUSY, "busy" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cf_input_class_t c = (cf_input_class_t)cases[i].refusal;
    assert_string_equal(cf_public_input_class(c).made_by_cf_public, cases[i].word);
  }
  assert_true((unsigned)CF_INPUT_PROMISED == (unsigned)CF_REFUSE_BUSY + 1);
}

static void
test_every_word_is_there_once(void **state) {
  char const *words[CF_INPUT_CLASSES + CF_PUBLIC_MODES + CF_PUBLIC_SETTLEMENTS];
  size_t      cnt = 0;
  for (unsigned i = 0; i < CF_INPUT_CLASSES; i++) words[cnt++] = cf_public_input_class((cf_input_class_t)i).made_by_cf_public;
  for (unsigned i = 0; i < CF_PUBLIC_MODES; i++) words[cnt++] = cf_public_mode(i).made_by_cf_public;
  for (unsigned i = 0; i < CF_PUBLIC_SETTLEMENTS; i++) words[cnt++] = cf_public_settlement(i).made_by_cf_public;
  for (size_t i = 0; i < cnt; i++) {
    assert_non_null(words[i]);
    assert_true(words[i][0] && strspn(words[i], "abcdefghijklmnopqrstuvwxyz-") == strlen(words[i]));
    for (size_t j = 0; j < i; j++) assert_string_not_equal(words[i], words[j]);
  }
}

static void
test_values_are_carried_whole(void **state) {
  cf_hash_t id = { { 1, [31] = 2 } };
  assert_true(cf_public_u64(UINT64_MAX).made_by_cf_public == UINT64_MAX);
  assert_memory_equal(cf_public_id(&id).made_by_cf_public, id.b, 32);
  assert_string_equal(cf_public_status(CF_ERR_POLICY).made_by_cf_public, cf_status_name(CF_ERR_POLICY));
  assert_string_equal(CF_PUBLIC_TEXT("boot").made_by_cf_public, "boot");
}

int
main(void) {
  struct CMUnitTest const tests[] = {
    cmocka_unit_test(test_classes_are_the_refusals),
    cmocka_unit_test(test_every_word_is_there_once),
    cmocka_unit_test(test_values_are_carried_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
