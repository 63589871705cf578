/*
 * Loading somebody else's writer from a shared object.
 */
#ifndef KVREPLAY_WRITER_PLUGIN_H
#define KVREPLAY_WRITER_PLUGIN_H

#include <stdbool.h>

#include "response/kvresponse.h"

enum { PLUGIN_PROBLEM_SIZE = 512 };

/* Whether a writer's name is a path to load rather than a name to look up: it has a slash. */
bool plugin_is_path(const char *name);

/*
 * Loads the shared object and returns its writer, which is valid until the program ends. NULL if
 * that can't be: `problem` then says why, path included.
 */
const struct kvr_writer *plugin_load(const char *path, char problem[PLUGIN_PROBLEM_SIZE]);

#endif
