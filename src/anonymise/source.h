/*
 * The capture to be anonymised, decompressed and in memory as a whole by mapping it. What is
 * compressed, or comes through a pipe, goes into a temporary file without a name first.
 */
#ifndef KVREPLAY_ANONYMISE_SOURCE_H
#define KVREPLAY_ANONYMISE_SOURCE_H

#include "base/span.h"

enum { SOURCE_PATH_SIZE = 32, SOURCE_MESSAGE_SIZE = 512 };

struct source {
    const char *name; /* as the user gave it */
    const char *path; /* what libpcap can read, more than once */
    struct span bytes;
    int fd;
    char unpacked_path[SOURCE_PATH_SIZE];
};

/* "-" is standard input. False: `message` says why. */
bool source_open(struct source *source, const char *name, char message[SOURCE_MESSAGE_SIZE]);
void source_close(struct source *source);

#endif
