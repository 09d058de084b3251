#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cf_demo.h"

char *cf_demo_number(uint64_t v) {
  char *plain = cf_fmt("%llu", (unsigned long long)v), *out = cf_fmt("%s", "");
  for (size_t n = strlen(plain), i = 0; i < n; i++) out = cf_fmt("%s%s%c", out, i && (n - i) % 3 == 0 ? "," : "", plain[i]);
  return out;
}

void cf_demo_head(cf_demo_t const *d, uint64_t seed, bool generated) {
  if (cf_json_mode()) return;
  printf("counterfoil demo   %s: %s rows, %s parties, %zu assets\n",
         generated ? cf_fmt("generated with seed %llu", (unsigned long long)seed) : d->in.name, cf_demo_number(d->in.lines),
         cf_demo_number(d->in.parties_cnt), d->in.assets_cnt);
  printf("software TPM: genuine protocol, but a test root. Not a protection against this machine's owner.\n\n");
  fflush(stdout);
}

void cf_demo_line(cf_demo_t *d, unsigned n, char const *name, char const *fmt, ...) {
  char     text[256];
  uint64_t now = cf_mono_ms();
  va_list  args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!cf_json_mode()) {
    int wide = 0; /* bytes that take no column */
    for (char const *c = text; *c; c++) wide += ((unsigned char)*c & 0xc0) == 0x80;
    printf("%s %s %-10s %-*s %5.1f s\n", isatty(1) ? "\r\x1b[K" : "", n ? cf_fmt("%u", n) : " ", name, 74 + wide, text,
           (double)(now - d->phase_ms) / 1000);
    fflush(stdout);
  }
  d->phase_ms = now;
}

void cf_demo_bar(size_t done, size_t all, uint64_t ms) {
  enum { WIDTH = 30 };
  if (!isatty(2) || cf_json_mode()) return;
  double rate = ms ? (double)done * 1000 / (double)ms : 0;
  fprintf(stderr, "\r   inputs     ");
  for (size_t i = 0; i < WIDTH; i++) fputs(i * all < done * WIDTH ? "█" : "░", stderr);
  fprintf(stderr, "  %s/%s   %.1f k/s", cf_demo_number(done), cf_demo_number(all), rate / 1000);
}

static int by_value(void const *a, void const *b) {
  uint64_t x = *(uint64_t const *)a, y = *(uint64_t const *)b;
  return x < y ? -1 : x > y;
}

static uint64_t percentile(uint64_t *at, size_t cnt, unsigned p) {
  if (!cnt) return 0;
  qsort(at, cnt, sizeof *at, by_value);
  return at[(cnt - 1) * p / 100];
}

static size_t accepted(cf_demo_t const *d) {
  size_t n = 0;
  for (size_t i = 0; i < d->item_cnt; i++) n += d->item[i].row != UINT32_MAX && d->item[i].accepted;
  return n;
}

typedef struct {
  size_t   asset;
  uint64_t transfers, gross;
} traffic_t;

static int busier(void const *a, void const *b) {
  traffic_t const *x = a, *y = b;
  return x->transfers < y->transfers ? 1 : x->transfers > y->transfers ? -1 : 0;
}

/* Per asset, the busiest first. */
static void traffic(traffic_t out[CF_INIT_ASSETS_MAX], cf_demo_t const *d) {
  for (size_t a = 0; a < d->in.assets_cnt; a++) out[a] = (traffic_t){.asset = a};
  for (size_t i = 0; i < d->in.rows_cnt; i++) {
    out[d->in.rows[i].asset].transfers++;
    out[d->in.rows[i].asset].gross += d->in.rows[i].amount;
  }
  qsort(out, d->in.assets_cnt, sizeof *out, busier);
}

void cf_demo_table(cf_demo_t const *d) {
  traffic_t t[CF_INIT_ASSETS_MAX];
  if (cf_json_mode()) return;
  traffic(t, d);
  printf("\n asset   transfers        gross             net    gross/net   settled\n");
  for (size_t i = 0; i < d->in.assets_cnt && i < 2; i++) {
    uint64_t net = d->net[t[i].asset];
    printf(" %-8s %8s %16llu %15llu %12.1f %9llu\n", d->in.assets[t[i].asset], cf_demo_number(t[i].transfers),
           (unsigned long long)t[i].gross, (unsigned long long)net, net ? (double)t[i].gross / (double)net : 0.0,
           (unsigned long long)d->settled[t[i].asset]);
  }
  if (d->in.assets_cnt > 2)
    printf(" … %zu more (--json has all)                                 minor units\n", d->in.assets_cnt - 2);
  size_t ok = accepted(d);
  printf("\n inputs    %s accepted, %s refused, in %s receipts\n", cf_demo_number(ok), cf_demo_number(d->in.lines - ok),
         cf_demo_number(d->receipts));
  printf(" receipt   p50 %.2f ms   p99 %.1f ms     settled  p50 %llu ms   p99 %llu ms\n",
         (double)percentile(d->receipt_us, d->receipt_cnt, 50) / 1000,
         (double)percentile(d->receipt_us, d->receipt_cnt, 99) / 1000,
         (unsigned long long)percentile(d->settled_ms, d->settled_cnt, 50),
         (unsigned long long)percentile(d->settled_ms, d->settled_cnt, 99));
}

/* ---- demo.json ---- */

static void party_json(cf_jw_t *j, cf_demo_t const *d, size_t p) {
  cf_jw_obj(j, d->in.parties[p]);
  cf_jw_u64(j, "account", d->party[p].account);
  cf_jw_obj(j, "assets");
  for (size_t a = 0; a < d->in.assets_cnt; a++) {
    cf_demo_position_t const *x = cf_demo_at(d, p, a);
    if (!x->funding && !x->in && !x->out && !x->balance && !x->withdrawn) continue;
    cf_jw_obj(j, d->in.assets[a]);
    cf_jw_dec(j, "funding", (int64_t)x->funding);
    cf_jw_dec(j, "in", (int64_t)x->in);
    cf_jw_dec(j, "out", (int64_t)x->out);
    cf_jw_dec(j, "withdrawn", (int64_t)x->withdrawn);
    cf_jw_dec(j, "balance", (int64_t)x->balance);
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, '}');
  cf_jw_end(j, '}');
}

static void assets_json(cf_jw_t *j, cf_demo_t const *d) {
  traffic_t t[CF_INIT_ASSETS_MAX];
  traffic(t, d);
  cf_jw_obj(j, "assets");
  for (size_t i = 0; i < d->in.assets_cnt; i++) {
    cf_jw_obj(j, d->in.assets[t[i].asset]);
    cf_jw_u64(j, "transfers", t[i].transfers);
    cf_jw_dec(j, "gross", (int64_t)t[i].gross);
    cf_jw_dec(j, "net", (int64_t)d->net[t[i].asset]);
    cf_jw_u64(j, "settled", d->settled[t[i].asset]);
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, '}');
}

int cf_demo_json(cf_demo_t const *d, char const *path) {
  cf_wr_t wr = cf_room((1 << 20) + d->in.parties_cnt * (128 + 200 * d->in.assets_cnt) + 512 * d->in.refused_cnt);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_u64(&j, "rows", d->in.lines);
  cf_jw_u64(&j, "accepted", accepted(d));
  cf_jw_arr(&j, "refused");
  for (size_t i = 0; i < d->in.refused_cnt; i++) {
    cf_jw_obj(&j, NULL);
    cf_jw_u64(&j, "line", d->in.refused[i].line);
    cf_jw_str(&j, "reason", d->in.refused[i].reason);
    cf_jw_end(&j, '}');
  }
  cf_jw_end(&j, ']');
  cf_jw_obj(&j, "parties");
  for (size_t p = 0; p < d->in.parties_cnt; p++) party_json(&j, d, p);
  cf_jw_end(&j, '}');
  if (!path) assets_json(&j, d);
  cf_jw_end(&j, '}');
  return cf_json_end(&j, path);
}
