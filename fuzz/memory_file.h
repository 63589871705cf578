/*
 * An input as a file, since captures are opened by path. The file is in memory.
 */
#ifndef KVREPLAY_FUZZ_MEMORY_FILE_H
#define KVREPLAY_FUZZ_MEMORY_FILE_H

#include "base/span.h"

/* Makes the file; it and its path are valid until the next call. */
const char *memory_file_open(struct span bytes);

#endif
