/*
 * The file to be written: without a name, or where the file system can't do that under another one,
 * until it is whole, so that nothing half done is ever taken for it.
 */
#ifndef KVREPLAY_ANONYMISE_TARGET_H
#define KVREPLAY_ANONYMISE_TARGET_H

#include "anonymise/source.h"

struct target {
    const char *path;
    char *temporary; /* its other name */
    bool named;      /* it has that */
    int fd;
    uint8_t *bytes; /* the file, mapped; zeros at first */
    size_t size;
};

/* Whether that may be written to: not the source itself, nor what is no file. False: `message`. */
bool target_check(const char *path, const struct source *source, char message[SOURCE_MESSAGE_SIZE]);

/* False: `message` says why, and nothing is there. */
bool target_open(struct target *target, const char *path, const struct source *source,
                 char message[SOURCE_MESSAGE_SIZE]);

/* Gives the file its name. False: as above. */
bool target_publish(struct target *target, char message[SOURCE_MESSAGE_SIZE]);

/* What has not been published is removed. */
void target_close(struct target *target);

#endif
