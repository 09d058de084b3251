/* What a process of a domain gives up once all is open that it needs (docs/confinement.md has the table).  The enclave's own, stricter
   sandbox is src/enclave/cf_sandbox.h. */
#ifndef CF_PLATFORM_CONFINE_H
#define CF_PLATFORM_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cf_error.h"

#define CF_CONFINE_PATHS_MAX 64
#define CF_CONFINE_PORTS_MAX 64

/* What stays.  All is borrowed for the call; a zeroed one leaves nothing. */
typedef struct {
  char const *whole[CF_CONFINE_PATHS_MAX]; /* files; folders: files below are made, read, written, removed */
  size_t      whole_cnt;
  char const *read[CF_CONFINE_PATHS_MAX]; /* files, and those below folders, are read */
  size_t      read_cnt;
  char const *list[CF_CONFINE_PATHS_MAX]; /* folders below which folders may be opened, and no file */
  size_t      list_cnt;
  uint16_t    connect[CF_CONFINE_PORTS_MAX]; /* TCP ports, on whatever machine */
  size_t      connect_cnt;
  bool        signals; /* to processes outside of what was confined with it: those that it started before */
} cf_confine_t;

/* cf_confine_begin is for the start of every process, before it opens anything: no new privileges, no core file, not dumpable (so
   that no other process of the same user reads its memory), and no file that others may write.
   CF_ERR_IO when one of them cannot be had: the caller must end. */
CF_MUST_CHECK cf_status_t cf_confine_begin(cf_error_t *err);

/* cf_confine ends a process' start: it gives up all capabilities; a filter ends the process on what none of ours does once it
   runs: start a program or a process, trace, look into others' memory, make memory executable, mount, load, and change the
   kernel or the clock; and, where the kernel has Landlock, files and TCP are what c names.  Threads that start afterwards have the
   same.  *layers (may be NULL) gets CF_LAYER_ bits of what the kernel granted (document/cf_boundary.h).
   CF_ERR_IO when the filter or the capabilities fail, CF_ERR_BOUND for too many paths: the caller must end. */
CF_MUST_CHECK cf_status_t cf_confine(cf_confine_t const *c, unsigned *layers, cf_error_t *err);

#endif
