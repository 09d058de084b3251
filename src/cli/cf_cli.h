/* What all commands share: arguments, files, and output as people and scripts expect it.  A command is a row of the table in
   cf_main.c and one function; it returns its exit status.  Memory taken by a command is the process's: it ends with it. */
#ifndef CF_CLI_CLI_H
#define CF_CLI_CLI_H

#include "base/cf_error.h"
#include "codec/cf_json.h"

#define CF_VERSION "0.1.0"

/* Exit statuses. */
enum {
  CF_EXIT_HOLDS = 0,
  CF_EXIT_FAILS = 1, /* it does not hold: the typed reason is printed             */
  CF_EXIT_USAGE = 2, /* wrong usage, or a named file cannot be opened             */
  CF_EXIT_WORLD = 3, /* the outside world failed, and a retry may help            */
};

/* ---- arguments ---- */

#define CF_OPTIONS_MAX 64
#define CF_WORDS_MAX 64
typedef struct {
  char const *name;
  char const *value; /* "" of a flag */
} cf_option_t;

typedef struct cf_command cf_command_t;
typedef struct {
  cf_command_t const *command;
  cf_option_t         option[CF_OPTIONS_MAX];
  size_t              option_cnt;
  char const         *word[CF_WORDS_MAX];
  size_t              word_cnt;
} cf_args_t;

struct cf_command {
  char const *name;     /* one or two words */
  char const *synopsis; /* what stands behind it */
  char const *about;
  char const *example; /* works as printed */
  char const
        *options; /* names with blanks between; "=" behind one that takes a value; -o is "o"; --json and --help are everybody's */
  size_t words_min, words_max;
  int (*run)(cf_args_t const *a);
};

/* cf_args_read splits what follows the command's name.  0, or CF_EXIT_USAGE after saying why. */
int cf_args_read(cf_args_t *a, cf_command_t const *c, int argc, char **argv);
/* cf_arg is the value of --name, the i-th of several; NULL when it was not given. */
char const               *cf_arg_at(cf_args_t const *a, char const *name, size_t i);
static inline char const *cf_arg(cf_args_t const *a, char const *name) { return cf_arg_at(a, name, 0); }
static inline bool        cf_flag(cf_args_t const *a, char const *name) { return cf_arg(a, name) != NULL; }
/* The first word, or "." where a domain's folder may be left out. */
static inline char const *cf_dir(cf_args_t const *a) { return a->word_cnt ? a->word[0] : "."; }
/* cf_arg_u64 reads a decimal option; absent leaves *out.  0 or CF_EXIT_USAGE. */
int cf_arg_u64(uint64_t *out, cf_args_t const *a, char const *name, uint64_t min, uint64_t max);
/* cf_arg_hash reads 64 hex digits. */
int cf_arg_hash(cf_hash_t *out, bool *given, cf_args_t const *a, char const *name);

/* ---- saying ---- */

bool cf_json_mode(void); /* --json: one JSON value on stdout, also on failure */
void cf_json_mode_set(void);

/* cf_fail prints "what: reason  item", then a line for each label and text, up to NULL; returns code. */
int cf_fail(int code, char const *what, char const *reason, char const *item, ...) __attribute__((sentinel));
/* cf_fail_error says what a function said; CF_ERR_IO is the outside world's. */
int cf_fail_error(char const *what, cf_error_t const *err);
int cf_fail_usage(cf_command_t const *c, char const *reason, char const *item);
/* cf_note is a line on stderr about what is going on. */
void cf_note(char const *fmt, ...) __attribute__((format(printf, 1, 2)));
/* cf_fmt formats into memory of the process. */
char                  *cf_fmt(char const *fmt, ...) __attribute__((format(printf, 1, 2)));
char                  *cf_hex(cf_span_t bytes);      /* whole */
char                  *cf_hex_short(cf_span_t hash); /* first 4 bytes and "…" */
char                  *cf_time(uint64_t unix_s);     /* RFC 3339 */
uint64_t               cf_wall_ms(void);
static inline uint64_t cf_wall_s(void) { return cf_wall_ms() / 1000; }
uint64_t               cf_mono_ms(void);

/* ---- files ---- */

/* cf_room is a writer of n bytes. */
cf_wr_t cf_room(size_t n);
/* cf_slurp reads path, or stdin for "-", whole.  0, or CF_EXIT_USAGE after saying why. */
int cf_slurp(cf_span_t *out, char const *path, size_t max);
/* cf_emit writes the result to path as cf_save does, into a pipe or device as it is; "-" and NULL are stdout. */
int cf_emit(cf_span_t bytes, char const *path);
/* cf_save makes or replaces a file, durably; folders are made, durably too. */
int cf_save(char const *path, cf_span_t bytes, bool secret);
int cf_make_dir(char const *path);
/* cf_exe is the path of a program of ours, beside this one. */
char *cf_exe(char const *name);
/* cf_absolute is path without dependence on where we are; NULL when it is not there. */
char *cf_absolute(char const *path);

/* cf_json_begin and _end: the one JSON value of a command. */
cf_jw_t cf_json_begin(cf_wr_t *wr);
int     cf_json_end(cf_jw_t *j, char const *path);

#endif
