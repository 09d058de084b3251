#include "cli/cf_wei.h"

/* out = out * by + add */
static bool mul_add(cf_hash_t *out, unsigned by, unsigned add) {
  for (size_t i = 32; i-- > 0; add >>= 8) {
    add += out->b[i] * by;
    out->b[i] = (uint8_t)add;
  }
  return add == 0;
}

bool cf_wei_units(cf_hash_t *out, uint64_t units, unsigned decimals) {
  *out = (cf_hash_t){{0}};
  for (size_t i = 0; i < 8; i++) out->b[31 - i] = (uint8_t)(units >> (8 * i));
  for (; decimals; decimals--)
    if (!mul_add(out, 10, 0)) return false;
  return true;
}

bool cf_wei_sub(cf_hash_t *out, cf_hash_t const *from, cf_hash_t const *less) {
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {
    int d = from->b[i] - less->b[i] - borrow;
    borrow = d < 0;
    out->b[i] = (uint8_t)(d + 256 * borrow);
  }
  return !borrow;
}

bool cf_wei_parse(cf_hash_t *out, char const *text) {
  static struct {
    char const *unit;
    unsigned    decimals;
  } const units[] = {{"eth", 18}, {"gwei", 9}, {"wei", 0}, {"", 0}};
  char const *at = text;
  unsigned    unit = 0, fraction = 0;
  bool        ok = true, point = false;
  *out = (cf_hash_t){{0}};
  for (; ok && (*at == '.' || (*at >= '0' && *at <= '9')); at++) {
    if (*at == '.') ok = !point, point = true;
    else ok = mul_add(out, 10, (unsigned)(*at - '0')), fraction += point;
  }
  while (unit < 3 && strcmp(at, units[unit].unit)) unit++;
  ok = ok && at != text && !strcmp(at, units[unit].unit) && fraction <= units[unit].decimals;
  for (; ok && fraction < units[unit].decimals; fraction++) ok = mul_add(out, 10, 0);
  return ok;
}
