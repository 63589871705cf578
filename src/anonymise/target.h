/*
 * The file to be written, mapped; nothing half done is ever taken for it.
 */
#ifndef KVREPLAY_ANONYMISE_TARGET_H
#define KVREPLAY_ANONYMISE_TARGET_H

#include "anonymise/source.h"
#include "base/whole_file.h"

struct target {
    const char *path;
    struct whole_file file;
    uint8_t *bytes; /* the file, mapped; zeros at first */
    size_t size;
};

/* Whether that may be written to: not what is no file. False: `message` says why. */
bool target_check(const char *path, char message[SOURCE_MESSAGE_SIZE]);

/* False: `message` says why, and nothing is there. */
bool target_open(struct target *target, const char *path, const struct source *source,
                 char message[SOURCE_MESSAGE_SIZE]);

/* Gives the file its name. False: as above. */
bool target_publish(struct target *target, char message[SOURCE_MESSAGE_SIZE]);

/* What has not been published is removed. */
void target_close(struct target *target);

#endif
