/* Input: an event log.  Every bank tells of the same events, and a replay touches the PCRs that the events name. */
#include <assert.h>

#include "evidence/cf_eventlog.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static uint16_t const banks[] = {CF_TPM_SHA1, CF_TPM_SHA256, CF_TPM_SHA384, CF_TPM_SHA512};
  size_t                first = SIZE_MAX;
  for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++) {
    cf_eventlog_t log;
    cf_event_t    e;
    cf_tpm_bank_t bank;
    cf_verdict_t  v = {0};
    size_t        cnt = 0;
    uint32_t      mask = 0;
    if (cf_eventlog_open(&log, CF_SPAN(data, size), banks[i], NULL)) continue;
    for (; cf_eventlog_next(&log, &e); cnt++) {
      assert(e.data.len <= size && e.digest.len && e.digest.ptr > data && e.digest.ptr + e.digest.len <= data + size);
      if (e.type != CF_EVENT_NO_ACTION && e.pcr < CF_TPM_PCR_CNT) mask |= 1u << e.pcr;
    }
    cf_status_t st = cf_eventlog_replay(&bank, CF_SPAN(data, size), banks[i], NULL);
    assert(!log.rd.bad || st);
    if (st) continue;
    assert(bank.mask == mask && (first == SIZE_MAX || first == cnt));
    first = cnt;
    assert(cf_eventlog_check(CF_SPAN(data, size), &bank, &v) == CF_VERDICT_OK);
  }
  return 0;
}
