/* configfs-tsm, since Linux 6.7 (Documentation/ABI/testing/configfs-tsm): TDX and SEV-SNP.
   What is written is committed when the file is closed, and a commit that fails says nothing; so whether the report is of this
   writing the generation has to tell, which counts each write that was taken.  A folder of one's own keeps others out, save those
   that write into what is not theirs. */
#include "platform/cf_attester_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cf_text.h"
#include "crypto/cf_entropy.h"
#include "platform/cf_certtable.h"

#define ABSENT                                                                                                                   \
  "is this a TDX or SNP guest, with Linux 6.7 or newer, configfs mounted (mount -t configfs none /sys/kernel/config) and "       \
  "tdx_guest or "                                                                                                                \
  "sev_guest loaded?"

#define SNP_REPORT_SZ 1184
#define SNP_REPORT_DATA 80

typedef struct {
  char          entry[32]; /* our folder's name */
  cf_platform_t platform;
  cf_span_t     report, table;
} tsm_t;

static cf_path_t path_of(cf_attesting_t const *a, tsm_t const *m, char const *name) {
  return cf_attester_path(a, "/sys/kernel/config/tsm/report/%s%s%s", m->entry, *name ? "/" : "", name);
}

/* ---- our folder ---- */

static void enter(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  tsm_t       *m = ctx;
  uint8_t      fresh[8];
  char         hex[17];
  cf_entropy_t e = cf_entropy_system();
  cf_entropy_fill(&e, fresh, sizeof fresh);
  snprintf(m->entry, sizeof m->entry, "cf-%s", cf_hex_encode(hex, CF_SPAN_OF(fresh)));
  cf_path_t path = path_of(a, m, "");
  if (mkdir(path.text, 0700)) cf_try_failed(t, errno == EEXIST ? EBUSY : errno, "tsm", &path);
}

static void leave(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  tsm_t    *m = ctx;
  cf_path_t path = path_of(a, m, "");
  if (rmdir(path.text) && errno != ENOENT) cf_try_failed(t, errno, "tsm", &path);
}

/* ---- whose reports they are ---- */

static void ask_provider(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  tsm_t    *m = ctx;
  cf_path_t path = path_of(a, m, "provider");
  cf_span_t name;
  if (!cf_try_read(a, t, &name, "tsm.provider", &path, 256, false)) return;
  name = cf_try_trim(name);
  m->report = name; /* to be shown when it is none of ours */
  m->platform = cf_span_eq(name, CF_SPAN_LIT("tdx_guest"))   ? CF_PLATFORM_TDX
                : cf_span_eq(name, CF_SPAN_LIT("sev_guest")) ? CF_PLATFORM_SNP
                                                             : (cf_platform_t)0;
}

static cf_status_t check_provider(cf_attesting_t *a, tsm_t *m) {
  cf_status_t st = cf_attester_tries(a, ask_provider, m, ABSENT);
  if (st) return st;
  if (!m->platform || (a->wanted && a->wanted != m->platform))
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, "tsm.provider",
                              "name the platform that this guest is (--platform auto finds it)", "%s: it is \"%.*s\"",
                              path_of(a, m, "provider").text, (int)(m->report.len > 40 ? 40 : m->report.len),
                              (char const *)m->report.ptr);
  if (a->ask->privlevel != CF_ATTESTER_PRIVLEVEL_ANY && m->platform != CF_PLATFORM_SNP)
    return cf_attester_refuse(a, CF_ERR_UNSUPPORTED, "tsm.privlevel", "leave it out: only SNP has levels", "a TD has no levels");
  a->out->platform = m->platform;
  return CF_OK;
}

/* ---- the report ---- */

static uint64_t generation(cf_attesting_t *a, cf_try_t *t, tsm_t const *m) {
  cf_path_t path = path_of(a, m, "generation");
  cf_span_t text;
  uint64_t  n = 0;
  if (cf_try_read(a, t, &text, "tsm.generation", &path, 64, false) && cf_dec_u64(&n, cf_try_trim(text)))
    cf_try_failed(t, EBADMSG, "tsm.generation", &path);
  return n;
}

/* A level below the floor of this guest is EINVAL. */
static uint64_t choose_level(cf_attesting_t *a, cf_try_t *t, tsm_t const *m) {
  char text[8];
  if (a->ask->privlevel == CF_ATTESTER_PRIVLEVEL_ANY) return 0;
  cf_path_t path = path_of(a, m, "privlevel");
  int       n = snprintf(text, sizeof text, "%d", a->ask->privlevel);
  cf_try_write(t, "tsm.privlevel", &path, CF_SPAN(text, (size_t)n));
  return 1;
}

/* An inblob that was not taken leaves none: EINVAL, and a generation that counts one write too few. */
static void look_for_loss(cf_attesting_t *a, cf_try_t *t, tsm_t const *m, uint64_t after_all) {
  cf_try_t look = {0};
  if (t->code == EINVAL && generation(a, &look, m) != after_all && !look.code) t->code = ESTALE;
}

static void make(cf_attesting_t *a, cf_try_t *t, void *ctx) {
  tsm_t    *m = ctx;
  cf_path_t in = path_of(a, m, "inblob"), out = path_of(a, m, "outblob"), aux = path_of(a, m, "auxblob");
  uint64_t  before = generation(a, t, m), writes = 1 + choose_level(a, t, m);
  cf_try_write(t, "tsm.inblob", &in, CF_SPAN_OF(a->data));
  bool written = !t->code;
  if (!cf_try_read(a, t, &m->report, "tsm.outblob", &out, CF_ATTESTER_BLOB_MAX, false) && written)
    look_for_loss(a, t, m, before + writes);
  if (m->platform == CF_PLATFORM_SNP) cf_try_read(a, t, &m->table, "tsm.auxblob", &aux, CF_ATTESTER_BLOB_MAX, true);
  uint64_t after = generation(a, t, m);
  if (!t->code && after - before != writes) cf_try_failed(t, ESTALE, "tsm.generation", &out);
  if (m->platform == CF_PLATFORM_TDX) cf_try_over(a, t, m->report, cf_quote_data_at(m->report, true), "tsm.outblob", &out);
  else if (!t->code && m->report.len != SNP_REPORT_SZ) cf_try_failed(t, EBADMSG, "tsm.outblob", &out);
  else cf_try_over(a, t, m->report, SNP_REPORT_DATA, "tsm.outblob", &out);
}

static cf_status_t hand_out(cf_attesting_t *a, tsm_t const *m) {
  static char const *const roles[] = {"vek", "ask", "ark", "crl"};
  cf_certtable_t           certs;
  if (m->platform == CF_PLATFORM_TDX) {
    cf_attester_add(a, "quote", m->report);
    return cf_attester_log(a, "/sys/firmware/acpi/tables/data/CCEL");
  }
  cf_attester_add(a, "report", m->report);
  if (cf_certtable_decode(&certs, m->table, NULL)) /* the report is no worse for it */
    a->out->note = "the host's table of certificates is not of its form: take them from AMD's KDS";
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) cf_attester_add(a, roles[i], certs.part[i]);
  return CF_OK;
}

cf_status_t cf_tsm_attest(cf_attesting_t *a) {
  tsm_t       m = {0};
  cf_status_t st = cf_attester_tries(a, enter, &m, ABSENT);
  if (st) return st;
  st = check_provider(a, &m);
  if (!st) st = cf_attester_tries(a, make, &m, ABSENT);
  if (!st) st = hand_out(a, &m);
  cf_status_t left = cf_attester_tries(a, leave, &m, ABSENT);
  return st ? st : left;
}
