/*
 * Extended attributes that a document has without anybody having stored them, and macros that
 * become text when one is stored.
 */
#ifndef KVREPLAY_COUCHBASE_XATTR_H
#define KVREPLAY_COUCHBASE_XATTR_H

#include "couchbase/command.h"

/* The virtual attributes as one object, "$document" its only member. `value` is the document's,
 * inflated. NULL: no memory. Source: daemon/subdocument_context.cc in couchbase/kv_engine. */
struct blob *xattr_virtual(const struct command *command, const struct document *document,
                           struct span value);

/* What a change will give the document, for macros. */
struct xattr_change {
    uint64_t cas;
    uint64_t seqno;
    struct span value;
};

enum { XATTR_MACRO_SIZE = 24 };

/* Writes the text of a macro's value, with its quotation marks. Returns its size, 0: it is none of
 * "${Mutation.CAS}", "${Mutation.seqno}" and "${Mutation.value_crc32c}", quotation marks included.
 */
size_t xattr_expand(struct span macro, const struct xattr_change *change,
                    char text[XATTR_MACRO_SIZE]);

#endif
