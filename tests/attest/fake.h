/* Kernel interfaces of confidential machines, as a FUSE file system that keeps the kernel's rules:
     sys/kernel/config/tsm/report   configfs-tsm (drivers/virt/coco/guest/report.c, fs/configfs/file.c): an entry is a folder;
   inblob is taken when it is closed, and nobody hears of one that is not; each write that is taken counts; the report is made
   when outblob is first read after one, and an open file keeps what it first read dev/attestation                Gramine: quote
   is made when it is opened dev/nsm                        the NSM's ioctl; buffers are read from the caller's memory
     sys/firmware/acpi/tables/data/CCEL
   What it answers is genuine for the project's own throw-away roots (signer.h).  Faults are in memory shared with the test. */
#ifndef FAKE_H
#define FAKE_H

#define FUSE_USE_VERSION 35
#include <fuse3/fuse.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signer.h"

#define FAKE_ENTRIES_MAX 8
#define FAKE_OUTBLOB_MAX 32768 /* TSM_OUTBLOB_MAX, up to Linux 6.17 */
#define FAKE_FIELD_MAX 1024

/* code is given instead of doing, the next `times` times. */
typedef struct {
  int code, times;
} fault_t;

typedef struct {
  bool     used;
  char     name[64];
  uint8_t  in[64];
  size_t   in_sz;
  uint64_t written, read;
  unsigned level;
} fake_entry_t;

typedef struct {
  /* set by the test */
  cf_platform_t platform;
  char          provider[64], type[16];
  char const   *quote;   /* title of the case */
  size_t        blob_sz; /* the report is filled with zeros up to there */
  unsigned      level_floor;
  fault_t       mkdir, inblob_open, outblob, generation, user_data, quote_open, ioctl;
  int           lost;        /* so many inblobs are not taken, of which nobody hears */
  int           raced;       /* another writer comes before the report is made, so many times */
  int           raced_after; /* or after */
  bool          lies;        /* the report is over other data */
  bool          no_aux, bad_aux;
  bool          logs;        /* there is a CCEL, and the registers are where it leads to */
  bool          logs_denied; /* which this user may not read */
  char          nsm_error[64];
  size_t        nsm_raw_sz; /* these bytes instead of an answer */
  uint8_t       nsm_raw[0x3000];
  /* what happened */
  int          entries, reports, ioctls, writes;
  bool         blind; /* the caller's memory may not be read */
  fake_entry_t entry[FAKE_ENTRIES_MAX];
  uint8_t      user_report_data[64];
} fake_t;

static fake_t *fake;

typedef enum {
  F_NONE,
  F_DIR,
  F_IN,
  F_OUT,
  F_AUX,
  F_PROVIDER,
  F_GENERATION,
  F_LEVEL,
  F_TYPE,
  F_USER_DATA,
  F_QUOTE,
  F_NSM,
  F_CCEL
} fake_kind_t;

/* An open file. */
typedef struct {
  fake_kind_t   kind;
  fake_entry_t *entry;
  bool          filled, written;
  blob_t        blob;
} fake_file_t;

static int fault(fault_t *f) {
  if (f->times <= 0) return 0;
  f->times--;
  return -f->code;
}

#define REPORT "/sys/kernel/config/tsm/report"

static bool is_tsm(void) { return fake->platform == CF_PLATFORM_TDX || fake->platform == CF_PLATFORM_SNP; }

static fake_entry_t *entry_find(char const *name, size_t n) {
  for (size_t i = 0; i < FAKE_ENTRIES_MAX; i++)
    if (fake->entry[i].used && strlen(fake->entry[i].name) == n && !memcmp(fake->entry[i].name, name, n)) return &fake->entry[i];
  return NULL;
}

static fake_kind_t kind_of(char const *path, fake_entry_t **entry) {
  static struct {
    char const *name;
    fake_kind_t kind;
  } const tsm[] = {{"inblob", F_IN},         {"outblob", F_OUT},           {"auxblob", F_AUX},
                   {"provider", F_PROVIDER}, {"generation", F_GENERATION}, {"privlevel", F_LEVEL}},
          plain[] = {{"/dev/attestation/attestation_type", F_TYPE},
                     {"/dev/attestation/user_report_data", F_USER_DATA},
                     {"/dev/attestation/quote", F_QUOTE},
                     {"/dev/nsm", F_NSM},
                     {"/sys/firmware/acpi/tables/data/CCEL", F_CCEL}};
  size_t n = strlen(path);
  *entry = NULL;
  for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
    fake_kind_t kind = plain[i].kind;
    bool        here = kind == F_NSM    ? fake->platform == CF_PLATFORM_NITRO
                       : kind == F_CCEL ? fake->logs
                                        : fake->platform == CF_PLATFORM_SGX;
    if (!strcmp(path, plain[i].name)) return here ? kind : F_NONE;
    if (here && !strncmp(path, plain[i].name, n) && (n == 1 || plain[i].name[n] == '/')) return F_DIR;
  }
  if (!is_tsm()) return F_NONE;
  if (!strncmp(path, REPORT, n) && (n == 1 || !REPORT[n] || REPORT[n] == '/')) return F_DIR;
  if (strncmp(path, REPORT "/", sizeof REPORT)) return F_NONE;
  char const *name = path + sizeof REPORT, *slash = strchr(name, '/');
  *entry = entry_find(name, slash ? (size_t)(slash - name) : strlen(name));
  if (!*entry || !slash) return *entry ? F_DIR : F_NONE;
  for (size_t i = 0; i < sizeof tsm / sizeof tsm[0]; i++)
    if (!strcmp(slash + 1, tsm[i].name))
      return (tsm[i].kind == F_AUX && fake->no_aux) || (tsm[i].kind == F_LEVEL && fake->platform != CF_PLATFORM_SNP)
                 ? F_NONE
                 : tsm[i].kind;
  return F_NONE;
}

static int fake_getattr(char const *path, struct stat *st, struct fuse_file_info *fi) {
  fake_entry_t *entry;
  fake_kind_t   kind = kind_of(path, &entry);
  (void)fi;
  memset(st, 0, sizeof *st);
  if (!kind) return -ENOENT;
  st->st_mode = kind == F_DIR ? S_IFDIR | 0755 : S_IFREG | 0666;
  st->st_nlink = 1;
  st->st_uid = getuid();
  st->st_gid = getgid();
  return 0;
}

static int fake_access(char const *path, int mask) {
  fake_entry_t *entry;
  return kind_of(path, &entry) == F_CCEL && fake->logs_denied && (mask & R_OK) ? -EACCES : 0;
}

static int fake_mkdir(char const *path, mode_t mode) {
  fake_entry_t *entry;
  int           code = fault(&fake->mkdir);
  (void)mode;
  if (code) return code;
  if (kind_of(path, &entry)) return -EEXIST;
  if (strncmp(path, REPORT "/", sizeof REPORT) || strchr(path + sizeof REPORT, '/')) return -EPERM;
  for (size_t i = 0; i < FAKE_ENTRIES_MAX; i++) {
    if (fake->entry[i].used) continue;
    fake->entry[i] = (fake_entry_t){.used = true};
    snprintf(fake->entry[i].name, sizeof fake->entry[i].name, "%s", path + sizeof REPORT);
    fake->entries++;
    return 0;
  }
  return -ENOMEM;
}

static int fake_rmdir(char const *path) {
  fake_entry_t *entry;
  if (kind_of(path, &entry) != F_DIR || !entry) return -ENOENT;
  entry->used = false;
  fake->entries--;
  return 0;
}

static int fake_open(char const *path, struct fuse_file_info *fi) {
  fake_entry_t *entry;
  fake_kind_t   kind = kind_of(path, &entry);
  int           way = fi->flags & O_ACCMODE, code = 0;
  if (!kind) return -ENOENT;
  if (kind == F_IN) code = way != O_WRONLY ? -EACCES : fault(&fake->inblob_open);
  if (kind == F_LEVEL && way != O_WRONLY) return -EACCES;
  if ((kind == F_OUT || kind == F_AUX || kind == F_PROVIDER || kind == F_GENERATION || kind == F_TYPE || kind == F_QUOTE) &&
      way != O_RDONLY)
    return -EACCES;
  if (kind == F_QUOTE) code = fault(&fake->quote_open);
  if (kind == F_CCEL && fake->logs_denied) code = -EACCES;
  if (code) return code;
  fake_file_t *f = calloc(1, sizeof *f);
  if (!f) return -ENOMEM;
  f->kind = kind;
  f->entry = entry;
  fi->fh = (uintptr_t)f;
  fi->direct_io = 1;
  return 0;
}

/* ---- what is made ---- */

static void over(uint8_t out[64], uint8_t const data[64]) {
  memcpy(out, data, 64);
  if (fake->lies) out[0] ^= 1;
}

static void pad(blob_t *b) {
  if (fake->blob_sz > b->len) memset(b->bytes + b->len, 0, fake->blob_sz - b->len), b->len = fake->blob_sz;
}

static void another_writes(fake_entry_t *e) {
  memset(e->in, 0xee, e->in_sz = 64);
  e->written++;
}

static void td_quote(blob_t *out, uint8_t const data[64]) {
  static blob_t log;
  cf_rtmrs_t    rtmrs;
  ccel(&log);
  assert_int_equal(cf_rtmrs_ccel(&rtmrs, CF_SPAN(log.bytes, log.len), NULL), CF_OK);
  intel_quote(out, fake->quote, data, fake->logs ? &rtmrs : NULL);
}

static int report_make(fake_file_t *f) {
  fake_entry_t *e = f->entry;
  uint8_t       data[64];
  int           code = fault(&fake->outblob);
  if (code) return code;
  if (fake->raced > 0) fake->raced--, another_writes(e);
  if (e->in_sz != 64) return -EINVAL;
  over(data, e->in);
  e->read = e->written;
  fake->reports++;
  if (fake->platform == CF_PLATFORM_SNP) snp_report(&f->blob, data, e->level);
  else td_quote(&f->blob, data);
  pad(&f->blob);
  if (fake->raced_after > 0) fake->raced_after--, another_writes(e);
  return f->blob.len > FAKE_OUTBLOB_MAX ? -EFBIG : 0;
}

static void put_text(blob_t *b, char const *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  b->len = (size_t)vsnprintf((char *)b->bytes, sizeof b->bytes, fmt, args);
  va_end(args);
}

static int fill_file(fake_file_t *f) {
  uint8_t data[64];
  int     code = 0;
  switch ((int)f->kind) {
  case F_OUT:
    return report_make(f);
  case F_AUX:
    if (f->entry->read != f->entry->written) return -EINVAL;
    if (fake->platform == CF_PLATFORM_SNP) snp_table(&f->blob);
    if (fake->bad_aux) f->blob.bytes[19] = 1; /* an offset of 16 MiB */
    return 0;
  case F_PROVIDER:
    put_text(&f->blob, "%s\n", fake->provider);
    return 0;
  case F_GENERATION:
    code = fault(&fake->generation);
    put_text(&f->blob, "%llu\n", (unsigned long long)f->entry->written);
    return code;
  case F_TYPE:
    put_text(&f->blob, "%s", fake->type);
    return 0;
  case F_USER_DATA:
    memcpy(f->blob.bytes, fake->user_report_data, f->blob.len = 64);
    return 0;
  case F_QUOTE:
    if (fake->raced > 0) fake->raced--, memset(fake->user_report_data, 0xee, 64);
    over(data, fake->user_report_data);
    fake->reports++;
    intel_quote(&f->blob, fake->quote, data, NULL);
    return 0;
  case F_CCEL:
    ccel(&f->blob);
    return 0;
  default:
    return -EACCES;
  }
}

static int fake_read(char const *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi) {
  fake_file_t *f = (fake_file_t *)(uintptr_t)fi->fh;
  (void)path;
  if (!f->filled) {
    int code = fill_file(f);
    if (code) return code;
    f->filled = true;
  }
  if (off < 0 || (size_t)off >= f->blob.len) return 0;
  if (size > f->blob.len - (size_t)off) size = f->blob.len - (size_t)off;
  if (size > 4096) size = 4096; /* a reader has to come again */
  memcpy(buf, f->blob.bytes + off, size);
  return (int)size;
}

/* ---- what is taken ---- */

static int fake_write(char const *path, char const *buf, size_t size, off_t off, struct fuse_file_info *fi) {
  fake_file_t *f = (fake_file_t *)(uintptr_t)fi->fh;
  (void)path;
  if (f->kind == F_LEVEL) {
    unsigned level = size == 1 && buf[0] >= '0' && buf[0] <= '9' ? (unsigned)(buf[0] - '0') : 99;
    if (level < fake->level_floor || level > 3) return -EINVAL;
    f->entry->level = level;
    f->entry->written++;
    return (int)size;
  }
  if (f->kind != F_IN && f->kind != F_USER_DATA) return -EACCES;
  if (off < 0 || (size_t)off + size > 64) return -EFBIG;
  if (f->kind == F_USER_DATA) {
    int code = fault(&fake->user_data);
    if (code) return code;
  }
  memcpy(f->blob.bytes + off, buf, size);
  f->blob.len = (size_t)off + size > f->blob.len ? (size_t)off + size : f->blob.len;
  f->written = true;
  return (int)size;
}

static int fake_flush(char const *path, struct fuse_file_info *fi) {
  fake_file_t *f = (fake_file_t *)(uintptr_t)fi->fh;
  (void)path;
  if (!f->written) return 0;
  f->written = false;
  fake->writes++;
  if (f->kind == F_USER_DATA) memcpy(fake->user_report_data, f->blob.bytes, 64);
  else if (fake->lost > 0) fake->lost--;
  else {
    memcpy(f->entry->in, f->blob.bytes, f->entry->in_sz = f->blob.len);
    f->entry->written++;
  }
  return 0;
}

static int fake_release(char const *path, struct fuse_file_info *fi) {
  (void)path;
  free((void *)(uintptr_t)fi->fh);
  return 0;
}

/* ---- the NSM ---- */

static cf_span_t asked(cf_rd_t *rd, char const *name, bool *bad) {
  cf_span_t key = cf_cbor_tstr(rd);
  if (!cf_span_eq(key, CF_SPAN(name, strlen(name)))) *bad = true;
  if (cf_cbor_peek_null(rd)) return cf_cbor_null(rd), CF_SPAN(NULL, 0);
  return cf_cbor_bstr(rd);
}

static void nsm_answer(cf_wr_t *wr, cf_span_t request) {
  static blob_t document;
  cf_rd_t       rd = cf_rd_span(request);
  bool      bad = cf_rd_u8(&rd) != 0xa1 || !cf_span_eq(cf_cbor_tstr(&rd), CF_SPAN_LIT("Attestation")) || cf_rd_u8(&rd) != 0xa3;
  cf_span_t nonce = asked(&rd, "nonce", &bad), user_data = asked(&rd, "user_data", &bad), key = asked(&rd, "public_key", &bad);
  cf_cbor_w_map(wr, 1);
  if (bad || !cf_rd_done(&rd) || *fake->nsm_error) {
    cf_cbor_w_str(wr, "Error");
    cf_cbor_w_str(wr, *fake->nsm_error ? fake->nsm_error : "InvalidArgument");
    return;
  }
  nitro_document(&document, user_data, nonce, key);
  fake->reports++;
  cf_cbor_w_str(wr, "Attestation");
  cf_cbor_w_map(wr, 1);
  cf_cbor_w_str(wr, "document");
  cf_cbor_w_bstr(wr, CF_SPAN(document.bytes, document.len));
}

struct fake_nsm_raw {
  uint64_t request, request_len, response, response_len;
};

static int fake_ioctl(char const *path, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags, void *data) {
  static uint8_t       in[0x1000], out[0x3000];
  struct fake_nsm_raw *raw = data;
  fake_file_t         *f = (fake_file_t *)(uintptr_t)fi->fh;
  (void)path, (void)arg;
  if (f->kind != F_NSM || (flags & FUSE_IOCTL_DIR)) return -ENOTTY;
  if (cmd != _IOWR(0x0A, 0x0, struct fake_nsm_raw) || !raw) return -EINVAL;
  fake->ioctls++;
  int code = fault(&fake->ioctl);
  if (code) return code;
  if (raw->request_len > sizeof in) return -EMSGSIZE;
  pid_t        pid = fuse_get_context()->pid;
  struct iovec here = {in, raw->request_len}, there = {(void *)(uintptr_t)raw->request, raw->request_len};
  if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)raw->request_len) return fake->blind = true, -EFAULT;
  cf_wr_t wr = cf_wr_init(out, sizeof out);
  if (fake->nsm_raw_sz) cf_wr_bytes(&wr, fake->nsm_raw, fake->nsm_raw_sz);
  else nsm_answer(&wr, CF_SPAN(in, raw->request_len));
  if (wr.len < raw->response_len) raw->response_len = wr.len; /* and what is longer is cut */
  here = (struct iovec){out, raw->response_len}, there = (struct iovec){(void *)(uintptr_t)raw->response, raw->response_len};
  if (process_vm_writev(pid, &here, 1, &there, 1, 0) != (ssize_t)raw->response_len) return fake->blind = true, -EFAULT;
  return 0;
}

static struct fuse_operations const fake_operations = {
    .access = fake_access,
    .getattr = fake_getattr,
    .mkdir = fake_mkdir,
    .rmdir = fake_rmdir,
    .open = fake_open,
    .read = fake_read,
    .write = fake_write,
    .flush = fake_flush,
    .release = fake_release,
    .ioctl = fake_ioctl,
};

/* ---- the process ---- */

/* A machine of that platform, as it should be. */
static void fake_set(cf_platform_t platform) {
  memset(fake, 0, sizeof *fake);
  fake->platform = platform;
  fake->quote = platform == CF_PLATFORM_SGX ? "SGX, version 3" : "TDX 1.0, version 4";
  snprintf(fake->provider, sizeof fake->provider, "%s", platform == CF_PLATFORM_SNP ? "sev_guest" : "tdx_guest");
  snprintf(fake->type, sizeof fake->type, "dcap");
}

static bool fake_alloc(void) {
  fake = mmap(NULL, sizeof *fake, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return fake != MAP_FAILED;
}

/* Serves at dir until it is ended.  0, or why it could not mount (errno, or EPERM). */
static int fake_serve(char const *dir, void (*ready)(void *ctx), void *ctx) {
  char            *argv[] = {(char *)"fake", (char *)"-oentry_timeout=0,attr_timeout=0", NULL}; /* a test changes what there is */
  struct fuse_args args = FUSE_ARGS_INIT(2, argv);
  struct fuse     *fs = fuse_new(&args, &fake_operations, sizeof fake_operations, NULL);
  if (!fs || fuse_mount(fs, dir)) return errno ? errno : EPERM;
  fuse_set_signal_handlers(fuse_get_session(fs));
  ready(ctx);
  fuse_loop(fs);
  fuse_unmount(fs);
  fuse_destroy(fs);
  return 0;
}

#endif
