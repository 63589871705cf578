/*
 * Names of members: those of paths, with their backticks, and those of documents, with their
 * escapes.
 */
#ifndef KVREPLAY_SUBDOC_NAME_H
#define KVREPLAY_SUBDOC_NAME_H

#include "subdoc/path.h"

struct buffer;

/*
 * The part of a path names the member. `key` is what stands between its quotation marks in the
 * document. Of its escapes only \uXXXX is decoded, as in couchbase/subjson (subdoc/uescape.h): a
 * part that has `\n` names only a key that is written with `\n`. At \u0000 and half of a surrogate
 * pair, the key counts as ending.
 */
bool subdoc_name_matches(const struct subdoc_part *part, struct span key);

/* Adds the part's name, without backticks. False: no memory. */
bool subdoc_name_append(struct buffer *text, const struct subdoc_part *part);

#endif
