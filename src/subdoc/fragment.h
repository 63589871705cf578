/*
 * The value of an operation, before it becomes part of a document.
 */
#ifndef KVREPLAY_SUBDOC_FRAGMENT_H
#define KVREPLAY_SUBDOC_FRAGMENT_H

#include "subdoc/tokens.h"

struct subdoc_fragment {
    enum subdoc_kind parent; /* what it is to be in: SUBDOC_ARRAY, where commas separate several
                              * values, or SUBDOC_OBJECT, behind a key */
    size_t levels;           /* how deep it may be, from 1 for that parent on */
    bool is_scalar;          /* it has to be one string, number, true, false or null */
};

/*
 * SUCCESS; SUBDOC_VALUE_TOO_DEEP; SUBDOC_VALUE_CANNOT_INSERT for what is not JSON there;
 * INTERNAL_ERROR if it is empty, as servers say, though none lets such a request pass. What
 * couchbase/subjson lets pass, passes: blanks alone in an array, and further members behind a value
 * in an object (`1,"b":2`).
 */
enum mcbp_status subdoc_fragment_check(struct span value, const struct subdoc_fragment *fragment);

#endif
