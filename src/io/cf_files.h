/* Files of one folder, named as cores name them ("journal/0001"), made
   durable before a call returns.  A name is segments of printable ASCII joined
   by '/', none empty or beginning with '.'; nothing is followed out of the
   folder, symbolic links not at all (openat2, Linux 5.6).  Folders are made as needed. */
#ifndef CF_IO_FILES_H
#define CF_IO_FILES_H

#include "base/cf_bytes.h"
#include "base/cf_error.h"

#define CF_FILES_NAME_MAX 512

typedef struct {
  int         dir;
  int         lock;          /* 0: none */
  char const *public_prefix; /* names that begin so are for everybody (0644); all others 0600; "" is all, NULL none */
} cf_files_t;

/* cf_files_open opens folder, which exists.  public_prefix is borrowed. */
CF_MUST_CHECK cf_status_t cf_files_open(cf_files_t *files, char const *folder, char const *public_prefix, cf_error_t *err);
void                      cf_files_close(cf_files_t *files);

/* cf_files_lock takes the folder for this process, by an flock on the file
   called name, until cf_files_close or the process's end.  CF_ERR_POLICY when
   another process has it; err names its pid. */
CF_MUST_CHECK cf_status_t cf_files_lock(cf_files_t *files, char const *name, cf_error_t *err);

/* cf_files_put replaces or makes a file: after a crash at any moment it has
   the old content or the new.  cf_files_remove of what is not there is fine.
   CF_ERR_FORMAT for a name, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_files_put(cf_files_t const *files, cf_span_t name, cf_span_t body, cf_error_t *err);
CF_MUST_CHECK cf_status_t cf_files_remove(cf_files_t const *files, cf_span_t name, cf_error_t *err);

/* cf_files_put_all puts several files as one step that is not atomic: after a crash any of them may be there, old or new, each whole.
   With them the syncs of the folders are shared, and those of the files when there are CF_FILES_GROUP_MAX of them.  No two names are alike.  cnt <= CF_FILES_GROUP_MAX. */
#define CF_FILES_GROUP_MAX 64
typedef struct {
  cf_span_t name, body;
} cf_files_put_t;
CF_MUST_CHECK cf_status_t cf_files_put_all(cf_files_t const *files, cf_files_put_t const *put, size_t cnt, cf_error_t *err);

/* cf_files_get reads a file whole into *out, to be freed; *found is false
   (and *out NULL) when there is none.  CF_ERR_BOUND over max bytes. */
CF_MUST_CHECK cf_status_t
cf_files_get(uint8_t **out, size_t *out_sz, bool *found, cf_files_t const *files, cf_span_t name, size_t max, cf_error_t *err);

/* cf_files_list makes *out, to be freed: what is in the folder name ("" is the
   whole), sorted bytewise, each ended by NUL; nothing that begins with '.'.  A
   folder that is not there is empty.  CF_ERR_BOUND over max bytes. */
CF_MUST_CHECK cf_status_t cf_files_list(uint8_t **out, size_t *out_sz, cf_files_t const *files, cf_span_t name, size_t max,
                                        cf_error_t *err);

/* cf_files_open_write opens a regular file for pwrite, made where it is missing and then durable by name; *size is
   how long it is.  CF_ERR_FORMAT, CF_ERR_IO. */
CF_MUST_CHECK cf_status_t cf_files_open_write(int *fd, size_t *size, cf_files_t const *files, cf_span_t name, cf_error_t *err);

/* cf_files_open_read opens a regular file for sendfile; CF_ERR_FORMAT for a
   name, CF_ERR_IO when there is none. */
CF_MUST_CHECK cf_status_t cf_files_open_read(int *fd, size_t *size, cf_files_t const *files, cf_span_t name);

#endif
