/*
 * Extended attributes that a document has without anybody having stored them, and macros that
 * become text when one is stored.
 */
#ifndef KVREPLAY_COUCHBASE_XATTR_H
#define KVREPLAY_COUCHBASE_XATTR_H

#include "couchbase/command.h"

/* A document that is being read or changed. */
struct xattr_subject {
    const struct document *document; /* NULL: there is none yet */
    struct span body;                /* inflated */
    struct span xattrs;              /* a JSON object */
};

/*
 * An object that has the virtual attribute that the path names, `$document`, `$XTOC` or `$vbucket`,
 * as its only member. SUCCESS, SUBDOC_XATTR_UNKNOWN_VATTR or NO_MEMORY. Source:
 * daemon/subdocument_context.cc in couchbase/kv_engine.
 */
enum mcbp_status xattr_virtual(const struct command *command, const struct xattr_subject *subject,
                               struct span path, struct blob **object);

/* The attributes as a server keeps them: their names sorted, values printed anew. *kept NULL: there
 * are none. False: no memory. Source: SubdocExecutionContext::do_xattr_phase. */
bool xattr_keep(struct span xattrs, struct blob **kept);

/* Of those, the system attributes, whose names begin with "_", as they are; or all others. */
bool xattr_keep_system(const struct blob *xattrs, struct blob **kept);
bool xattr_keep_user(const struct blob *xattrs, struct blob **kept);

/* A value that is no JSON, as the attribute that has it: base64 behind a mark, as a JSON string.
 * NULL: no memory. Source: utilities/string_utilities.cc. */
struct blob *xattr_encode(struct span bytes);

/* The other way round. SUCCESS, SUBDOC_FIELD_NOT_BINARY_VALUE or NO_MEMORY. */
enum mcbp_status xattr_decode(struct span value, struct blob **bytes);

/* What a change will give the document. */
struct xattr_change {
    uint64_t cas;
    uint64_t seqno;
    uint32_t checksum; /* of the body */
};

/* Whether the macro is that of the checksum. */
bool xattr_is_checksum(struct span macro);

/* The value of a macro: of "${Mutation.CAS}", "${Mutation.seqno}", "${Mutation.value_crc32c}", or
 * what a member of $document is before the change. Quotation marks are part of macro and value.
 * SUCCESS, SUBDOC_XATTR_UNKNOWN_VATTR_MACRO or NO_MEMORY. */
enum mcbp_status xattr_expand(const struct command *command, const struct xattr_subject *subject,
                              const struct xattr_change *change, struct span macro,
                              struct blob **value);

#endif
