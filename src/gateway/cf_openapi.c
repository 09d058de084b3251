/* docs/openapi.json, as it lies in the tree, in what is linked: one page, read by people there and served from here. */
#include "gateway/cf_gateway_state.h"

__asm__(".pushsection .rodata\n"
        "cf_openapi_begin: .incbin \"" CF_OPENAPI_FILE "\"\n"
        "cf_openapi_end:\n"
        ".popsection\n");
extern uint8_t const cf_openapi_begin[], cf_openapi_end[];

cf_span_t
cf_openapi(void) {
  return CF_SPAN(cf_openapi_begin, (size_t)(cf_openapi_end - cf_openapi_begin));
}
