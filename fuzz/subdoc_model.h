/*
 * Subdocument operations on a document that was parsed by jansson: the plain second opinion of
 * fuzz_subdoc.c.
 */
#ifndef KVREPLAY_FUZZ_SUBDOC_MODEL_H
#define KVREPLAY_FUZZ_SUBDOC_MODEL_H

#include "mcbp/status.h"
#include "subdoc/operation.h"
#include "subdoc/path.h"

#include <jansson.h>

/* Text as strict JSON with unlike names, or NULL. */
json_t *model_parse(struct span text);

/* Values between commas as an array; NULL if they are no JSON, or there are none. */
json_t *model_parse_list(struct span text);

/* Whether it is without what jansson and a server read in different ways: escapes, and bytes of
 * value 0, which jansson passes over. */
bool model_knows(struct span text);

/* The same of a path, which also has to be UTF-8 without control characters. */
bool model_knows_path(struct span text);

/* What the path names; NULL with PATH_NOT_FOUND or PATH_MISMATCH. */
json_t *model_find(json_t *root, const struct subdoc_path *path, size_t count,
                   enum mcbp_status *status);

enum mcbp_status model_lookup(const struct subdoc_operation *operation,
                              const struct subdoc_path *path, json_t *root,
                              const struct subdoc_result *result);

/* Changes `root`. The value's text has been accepted, and is strict JSON. */
enum mcbp_status model_mutate(const struct subdoc_operation *operation,
                              const struct subdoc_path *path, json_t *root);

#endif
