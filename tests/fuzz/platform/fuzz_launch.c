/* Input: who asks (program, gateway), and a question to the launcher.  It is answered under the type that was asked, OK or with a class;
   without a TPM nothing is quoted, sealed or activated, and what is answered is what the launcher has. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "document/cf_boundary.h"
#include "platform/cf_launch.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static cf_launch_t *
launcher(void) {
  cf_launch_t *l = calloc(1, sizeof *l);
  assert(l);
  l->enclave = l->listener = l->folder = -1;
  l->quotes[1].evidence_sz             = 100;
  memset(l->quotes[1].evidence, 7, 100);
  memset(l->quotes[1].binding.b, 9, 32);
  l->ca.root_sz = 3;
  return l;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size) {
  static cf_launch_t *l;
  static uint8_t      buf[1 << 18];
  if (!l) l = launcher();
  if (!size) return 0;
  cf_wr_t   answer   = cf_wr_init(buf, sizeof buf);
  cf_span_t question = CF_SPAN(data + 1, size - 1);
  if (data[0] & 1) cf_launch_asked(l, &answer, question);
  else cf_launch_answer(l, &answer, question);
  assert(!answer.bad && answer.len >= 3 && buf[0] == CF_BOUNDARY_VERSION);
  if (question.len >= 2) assert(buf[1] == question.ptr[1]);
  if (data[0] & 1) assert(answer.len == 3 && buf[2]);
  else if (!buf[2]) assert(question.len == 34 && question.ptr[1] == 1 && answer.len == 3 + 4 + 100 + 4 + 3);
  else assert(answer.len == 3);
  assert(l->quotes[1].evidence_sz == 100 && !l->quotes_next);
  return 0;
}
