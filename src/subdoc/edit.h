/*
 * What a mutation changes in the text of a document: a place, and what is written there instead.
 */
#ifndef KVREPLAY_SUBDOC_EDIT_H
#define KVREPLAY_SUBDOC_EDIT_H

#include "subdoc/operation.h"
#include "subdoc/path.h"

struct subdoc_edit {
    size_t begin; /* the bytes from here */
    size_t end;   /* to here go; in their place come, in this order: */
    bool has_comma_before;
    const struct subdoc_part *names; /* `"a":`, `{"b":` for each but the first */
    size_t name_count;
    bool has_array; /* brackets around the value */
    bool has_value;
    bool has_comma_after;
    bool has_bracket; /* a closing one, behind everything */
};

/*
 * Plans the mutation; `path` is that of the operation, parsed. Statuses are those of
 * subdoc_mutate(). `result` is written by SUBDOC_COUNTER, whose value the number in it replaces.
 */
enum mcbp_status subdoc_edit_plan(const struct subdoc_operation *operation, struct span document,
                                  const struct subdoc_path *path, struct subdoc_edit *edit,
                                  struct subdoc_result *result);

#endif
