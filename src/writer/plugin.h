/*
 * Loading somebody else's writer from a shared object.
 */
#ifndef KVREPLAY_WRITER_PLUGIN_H
#define KVREPLAY_WRITER_PLUGIN_H

#include "kvresponse/plugin.h"

#include <stdbool.h>

enum {
    PLUGIN_PROBLEM_SIZE = 512,
    PLUGIN_NAME_SIZE = 64, /* of a writer, where it is copied; longer names are cut */
};

/* Whether a writer's name is a path to load rather than a name to look up: it has a slash. */
bool plugin_is_path(const char *name);

/*
 * Loads the shared object and returns its writer, which is valid until the program ends. NULL if
 * that can't be: `problem` then says why, path included.
 */
const struct kvr_writer_type *plugin_load(const char *path, char problem[PLUGIN_PROBLEM_SIZE]);

#endif
