/* The disk as a power cut would leave it: of a folder's files the bytes that fsync, fdatasync or a synchronous write of
   theirs covered, under the names that an fsync of their folder covered.  Told of each call by the tracer (cf_kill.c); one
   thread. */
#ifndef CF_KILL_DISK_H
#define CF_KILL_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* disk_init takes all that is below root now as durable.  root is absolute and without links, and stays the caller's.  skip says
   of a path below root that it is no part of the disk. */
void disk_init(char const *root, bool (*skip)(char const *path));

/* Before a file is opened for writing, by the path that names it; after, by its descriptor. */
void disk_open_begins(char const *path);
void disk_opened(pid_t pid, int fd);

/* len bytes were written at off; durable when the call itself made them so. */
void disk_written(pid_t pid, int fd, off_t off, off_t len, bool durable);

/* What is in a file or folder when a sync begins is durable when it has ended.  NULL: nothing of ours. */
typedef struct disk_sync disk_sync_t;
disk_sync_t             *disk_sync_begins(pid_t pid, int fd);
void                     disk_sync_ended(disk_sync_t *s, bool ok);

typedef enum {
  DISK_DROP, /* nothing that was not durable is there                                          */
  DISK_TORN, /* and a first part of the last write that was not                                */
  DISK_MIXED /* of each name and each sector either the durable state or the last, by the seed */
} disk_cut_t;

/* disk_cut makes the files for which in_scope holds what they are after a cut; nobody has them open.  Returns how many changed.
 */
unsigned disk_cut(disk_cut_t how, bool (*in_scope)(char const *path), uint64_t *seed);

uint64_t disk_random(uint64_t *seed);

#endif
