/* collateral fetch, list and show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cf_utc.h"
#include "cli/cf_commands.h"
#include "cli/cf_evidence_args.h"
#include "io/cf_collateral_fetch.h"

#define ITEMS_MAX 64
#define LIST_MAX (1u << 20)
#define DEPTH_MAX 5 /* of an item's name */
#define AGE_S 86400
#define WAIT_S 15
#define JSON_MAX (1u << 20)

static char *date_text(int64_t unix_s) {
  char text[CF_UTC_TEXT];
  return cf_utc_write(text, unix_s) ? cf_fmt("%s", "never") : cf_fmt("%s", text);
}

static int item_arg(cf_vendor_item_t *out, cf_args_t const *a, char const *text) {
  return cf_vendor_of(out, CF_SPAN(text, strlen(text)))
             ? cf_fail_usage(a->command, "no item's name; one is intel/tcb-info/tdx/b0c06f000000, docs/collateral.md has all",
                             text)
             : 0;
}

static int dir_open(cf_files_t *dir, cf_args_t const *a) {
  cf_error_t err = {0};
  if (!cf_arg(a, "dir")) return cf_fail_usage(a->command, "which folder? --dir DIR", "--dir");
  if (!cf_files_open(dir, cf_arg(a, "dir"), "", &err)) return 0;
  return cf_fail(CF_EXIT_USAGE, "collateral", "unreadable", cf_arg(a, "dir"), "found", err.text, "next",
                 "counterfoil collateral fetch --dir DIR makes one", NULL);
}

/* ---- what is said of an item ---- */

static void json_record(cf_jw_t *j, cf_vendor_record_t const *r) {
  cf_jw_str(j, "issued", date_text(r->issued_s));
  if (r->next_s != INT64_MAX) cf_jw_str(j, "next", date_text(r->next_s));
  cf_jw_str(j, "fetched", date_text(r->fetched_s));
  cf_jw_str(j, "source", r->source);
  cf_jw_arr(j, "parts");
  for (size_t i = 0; i < r->part_cnt; i++) {
    cf_jw_obj(j, NULL);
    cf_jw_str(j, "role", cf_role_name(r->part[i].role));
    cf_jw_hex(j, "sha256", CF_SPAN_OF(r->part[i].hash.b));
    cf_jw_end(j, '}');
  }
  cf_jw_end(j, ']');
}

static void print_record(char const *word, cf_vendor_item_t const *item, cf_vendor_record_t const *r) {
  char name[CF_VENDOR_NAME_MAX];
  cf_vendor_name(name, item);
  printf("%-9s %s   issued %s, next %s   %s\n", word, name, date_text(r->issued_s), date_text(r->next_s), r->source);
}

/* ---- fetching ---- */

typedef struct {
  cf_evidence_args_t     with;
  cf_evidence_item_t     known[CF_ITEMS_MAX]; /* what was given, and certificates that came */
  bool                   offline;
  cf_collateral_fetch_t *fetch;
  cf_files_t             dir; /* offline */
  cf_vendor_item_t       item[ITEMS_MAX];
  cf_fetched_t           got[ITEMS_MAX];
  size_t                 item_cnt;
  size_t                 named; /* of them, those that were named */
} fetching_t;

static char const *const outcomes[] = {
    [CF_FETCH_FAILED] = "missing", [CF_FETCH_HELD] = "held", [CF_FETCH_SAME] = "same", [CF_FETCH_NEW] = "new"};

/* What is held can stand for what could not be renewed as long as it is in time. */
static char const *outcome(fetching_t const *w, size_t i) {
  cf_fetched_t const *got = &w->got[i];
  if (got->outcome != CF_FETCH_FAILED || !got->found) return outcomes[got->outcome];
  return got->record.next_s > w->with.ask.at_s ? "held" : "overdue";
}

static bool is_there(fetching_t const *w, size_t i) {
  return w->got[i].found && (w->got[i].outcome != CF_FETCH_FAILED || w->got[i].record.next_s > w->with.ask.at_s);
}

/* A certificate tells what else is needed. */
static cf_status_t learn(fetching_t *w, cf_vendor_item_t const *item, cf_fetched_t const *got, cf_error_t *err) {
  cf_evidence_ask_t *ask = &w->with.ask;
  uint8_t           *at;
  size_t             sz;
  if ((item->kind != CF_VENDOR_PCK && item->kind != CF_VENDOR_VCEK) || !got->found || ask->item_cnt == CF_ITEMS_MAX) return CF_OK;
  cf_files_t const *dir = w->offline ? &w->dir : cf_collateral_fetch_dir(w->fetch);
  cf_status_t       st = cf_collateral_object(&at, &sz, dir, &got->record.part[0].hash, err);
  if (!st) w->known[ask->item_cnt++] = (cf_evidence_item_t){got->record.part[0].role, CF_SPAN(at, sz)};
  return st;
}

static cf_status_t get(fetching_t *w, cf_vendor_item_t const *item, cf_error_t *err) {
  cf_fetched_t *got = &w->got[w->item_cnt];
  cf_status_t   st;
  if (!w->offline) st = cf_collateral_fetch(got, w->fetch, item, err);
  else st = cf_collateral_find(&got->record, &got->found, &w->dir, item, w->with.ask.at_s, err);
  if (w->offline && !st && got->found && got->record.next_s > w->with.ask.at_s) got->outcome = CF_FETCH_HELD;
  w->item[w->item_cnt++] = *item;
  return st ? st : learn(w, item, got, err);
}

static bool is_tried(fetching_t const *w, cf_vendor_item_t const *item) {
  char name[CF_VENDOR_NAME_MAX], tried[CF_VENDOR_NAME_MAX];
  cf_vendor_name(name, item);
  for (size_t i = 0; i < w->item_cnt; i++) {
    cf_vendor_name(tried, &w->item[i]);
    if (!strcmp(name, tried)) return true;
  }
  return w->item_cnt == ITEMS_MAX;
}

/* One after the other, what evidence is known to need by then. */
static cf_status_t get_wanted(fetching_t *w, cf_error_t *err) {
  cf_vendor_item_t wants[CF_VENDOR_WANTS_MAX];
  size_t           cnt, i;
  cf_status_t      st = CF_OK;
  do {
    cf_vendor_wants(wants, &cnt, w->with.ask.items, w->with.ask.item_cnt);
    for (i = 0; i < cnt && is_tried(w, &wants[i]);) i++;
    if (i < cnt) st = get(w, &wants[i], err);
  } while (i < cnt && !st);
  return st;
}

/* Of several VCEKs one exists: who is not there is not missed when another is. */
static bool is_missed(fetching_t const *w, size_t i) {
  if (is_there(w, i)) return false;
  return i < w->named || w->item[i].kind != CF_VENDOR_VCEK || !cf_evidence_given(&w->with.ask, CF_ROLE_VEK);
}

static int fetched_json(fetching_t const *w, bool ok) {
  cf_wr_t wr = cf_room(JSON_MAX);
  cf_jw_t j = cf_json_begin(&wr);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", ok);
  cf_jw_arr(&j, "items");
  for (size_t i = 0; i < w->item_cnt; i++) {
    char name[CF_VENDOR_NAME_MAX];
    cf_vendor_name(name, &w->item[i]);
    cf_jw_obj(&j, NULL);
    cf_jw_str(&j, "item", name);
    cf_jw_str(&j, "outcome", is_missed(w, i) || is_there(w, i) ? outcome(w, i) : "none");
    if (w->got[i].found) json_record(&j, &w->got[i].record);
    cf_jw_arr(&j, "why");
    for (size_t k = 0; k < w->got[i].why_cnt; k++) cf_jw_str(&j, NULL, w->got[i].why[k]);
    cf_jw_end(&j, ']');
    cf_jw_end(&j, '}');
  }
  cf_jw_end(&j, ']');
  cf_jw_end(&j, '}');
  return cf_json_end(&j, NULL);
}

static char const *next_step(fetching_t const *w, size_t i) {
  if (w->offline) return "without --offline, or copy a folder that has it";
  if (w->got[i].refused) return "another --source, or --with trusted_root=F where these are not the makers' own";
  return w->got[i].why_cnt ? "again later, or another --source" : "a --source that has it: pccs=URL, kds=URL";
}

static void print_missed(fetching_t const *w, size_t i) {
  char name[CF_VENDOR_NAME_MAX];
  cf_vendor_name(name, &w->item[i]);
  fprintf(stderr, "collateral: %s  %s\n", w->got[i].found ? "overdue" : "missing", name);
  for (size_t k = 0; k < w->got[i].why_cnt; k++) fprintf(stderr, "  %-9s %s\n", "source", w->got[i].why[k]);
  if (w->got[i].found)
    fprintf(stderr, "  %-9s issued %s, due for renewal %s\n", "held", date_text(w->got[i].record.issued_s),
            date_text(w->got[i].record.next_s));
  fprintf(stderr, "  %-9s %s\n", "next", next_step(w, i));
}

/* 1 where something came and was not it, 3 where nobody had it. */
static int tell(fetching_t const *w) {
  int code = 0;
  for (size_t i = 0; i < w->item_cnt; i++) {
    if (is_there(w, i) && !cf_json_mode()) print_record(outcome(w, i), &w->item[i], &w->got[i].record);
    if (is_there(w, i) && w->got[i].outcome == CF_FETCH_FAILED)
      for (size_t k = 0; k < w->got[i].why_cnt; k++) cf_note("note: not renewed: %s", w->got[i].why[k]);
    if (!is_missed(w, i)) continue;
    print_missed(w, i);
    if (!code || w->got[i].refused) code = w->got[i].refused || w->offline ? CF_EXIT_FAILS : CF_EXIT_WORLD;
  }
  return cf_json_mode() && fetched_json(w, !code) ? CF_EXIT_WORLD : code;
}

/* [KIND=]https://... */
static int source_arg(cf_source_t *out, cf_args_t const *a, char const *text) {
  static struct {
    char const      *name;
    cf_source_kind_t kind;
  } const kinds[] = {{"pcs=", CF_SOURCE_PCS}, {"files=", CF_SOURCE_FILES}, {"pccs=", CF_SOURCE_PCCS}, {"kds=", CF_SOURCE_KDS}};
  *out = (cf_source_t){CF_SOURCE_ANY, text};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strncmp(text, kinds[i].name, strlen(kinds[i].name))) *out = (cf_source_t){kinds[i].kind, text + strlen(kinds[i].name)};
  return strncmp(out->url, "https://", 8)
             ? cf_fail_usage(a->command, "--source is [pcs=|files=|pccs=|kds=]https://HOST[:PORT][/PATH]", text)
             : 0;
}

static int open_fetch(fetching_t *w, cf_args_t const *a) {
  cf_source_t    sources[CF_SOURCES_MAX];
  cf_error_t     err = {0};
  uint64_t       age_s = AGE_S, wait_s = WAIT_S;
  cf_fetch_ask_t ask = {.sources = cf_sources_default,
                        .source_cnt = CF_SOURCES_DEFAULT_CNT,
                        .ca_file = cf_arg(a, "ca"),
                        .roots = w->with.ask.roots,
                        .root_cnt = w->with.ask.root_cnt,
                        .at_s = w->with.ask.at_s};
  int            code = cf_arg_u64(&age_s, a, "max-age", 0, 1u << 30);
  if (!code) code = cf_arg_u64(&wait_s, a, "wait", 0, 86400);
  for (size_t i = 0; !code && cf_arg_at(a, "source", i); i++) {
    if (i == CF_SOURCES_MAX) return cf_fail_usage(a->command, "too many sources", cf_arg_at(a, "source", i));
    code = source_arg(&sources[i], a, cf_arg_at(a, "source", i));
    ask.source_cnt = i + 1;
    ask.sources = sources;
  }
  ask.max_age_ms = cf_flag(a, "fresh") ? 0 : (int64_t)age_s * 1000;
  ask.patience_ms = wait_s * 1000;
  if (code) return code;
  if (!cf_arg(a, "dir")) return cf_fail_usage(a->command, "which folder? --dir DIR", "--dir");
  code = cf_make_dir(cf_arg(a, "dir"));
  if (code) return code;
  cf_source_t *kept = malloc(sizeof sources); /* the process's */
  if (!kept) abort();
  memcpy(kept, ask.sources, ask.source_cnt * sizeof *kept);
  ask.sources = kept;
  cf_status_t st = cf_collateral_fetch_open(&w->fetch, cf_arg(a, "dir"), &ask, &err);
  if (st == CF_ERR_POLICY)
    return cf_fail(CF_EXIT_WORLD, "collateral", "busy", cf_arg(a, "dir"), "found", err.text, "next",
                   "again later, or a longer --wait", NULL);
  return st ? cf_fail_error("collateral", &err) : 0;
}

int cf_cmd_collateral_fetch(cf_args_t const *a) {
  static fetching_t w;
  cf_vendor_item_t  item[CF_WORDS_MAX];
  cf_error_t        err = {0};
  int               code = cf_evidence_args(&w.with, a);
  for (size_t i = 0; i < a->word_cnt && !code; i++) code = item_arg(&item[i], a, a->word[i]);
  if (!code && !a->word_cnt && !w.with.ask.item_cnt)
    code = cf_fail_usage(a->command, "for what? --with quote=F, --with report=F, or an item's name", "ITEM");
  w.offline = cf_flag(a, "offline");
  for (size_t i = 0; i < w.with.ask.item_cnt; i++) w.known[i] = w.with.ask.items[i];
  w.with.ask.items = w.known;
  if (!code) code = w.offline ? dir_open(&w.dir, a) : open_fetch(&w, a);
  if (code) return code;
  cf_status_t st = CF_OK;
  for (; w.named < a->word_cnt && !st; w.named++) st = get(&w, &item[w.named], &err);
  if (!st) st = get_wanted(&w, &err);
  cf_collateral_fetch_close(w.fetch);
  if (st) return cf_fail_error("collateral", &err);
  if (!w.item_cnt && !cf_json_mode()) cf_note("note: nothing is published that this evidence needs, or it does not parse");
  return tell(&w);
}

/* ---- what is there ---- */

typedef struct {
  cf_files_t dir;
  int64_t    at_s;
  cf_jw_t    j;
  cf_error_t err;
} listing_t;

static cf_status_t list_item(listing_t *l, cf_vendor_item_t const *item) {
  cf_vendor_record_t record;
  bool               found;
  char               name[CF_VENDOR_NAME_MAX];
  cf_status_t        st = cf_collateral_find(&record, &found, &l->dir, item, l->at_s, &l->err);
  if (st || !found) return st;
  if (!cf_json_mode()) print_record(record.next_s > l->at_s ? "current" : "past", item, &record);
  cf_vendor_name(name, item);
  cf_jw_obj(&l->j, NULL);
  cf_jw_str(&l->j, "item", name);
  json_record(&l->j, &record);
  cf_jw_end(&l->j, '}');
  return CF_OK;
}

/* An item's name is a path of folders; anything else in there is not ours. */
static cf_status_t list_below(listing_t *l, char const *path, unsigned depth) {
  uint8_t         *names;
  size_t           sz;
  cf_vendor_item_t item;
  cf_status_t      st = cf_files_list(&names, &sz, &l->dir, CF_SPAN(path, strlen(path)), LIST_MAX, &l->err);
  if (st) return st;
  for (size_t pos = 0; pos < sz && !st; pos += strlen((char *)names + pos) + 1) {
    char *below = cf_fmt("%s/%s", path, (char *)names + pos), *name = strchr(below, '/') + 1;
    if (!cf_vendor_of(&item, CF_SPAN(name, strlen(name)))) st = list_item(l, &item);
    else if (depth < DEPTH_MAX) st = list_below(l, below, depth + 1);
  }
  free(names);
  return st;
}

int cf_cmd_collateral_list(cf_args_t const *a) {
  static cf_evidence_args_t with;
  listing_t                 l = {0};
  cf_wr_t                   wr = cf_room(JSON_MAX * 8);
  int                       code = cf_evidence_args(&with, a);
  if (!code) code = dir_open(&l.dir, a);
  if (code) return code;
  l.at_s = with.ask.at_s;
  l.j = cf_json_begin(&wr);
  cf_jw_obj(&l.j, NULL);
  cf_jw_bool(&l.j, "ok", true);
  cf_jw_arr(&l.j, "items");
  if (list_below(&l, "items", 0)) return cf_fail_error("collateral", &l.err);
  cf_jw_end(&l.j, ']');
  cf_jw_end(&l.j, '}');
  return cf_json_mode() ? cf_json_end(&l.j, NULL) : 0;
}

static int show_part(cf_files_t const *dir, cf_vendor_record_t const *r, cf_args_t const *a) {
  char const *part = cf_arg(a, "part");
  cf_error_t  err = {0};
  uint8_t    *at;
  size_t      sz;
  for (size_t i = 0; i < r->part_cnt; i++) {
    if (strcmp(part, cf_role_name(r->part[i].role))) continue;
    if (cf_collateral_object(&at, &sz, dir, &r->part[i].hash, &err)) return cf_fail_error("collateral", &err);
    return cf_emit(CF_SPAN(at, sz), cf_arg(a, "o"));
  }
  return cf_fail_usage(a->command, "the item has no part of that role", part);
}

int cf_cmd_collateral_show(cf_args_t const *a) {
  static cf_evidence_args_t with;
  cf_vendor_item_t          item;
  cf_vendor_record_t        record;
  cf_files_t                dir;
  cf_error_t                err = {0};
  bool                      found;
  cf_wr_t                   wr = cf_room(JSON_MAX);
  cf_jw_t                   j = cf_json_begin(&wr);
  int                       code = cf_evidence_args(&with, a);
  if (!code) code = item_arg(&item, a, a->word[0]);
  if (!code) code = dir_open(&dir, a);
  if (code) return code;
  if (cf_collateral_find(&record, &found, &dir, &item, with.ask.at_s, &err)) return cf_fail_error("collateral", &err);
  if (!found)
    return cf_fail(CF_EXIT_FAILS, "collateral", "missing", a->word[0], "found",
                   cf_fmt("nothing that was issued by %s", date_text(with.ask.at_s)), "next",
                   "counterfoil collateral fetch gets it; counterfoil collateral list has what is there", NULL);
  if (cf_arg(a, "part")) return show_part(&dir, &record, a);
  cf_jw_obj(&j, NULL);
  cf_jw_bool(&j, "ok", true);
  cf_jw_str(&j, "item", a->word[0]);
  json_record(&j, &record);
  cf_jw_end(&j, '}');
  if (cf_json_mode()) return cf_json_end(&j, cf_arg(a, "o"));
  print_record(record.next_s > with.ask.at_s ? "current" : "past", &item, &record);
  printf("fetched   %s\n", date_text(record.fetched_s));
  for (size_t i = 0; i < record.part_cnt; i++)
    printf("part      %-18s objects/%s\n", cf_role_name(record.part[i].role), cf_hex(CF_SPAN_OF(record.part[i].hash.b)));
  return 0;
}
