/*
 * The path of a subdocument operation, `a.b[0]`, taken apart. Its syntax is that of
 * couchbase/subjson (subdoc/path.cc), its oddities included:
 * - names are separated by full stops; one behind an index, or at the very end, may be there or
 * not;
 * - `[3]` is an index, `[-1]` the last element, `[]` the same as `[0]`; 2^64 - 1 is the last one,
 * too;
 * - names are written as in JSON text (`\"` for a quotation mark), but without \u;
 * - within backticks, `.`, `[` and `]` are part of a name; two backticks stand for one.
 */
#ifndef KVREPLAY_SUBDOC_PATH_H
#define KVREPLAY_SUBDOC_PATH_H

#include "base/span.h"
#include "mcbp/status.h"

enum {
    SUBDOC_PATH_PARTS = 31, /* names and indexes in a path */
    SUBDOC_DEPTH = 32,      /* levels of a document, the outermost value being the first */
};

struct subdoc_part {
    struct span name; /* as written, without backticks around it; unless it is an index */
    uint64_t index;
    bool is_index;
    bool is_last;   /* [-1], which is an index */
    bool is_quoted; /* `name` has backticks that are not part of the name */
};

struct subdoc_path {
    struct subdoc_part parts[SUBDOC_PATH_PARTS]; /* they point into the text */
    size_t count;                                /* 0: the whole document */
    bool has_last;                               /* one of them is [-1] */
};

/* SUCCESS, SUBDOC_PATH_INVALID, or SUBDOC_PATH_TOO_BIG for more than SUBDOC_PATH_PARTS parts. */
enum mcbp_status subdoc_path_parse(struct span text, struct subdoc_path *path);

#endif
