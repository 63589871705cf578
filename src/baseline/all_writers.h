/*
 * The writers that kvreplay knows by name: the library's and the baselines.
 */
#ifndef KVREPLAY_BASELINE_ALL_WRITERS_H
#define KVREPLAY_BASELINE_ALL_WRITERS_H

#include "kvresponse/plugin.h"

/* In the order of lists; ends with NULL. */
extern const struct kvr_writer_type *const all_writers[];

/* The one of that name, or NULL. */
const struct kvr_writer_type *all_writers_find(const char *name);

#endif
