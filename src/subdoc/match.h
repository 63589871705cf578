/*
 * Finds what a path names in a document, or how far the document has it.
 */
#ifndef KVREPLAY_SUBDOC_MATCH_H
#define KVREPLAY_SUBDOC_MATCH_H

#include "subdoc/tokens.h"

enum subdoc_outcome {
    SUBDOC_ABSENT,
    SUBDOC_FOUND,
    SUBDOC_MISMATCH, /* an object where the path has an index, the other way round, or neither */
};

struct subdoc_match {
    enum subdoc_outcome outcome;
    enum mcbp_status status; /* SUBDOC_DOCUMENT_NOT_JSON, SUBDOC_DOCUMENT_TOO_DEEP, if the text that
                                was read is */
    enum subdoc_kind
        kind;     /* of what was found, or else of the deepest object or array on the path */
    size_t begin; /* its place */
    size_t end;
    size_t level; /* parts of the path down to it, plus 1 */
    size_t count; /* its keys and values, or elements, if it was found */
    bool is_integer;
    bool is_in_place; /* found, or only the last part of the path is not there */
    bool has_key;
    size_t key_begin;  /* of what was found in an object */
    size_t position;   /* of what was found in what it is in */
    size_t siblings;   /* the members or elements of the deepest object or array; of what it is in
                        * without itself, as far as read, if it was found: see below */
    bool is_duplicate; /* the array has `unique` */
};

struct subdoc_search {
    bool wants_siblings; /* read on to see whether anything follows */
    struct span unique;  /* a scalar's text, to be looked for in an array that has only scalars */
};

/*
 * Only as much is read as is needed: text behind what was found may be anything. Members with the
 * same key: the first whose kind agrees with the path counts.
 *
 * couchbase/subjson forgets about `search` where the path has [-1], but for siblings of [-1]
 * itself: so does this.
 */
void subdoc_match(struct span document, const struct subdoc_path *path,
                  const struct subdoc_search *search, struct subdoc_match *match);

/* The same; what prevents the operation: its status, SUBDOC_PATH_MISMATCH for that outcome first.
 */
enum mcbp_status subdoc_match_status(struct span document, const struct subdoc_path *path,
                                     const struct subdoc_search *search,
                                     struct subdoc_match *match);

#endif
