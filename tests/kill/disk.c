#include "disk.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* A file, whatever its names: held open, so that its number is not given to another while we know it. */
typedef struct inode {
  struct inode *next;
  dev_t         dev;
  ino_t         ino;
  mode_t        mode;
  int           live; /* what is in it now */
  int           kept; /* what is durable; -1: the same, it was not opened for writing yet */
  off_t         write_off, write_len;
  uint64_t      write_at; /* its last write that is not durable; 0: none */
} inode_t;

typedef struct {
  char     name[NAME_MAX + 1];
  inode_t *inode; /* NULL: a folder */
} entry_t;

typedef struct {
  entry_t *at;
  size_t   cnt;
} entries_t;

typedef struct dir {
  struct dir *next;
  char        path[PATH_MAX];
  entries_t   kept;
} dir_t;

struct disk_sync {
  inode_t  *inode; /* a file ... */
  int       content;
  uint64_t  write_at;
  dir_t    *dir; /* ... or a folder */
  entries_t entries;
};

static struct {
  char const *root;
  bool (*skip)(char const *path);
  inode_t *inodes;
  dir_t   *dirs;
  uint64_t writes;
} disk;

uint64_t disk_random(uint64_t *seed) {
  uint64_t z = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static bool ours(char const *path) {
  size_t n = strlen(disk.root);
  return !strncmp(path, disk.root, n) && (path[n] == '/' || !path[n]) && !disk.skip(path);
}

static void join(char out[PATH_MAX], char const *dir, char const *name) {
  if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX) errx(2, "%s/%s: too long", dir, name);
}

/* ---- contents ---- */

static off_t size_of(int fd) {
  struct stat st;
  if (fstat(fd, &st)) err(2, "fstat");
  return st.st_size;
}

/* n bytes at off; zeros behind the end */
static void get(int fd, uint8_t *buf, off_t off, size_t n) {
  ssize_t got = pread(fd, buf, n, off);
  if (got < 0) err(2, "pread");
  memset(buf + got, 0, n - (size_t)got);
}

static void put(int fd, uint8_t const *buf, off_t off, size_t n) {
  if (pwrite(fd, buf, n, off) != (ssize_t)n) err(2, "pwrite");
}

static void copy(int to, int from, off_t off, off_t end) {
  static uint8_t buf[1 << 16];
  for (off_t at = off; at < end;) {
    size_t n = end - at < (off_t)sizeof buf ? (size_t)(end - at) : sizeof buf;
    get(from, buf, at, n);
    put(to, buf, at, n);
    at += (off_t)n;
  }
}

static int copy_of(int from) {
  int fd = memfd_create("kept", MFD_CLOEXEC);
  if (fd < 0) err(2, "memfd_create");
  copy(fd, from, 0, size_of(from));
  return fd;
}

/* ---- files and folders that are known ---- */

static inode_t *inode_of(struct stat const *st) {
  for (inode_t *i = disk.inodes; i; i = i->next)
    if (i->dev == st->st_dev && i->ino == st->st_ino) return i;
  return NULL;
}

/* NULL when path is no regular file, or gone */
static inode_t *inode_at(char const *path) {
  struct stat st;
  if (stat(path, &st) || !S_ISREG(st.st_mode)) return NULL;
  inode_t *i = inode_of(&st);
  if (i) return i;
  int live = open(path, O_RDONLY | O_CLOEXEC);
  if (live < 0) return NULL;
  i = calloc(1, sizeof *i);
  if (!i) abort();
  *i = (inode_t){.next = disk.inodes, .dev = st.st_dev, .ino = st.st_ino, .mode = st.st_mode & 07777, .live = live, .kept = -1};
  return disk.inodes = i;
}

static dir_t *dir_at(char const *path) {
  for (dir_t *d = disk.dirs; d; d = d->next)
    if (!strcmp(d->path, path)) return d;
  dir_t *d = calloc(1, sizeof *d);
  if (!d) abort();
  snprintf(d->path, sizeof d->path, "%s", path);
  d->next = disk.dirs;
  return disk.dirs = d;
}

/* What is in a folder now; sockets and the like are no part of it. */
static entries_t entries_of(char const *path) {
  entries_t      out = {0};
  DIR           *dir = opendir(path);
  struct dirent *e;
  if (!dir) return out;
  while ((e = readdir(dir))) {
    char        full[PATH_MAX];
    struct stat st;
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    join(full, path, e->d_name);
    if (!ours(full) || lstat(full, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) continue;
    inode_t *inode = S_ISREG(st.st_mode) ? inode_at(full) : NULL;
    if (S_ISREG(st.st_mode) && !inode) continue; /* gone meanwhile */
    out.at = realloc(out.at, (out.cnt + 1) * sizeof *out.at);
    if (!out.at) abort();
    out.at[out.cnt].inode = inode;
    snprintf(out.at[out.cnt++].name, sizeof out.at->name, "%s", e->d_name);
  }
  closedir(dir);
  return out;
}

static entry_t const *entry_named(entries_t const *in, char const *name) {
  for (size_t i = 0; i < in->cnt; i++)
    if (!strcmp(in->at[i].name, name)) return &in->at[i];
  return NULL;
}

/* path and all below it is durable as it is now */
static void take(char const *path, bool (*in_scope)(char const *path)) {
  dir_t *d = dir_at(path);
  if (!in_scope || in_scope(path)) {
    free(d->kept.at);
    d->kept = entries_of(path);
  }
  for (size_t i = 0; i < d->kept.cnt; i++) {
    char full[PATH_MAX];
    join(full, path, d->kept.at[i].name);
    if (!d->kept.at[i].inode) take(full, in_scope);
  }
}

void disk_init(char const *root, bool (*skip)(char const *path)) {
  disk.root = root;
  disk.skip = skip;
  take(root, NULL);
}

/* ---- what the programs do ---- */

static bool path_of(char out[PATH_MAX], pid_t pid, int fd) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  ssize_t n = readlink(link, out, PATH_MAX - 1);
  if (n <= 0) return false;
  out[n] = 0;
  return ours(out);
}

/* the file behind a descriptor, also one that has no name any more */
static inode_t *inode_behind(pid_t pid, int fd) {
  char        link[64], path[PATH_MAX];
  struct stat st;
  snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  if (!path_of(path, pid, fd) || stat(link, &st) || !S_ISREG(st.st_mode)) return NULL;
  return inode_of(&st);
}

void disk_open_begins(char const *path) {
  inode_t *i = ours(path) ? inode_at(path) : NULL;
  if (i && i->kept < 0) i->kept = copy_of(i->live);
}

void disk_opened(pid_t pid, int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  inode_t *i = path_of(path, pid, fd) ? inode_at(link) : NULL;
  if (!i || i->kept >= 0) return; /* it was there before */
  if ((i->kept = memfd_create("kept", MFD_CLOEXEC)) < 0) err(2, "memfd_create");
}

void disk_written(pid_t pid, int fd, off_t off, off_t len, bool durable) {
  inode_t *i = inode_behind(pid, fd);
  if (!i || i->kept < 0) return;
  if (durable) {
    copy(i->kept, i->live, off, off + len);
    return;
  }
  i->write_off = off;
  i->write_len = len;
  i->write_at = ++disk.writes;
}

disk_sync_t *disk_sync_begins(pid_t pid, int fd) {
  char        path[PATH_MAX], link[64];
  struct stat st;
  snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
  if (!path_of(path, pid, fd) || stat(link, &st)) return NULL;
  disk_sync_t *s = calloc(1, sizeof *s);
  if (!s) abort();
  if (S_ISDIR(st.st_mode)) {
    s->dir = dir_at(path);
    s->entries = entries_of(path);
  } else if ((s->inode = inode_of(&st)) && s->inode->kept >= 0) {
    s->content = copy_of(s->inode->live);
    s->write_at = s->inode->write_at;
  } else s->inode = NULL;
  return s;
}

void disk_sync_ended(disk_sync_t *s, bool ok) {
  if (!s) return;
  if (s->dir && ok) {
    free(s->dir->kept.at);
    s->dir->kept = s->entries;
  } else free(s->entries.at);
  if (s->inode && ok) {
    close(s->inode->kept);
    s->inode->kept = s->content;
    if (s->inode->write_at == s->write_at) s->inode->write_at = 0;
  } else if (s->inode) close(s->content);
  free(s);
}

/* ---- the cut ---- */

typedef struct {
  disk_cut_t how;
  bool (*in_scope)(char const *path);
  uint64_t *seed;
  inode_t  *torn; /* whose last write is torn, NULL: nobody's */
  unsigned  changed;
} cut_t;

static bool coin(cut_t *c) { return disk_random(c->seed) & 1; }

/* i's content after the cut, in a new file */
static void content(cut_t *c, int to, inode_t const *i) {
  off_t kept_sz = i->kept < 0 ? 0 : size_of(i->kept), live_sz = size_of(i->live);
  if (i->kept < 0) {
    copy(to, i->live, 0, live_sz);
    return;
  }
  copy(to, i->kept, 0, kept_sz);
  if (i == c->torn) {
    off_t end = i->write_off + (i->write_len > 1 ? (off_t)(disk_random(c->seed) % (uint64_t)i->write_len) : 0);
    copy(to, i->live, 0, end < live_sz ? end : live_sz);
  }
  if (c->how != DISK_MIXED || !i->write_at || coin(c)) return;
  off_t size = coin(c) ? kept_sz : live_sz;
  if (ftruncate(to, size)) err(2, "ftruncate");
  for (off_t at = 0; at < size; at += SECTOR)
    if (coin(c)) copy(to, i->live, at, at + SECTOR < size ? at + SECTOR : size);
}

static void replace(cut_t *c, char const *path, inode_t const *i) {
  char tmp[PATH_MAX];
  if (snprintf(tmp, sizeof tmp, "%s.cut", path) >= PATH_MAX) errx(2, "%s: too long", path);
  int fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, i->mode);
  if (fd < 0) err(2, "%s", tmp);
  content(c, fd, i);
  if (fchmod(fd, i->mode) || close(fd) || rename(tmp, path)) err(2, "%s", path);
}

static void remove_tree(char const *path) {
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    char full[PATH_MAX];
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    join(full, path, e->d_name);
    remove_tree(full);
  }
  if (dir) closedir(dir);
  if (remove(path)) err(2, "%s", path);
}

static void cut_dir(cut_t *c, char const *path);

/* One name: was is what is durable, is what is there; NULL: nothing. */
static void cut_name(cut_t *c, char const *dir, entry_t const *was, entry_t const *is) {
  char full[PATH_MAX];
  join(full, dir, was ? was->name : is->name);
  bool           same = was && is && was->inode == is->inode;
  bool           take_last = !same && ((c->how == DISK_MIXED && coin(c)) || (is && is->inode && is->inode == c->torn));
  entry_t const *now = same || take_last ? is : was;
  if (now && !now->inode) {
    if (!is && mkdir(full, 0755)) err(2, "%s", full);
    cut_dir(c, full);
  } else if (!c->in_scope(full)) {
    return;
  } else if (!now) {
    c->changed += is != NULL;
    if (is) remove_tree(full);
  } else if (!same || now->inode->kept >= 0) {
    c->changed += !same || now->inode->write_at;
    replace(c, full, now->inode);
  }
}

static void cut_dir(cut_t *c, char const *path) {
  dir_t    *d = dir_at(path);
  entries_t was = d->kept, is = entries_of(path);
  for (size_t i = 0; i < was.cnt; i++) cut_name(c, path, &was.at[i], entry_named(&is, was.at[i].name));
  for (size_t i = 0; i < is.cnt; i++)
    if (!entry_named(&was, is.at[i].name)) cut_name(c, path, NULL, &is.at[i]);
  free(is.at);
}

unsigned disk_cut(disk_cut_t how, bool (*in_scope)(char const *path), uint64_t *seed) {
  cut_t c = {.how = how, .in_scope = in_scope, .seed = seed};
  for (dir_t *d = disk.dirs; how == DISK_TORN && d; d = d->next) {
    entries_t is = entries_of(d->path);
    for (size_t i = 0; i < is.cnt; i++) {
      char     full[PATH_MAX];
      inode_t *inode = is.at[i].inode;
      join(full, d->path, is.at[i].name);
      if (inode && inode->write_at && in_scope(full) && (!c.torn || inode->write_at > c.torn->write_at)) c.torn = inode;
    }
    free(is.at);
  }
  cut_dir(&c, disk.root);
  take(disk.root, in_scope);
  return c.changed;
}
