/* Invariant 18: an auditor of what everybody may read finds nothing, whatever crashed before. */
#include <string.h>

#include "audit/cf_audit.h"
#include "cf_town.h"

#define PUBLIC "public/"
#define BLOCKS "ledger/blocks/" /* under public/, from a disk of the ledger's own */
enum { NAME_MAX_SZ = 256 };

typedef struct {
  cf_disk_t const *host, *ledger;
} disks_t;

static cf_status_t list(void *ctx, cf_audit_name_fn *fn, void *fn_ctx) {
  disks_t const *d = ctx;
  for (size_t i = 0; i < d->host->files; i++)
    if (!strncmp(d->host->file[i].name, PUBLIC, strlen(PUBLIC))) fn(fn_ctx, d->host->file[i].name + strlen(PUBLIC));
  for (size_t i = 0; i < d->ledger->files; i++)
    if (!strncmp(d->ledger->file[i].name, BLOCKS, strlen(BLOCKS))) fn(fn_ctx, d->ledger->file[i].name);
  return CF_OK;
}

static cf_read_t read(void *ctx, char const *name, size_t max, cf_span_t *bytes) {
  disks_t const        *d = ctx;
  bool                  block = !strncmp(name, BLOCKS, strlen(BLOCKS));
  char                  path[NAME_MAX_SZ];
  int                   n = snprintf(path, sizeof path, "%s%s", block ? "" : PUBLIC, name);
  cf_disk_file_t const *f = cf_disk_file(block ? d->ledger : d->host, CF_SPAN(path, (size_t)n));
  if (!f) return CF_READ_ABSENT;
  *bytes = cf_disk_bytes(f);
  return f->len > max ? CF_READ_LARGE : CF_READ_OK;
}

/* Who lied, or had a wrong clock, signed it; or the host took files from its own enclave: audit says so, and is right. */
static bool lied(cf_check_t const *c) {
  static cf_fault_t const of[] = {CF_FAULT_CLOCK,          CF_FAULT_LYING_WITNESS, CF_FAULT_LYING_OBSERVER,
                                  CF_FAULT_LYING_VERIFIER, CF_FAULT_HALF_BOOT,     CF_FAULT_PLANTED};
  for (size_t i = 0; i < sizeof of / sizeof *of; i++)
    if (c->town->world.counts.fault[of[i]]) return true;
  return false;
}

void cf_check_audit(cf_check_t *c) {
  cf_town_t        *t = c->town;
  disks_t           d = {cf_town_disk(t, t->primary), &t->world.disk[t->world.node[t->ledger_node].host]};
  cf_audit_reader_t reader = {list, read, &d};
  cf_audit_t       *a;
  if (c->lossy) return; /* what only a newer disk had may be gone */
  t->world.counts.happened[CF_HAPPENED_AUDIT]++;
  uint64_t faults = cf_audit_run(&a, &reader, &(cf_audit_options_t){.domain = &t->domain->id}) ? cf_audit_counts(a)->faults : 0;
  for (size_t i = 0; i < faults && i < CF_AUDIT_FAULTS_MAX; i++) {
    cf_audit_fault_t const *f = cf_audit_fault_at(a, i);
    if (lied(c) && strncmp(f->text, "missing", 7)) continue; /* what an entry names is there, whoever lied */
    cf_world_fail(&t->world, 18, "check %u, receipt %llu, %s: %s", f->check, (unsigned long long)f->receipt, f->file, f->text);
    break;
  }
  cf_audit_free(a);
}
