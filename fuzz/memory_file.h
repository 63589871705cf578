/*
 * An input as a file, since captures are opened by path. The file is in memory.
 */
#ifndef KVREPLAY_FUZZ_MEMORY_FILE_H
#define KVREPLAY_FUZZ_MEMORY_FILE_H

#include "base/span.h"

/* Makes the file; its path is valid until the next call of either. */
const char *memory_file_open(struct span bytes);
void memory_file_close(void);

#endif
