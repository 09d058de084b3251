#include "io/cf_store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/cf_buf.h"

#define APPLICATION_ID 0x43464f49 /* "CFOI": tells our files from others' */
#define SCHEMA         1
#define VALUE_MAX      (1u << 29)
#define TEXT_(x)       #x
#define TEXT(x)        TEXT_(x)

struct cf_store_sqlite {
  sqlite3      *db;
  sqlite3_stmt *begin, *commit, *rollback, *fence_get, *fence_set, *put, *del, *get, *scan;
};

static cf_status_t
status_of(int rc) {
  int primary = rc & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? CF_ERR_FORMAT : CF_ERR_IO;
}

static cf_status_t
fail(cf_store_sqlite_t *s, char const *what, cf_error_t *err) {
  return cf_error_set(err, status_of(sqlite3_extended_errcode(s->db)), "store", 0, "%s: %s", what, sqlite3_errmsg(s->db));
}

/* runs a statement that returns nothing */
static bool
run(sqlite3_stmt *stmt) {
  int rc = sqlite3_step(stmt);
  return sqlite3_reset(stmt) == SQLITE_OK && rc == SQLITE_DONE;
}

static bool
bind(sqlite3_stmt *stmt, int at, cf_span_t s) {
  return s.len <= VALUE_MAX &&
         sqlite3_bind_blob(stmt, at, s.len ? (void const *)s.ptr : "", (int)s.len, SQLITE_STATIC) == SQLITE_OK;
}

static cf_span_t
column(sqlite3_stmt *stmt, int at) {
  void const *ptr = sqlite3_column_blob(stmt, at);
  return CF_SPAN(ptr, (size_t)sqlite3_column_bytes(stmt, at));
}

/* ---- opening ---- */

static bool
query_int(cf_store_sqlite_t *s, char const *pragma, int *out) {
  sqlite3_stmt *stmt = NULL;
  bool          ok   = sqlite3_prepare_v2(s->db, pragma, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
  if (ok) *out = sqlite3_column_int(stmt, 0);
  sqlite3_finalize(stmt);
  return ok;
}

static cf_status_t
check_whole(cf_store_sqlite_t *s, cf_error_t *err) {
  sqlite3_stmt *stmt = NULL;
  cf_status_t   st   = CF_OK;
  if (sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW) {
    st = fail(s, "check", err);
  } else if (strcmp((char const *)sqlite3_column_text(stmt, 0), "ok")) {
    st = cf_error_set(err, CF_ERR_FORMAT, "store", 0, "damaged: %s", (char const *)sqlite3_column_text(stmt, 0));
  }
  sqlite3_finalize(stmt);
  return st;
}

static cf_status_t
make_schema(cf_store_sqlite_t *s, cf_error_t *err) {
  static char const schema[] =
      "BEGIN IMMEDIATE;"
      "CREATE TABLE entry(kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
      "CREATE TABLE fence(one INTEGER PRIMARY KEY CHECK(one = 1), fence BLOB NOT NULL CHECK(length(fence) = 8));"
      "INSERT INTO fence VALUES(1, zeroblob(8));"
      "PRAGMA application_id = " TEXT(APPLICATION_ID) "; PRAGMA user_version = " TEXT(SCHEMA) "; COMMIT";
  int app = 0, version = 0;
  if (!query_int(s, "PRAGMA application_id", &app) || !query_int(s, "PRAGMA user_version", &version))
    return fail(s, "open", err);
  if (app == APPLICATION_ID && version == SCHEMA) return CF_OK;
  if (app == APPLICATION_ID)
    return cf_error_set(err, CF_ERR_UNSUPPORTED, "store", 0, "schema %d, this program has %d", version, SCHEMA);
  int tables = 1;
  if (!query_int(s, "SELECT count(*) FROM sqlite_schema", &tables)) return fail(s, "open", err);
  if (tables || app || version) return cf_error_set(err, CF_ERR_FORMAT, "store", 0, "the file is another program's");
  return sqlite3_exec(s->db, schema, NULL, NULL, NULL) ? fail(s, "make", err) : CF_OK;
}

static cf_status_t
prepare(cf_store_sqlite_t *s, cf_error_t *err) {
  struct { sqlite3_stmt **stmt; char const *sql; } const all[] = {
    { &s->begin, "BEGIN IMMEDIATE" },
    { &s->commit, "COMMIT" },
    { &s->rollback, "ROLLBACK" },
    { &s->fence_get, "SELECT fence FROM fence WHERE one = 1" },
    { &s->fence_set, "UPDATE fence SET fence = ?1 WHERE one = 1" },
    { &s->put, "INSERT INTO entry VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value" },
    { &s->del, "DELETE FROM entry WHERE kind = ?1 AND key = ?2" },
    { &s->get, "SELECT value FROM entry WHERE kind = ?1 AND key = ?2" },
    { &s->scan, "SELECT key, value FROM entry WHERE kind = ?1 ORDER BY key" },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (sqlite3_prepare_v3(s->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].stmt, NULL)) return fail(s, "prepare", err);
  }
  return CF_OK;
}

/* the file exists with our mode before SQLite writes to it: its WAL inherits the mode */
static cf_status_t
touch(char const *path, cf_error_t *err) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return cf_error_set(err, CF_ERR_IO, "store", 0, "%s: %s", path, strerror(errno));
  close(fd);
  return CF_OK;
}

cf_status_t
cf_store_sqlite_open(cf_store_sqlite_t **out, char const *path, bool relaxed, bool *rebuildable, cf_error_t *err) {
  *out         = NULL;
  *rebuildable = false;
  cf_status_t st = touch(path, err);
  if (st) return st;
  cf_store_sqlite_t *s = calloc(1, sizeof *s);
  if (!s) return cf_error_set(err, CF_ERR_IO, "store", 0, "out of memory");

  char const *mode = relaxed ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF"
                             : "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF";
  if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)) st = fail(s, "open", err);
  if (!st) sqlite3_busy_timeout(s->db, 5000);
  if (!st) st = check_whole(s, err);
  *rebuildable = st == CF_ERR_FORMAT;
  if (!st) st = make_schema(s, err);
  if (!st && sqlite3_exec(s->db, mode, NULL, NULL, NULL)) st = fail(s, "mode", err);
  if (!st) st = prepare(s, err);
  int rows; /* SQLite makes its other two files at the first read: now, while the process may still make files */
  if (!st && !query_int(s, "SELECT count(*) FROM fence", &rows)) st = fail(s, "read", err);
  if (st) cf_store_sqlite_free(s);
  else *out = s;
  return st;
}

void
cf_store_sqlite_free(cf_store_sqlite_t *s) {
  if (!s) return;
  sqlite3_stmt *all[] = { s->begin, s->commit, s->rollback, s->fence_get, s->fence_set, s->put, s->del, s->get, s->scan };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
  sqlite3_close(s->db);
  free(s);
}

/* ---- writing ---- */

static cf_status_t
fence_read(cf_store_sqlite_t *s, uint64_t *fence, cf_error_t *err) {
  if (sqlite3_step(s->fence_get) != SQLITE_ROW) {
    cf_status_t st = fail(s, "fence", err);
    sqlite3_reset(s->fence_get);
    return st;
  }
  cf_rd_t rd = cf_rd_span(column(s->fence_get, 0));
  *fence     = cf_rd_u64(&rd);
  bool whole = cf_rd_done(&rd);
  sqlite3_reset(s->fence_get);
  return whole ? CF_OK : cf_error_set(err, CF_ERR_FORMAT, "store", 0, "the fence is damaged");
}

static cf_status_t
fence_raise(cf_store_sqlite_t *s, uint64_t fence, cf_error_t *err) {
  uint8_t     bytes[8];
  uint64_t    have = 0;
  cf_status_t st   = fence_read(s, &have, err);
  if (st) return st;
  if (fence < have)
    return cf_error_set(err, CF_ERR_STALE, "store", 0, "fence %llu, another process holds %llu", (unsigned long long)fence,
                        (unsigned long long)have);
  if (fence == have) return CF_OK;
  cf_wr_t wr = cf_wr_init(bytes, sizeof bytes);
  cf_wr_u64(&wr, fence);
  return bind(s->fence_set, 1, cf_wr_out(&wr)) && run(s->fence_set) ? CF_OK : fail(s, "fence", err);
}

static cf_status_t
write_one(cf_store_sqlite_t *s, cf_store_write_t const *w, cf_error_t *err) {
  sqlite3_stmt *stmt = w->put ? s->put : s->del;
  bool ok = sqlite3_bind_int(stmt, 1, (int)w->kind) == SQLITE_OK && bind(stmt, 2, w->key) &&
            (!w->put || bind(stmt, 3, w->value)) && run(stmt);
  return ok ? CF_OK : fail(s, "write", err);
}

static cf_status_t
write_all(cf_store_sqlite_t *s, cf_rd_t *rd, uint64_t fence, cf_error_t *err) {
  cf_store_write_t w;
  cf_status_t      st = fence_raise(s, fence, err);
  while (!st && cf_store_next(rd, &w)) st = write_one(s, &w, err);
  if (!st && rd->bad) st = cf_error_set(err, CF_ERR_FORMAT, "store", rd->pos, "malformed writes");
  if (!st && !run(s->commit)) st = fail(s, "commit", err);
  return st;
}

cf_status_t
cf_store_sqlite_commit(cf_store_sqlite_t *s, cf_span_t in, cf_error_t *err) {
  cf_rd_t     rd;
  uint64_t    fence = 0;
  cf_status_t st    = cf_store_open(&rd, &fence, in);
  if (st) return cf_error_set(err, st, "store", 0, "malformed writes");
  if (!run(s->begin)) return fail(s, "begin", err);
  st = write_all(s, &rd, fence, err);
  if (st && !sqlite3_get_autocommit(s->db)) run(s->rollback);
  return st;
}

/* ---- reading ---- */

cf_status_t
cf_store_sqlite_get(uint8_t **out, size_t *out_sz, cf_store_sqlite_t *s, cf_store_kind_t kind, cf_span_t key, cf_error_t *err) {
  cf_status_t st = CF_OK;
  *out           = NULL;
  *out_sz        = 0;
  sqlite3_bind_int(s->get, 1, (int)kind);
  int rc = bind(s->get, 2, key) ? sqlite3_step(s->get) : SQLITE_ERROR;
  if (rc == SQLITE_ROW) {
    cf_span_t value = column(s->get, 0);
    *out            = malloc(value.len + 1);
    if (*out && value.len) memcpy(*out, value.ptr, value.len);
    if (*out) *out_sz = value.len;
    else st = cf_error_set(err, CF_ERR_IO, "store", 0, "out of memory");
  } else if (rc != SQLITE_DONE) {
    st = fail(s, "get", err);
  }
  sqlite3_reset(s->get);
  return st;
}

cf_status_t
cf_store_sqlite_scan(uint8_t **out, size_t *out_sz, cf_store_sqlite_t *s, cf_store_kind_t kind, size_t max, cf_error_t *err) {
  cf_buf_t    buf   = { 0 };
  uint64_t    fence = 0;
  int         rc    = SQLITE_ROW;
  cf_status_t st    = fence_read(s, &fence, err);
  *out              = NULL;
  *out_sz           = 0;
  if (st) return st;
  sqlite3_bind_int(s->scan, 1, (int)kind);
  for (bool first = true; !st && (first || (rc = sqlite3_step(s->scan)) == SQLITE_ROW); first = false) {
    cf_span_t key = first ? CF_SPAN(NULL, 0) : column(s->scan, 0), value = first ? key : column(s->scan, 1);
    size_t    most = key.len + value.len + 64; /* a write's head is 8 bytes, the fence 8 */
    if (!cf_buf_reserve(&buf, most, max)) {
      st = cf_error_set(err, CF_ERR_BOUND, "store", 0, "a kind of more than %zu bytes", max);
      break;
    }
    cf_wr_t wr = cf_wr_init(buf.ptr + buf.len, most);
    if (first) cf_store_begin(&wr, fence);
    else cf_store_put(&wr, kind, key, value);
    buf.len += cf_wr_out(&wr).len;
  }
  if (!st && rc != SQLITE_DONE) st = fail(s, "scan", err);
  sqlite3_reset(s->scan);
  if (st) {
    cf_buf_free(&buf);
    return st;
  }
  *out    = buf.ptr;
  *out_sz = buf.len;
  return CF_OK;
}
