/*
 * A file to be written that is there as a whole or not at all: until it is published it has no name
 * or, where the file system can't do that, another one.
 */
#ifndef KVREPLAY_BASE_WHOLE_FILE_H
#define KVREPLAY_BASE_WHOLE_FILE_H

#include <stdbool.h>

struct whole_file {
    char *path;      /* behind links */
    char *temporary; /* its other name */
    bool named;      /* it has that */
    int fd;          /* -1: there is none */
};

/* Opens it for reading and writing, with the permissions that a new file gets; where the path leads
 * through a link, it is what that leads to. False: errno says why, and nothing is there. */
bool whole_file_open(struct whole_file *file, const char *path);

/* Gives the file its name, in place of what had it. False: errno says why. */
bool whole_file_publish(struct whole_file *file);

/* A file that has not been published is gone. `file` may be all zero but for fd, -1. */
void whole_file_close(struct whole_file *file);

#endif
