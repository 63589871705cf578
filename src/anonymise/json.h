/*
 * The pieces of a JSON text that say something: names of members, strings, numbers. What is between
 * them, and true, false and null, is kept whoever replaces the pieces.
 *
 * Taken for JSON is what a subdocument command may read or write (subdoc/tokens.h), and any number
 * of values with commas between them, as its values are, if all strings are UTF-8.
 */
#ifndef KVREPLAY_ANONYMISE_JSON_H
#define KVREPLAY_ANONYMISE_JSON_H

#include "base/span.h"

enum json_piece { JSON_NAME, JSON_STRING, JSON_NUMBER };

struct json_visitor {
    void *context;
    /* A piece without its quotation marks. `member` is the name of what a string is in, as it is
     * now; empty: it is in an array, or in nothing. The piece's bytes may be changed. */
    void (*visit)(void *context, enum json_piece piece, struct span member, size_t at, size_t size);
};

bool json_is(struct span text);

/* False: it is not JSON, and nothing was visited. */
bool json_walk(struct span text, const struct json_visitor *visitor);

#endif
