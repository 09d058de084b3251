/* A file as bytes, for the examples.  Not there: the program ends. */
#ifndef READ_FILE_H
#define READ_FILE_H

#include <counterfoil/evidence.h>
#include <stdio.h>
#include <stdlib.h>

static inline counterfoil_bytes_t read_file(char const *path, size_t max) {
  FILE               *f = fopen(path, "rb");
  void               *room = malloc(max + 1);
  counterfoil_bytes_t bytes = {room, f && room ? fread(room, 1, max + 1, f) : 0};
  if (!f || !room || ferror(f) || !bytes.len || bytes.len > max) {
    fprintf(stderr, "%s: not there, empty, or more than %zu bytes\n", path, max);
    exit(2);
  }
  fclose(f);
  return bytes;
}

#endif
