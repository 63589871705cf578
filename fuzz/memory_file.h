/*
 * Bytes as a file, since captures are opened by path. The file is in memory.
 */
#ifndef KVREPLAY_FUZZ_MEMORY_FILE_H
#define KVREPLAY_FUZZ_MEMORY_FILE_H

#include "base/span.h"

struct memory_file { /* all zero to begin with */
    int fd;
    char path[32];
};

/* Makes the file hold the bytes; it and its path are valid until the next call with that file. */
const char *memory_file_open(struct memory_file *file, struct span bytes);

#endif
