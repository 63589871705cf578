/*
 * What subdocument commands consist of, seen in place: paths, flags and fragments of requests, the
 * results in answers. Nothing is said of whether a server would accept them.
 *
 * Sources: docs/SubDocument.md, include/memcached/protocol_binary.h and
 * daemon/subdocument_validators.cc in couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_SUBDOC_SPEC_H
#define KVREPLAY_MCBP_SUBDOC_SPEC_H

#include "base/span.h"

/* X(name, bit), of one path */
#define MCBP_SUBDOC_PATH_FLAGS(X)                                                                  \
    X(MKDIR_P, 0x01) /* parents are created */                                                     \
    X(XATTR, 0x04)   /* the path is one of an extended attribute */                                \
    X(EXPAND_MACROS, 0x10)                                                                         \
    X(BINARY, 0x20) /* the value is no JSON */

/* X(name, bit), of the whole document */
#define MCBP_SUBDOC_DOC_FLAGS(X)                                                                   \
    X(MKDOC, 0x01) /* the document is created */                                                   \
    X(ADD, 0x02)   /* and must not be there */                                                     \
    X(ACCESS_DELETED, 0x04)                                                                        \
    X(CREATE_AS_DELETED, 0x08)                                                                     \
    X(REVIVE_DOCUMENT, 0x10)                                                                       \
    X(REPLICA_READ, 0x20)

#define MCBP_SUBDOC_PATH_ENUM(name, bit) MCBP_SUBDOC_PATH_##name = (bit),
#define MCBP_SUBDOC_DOC_ENUM(name, bit)  MCBP_SUBDOC_DOC_##name = (bit),
enum mcbp_subdoc_path_flag { MCBP_SUBDOC_PATH_FLAGS(MCBP_SUBDOC_PATH_ENUM) };
enum mcbp_subdoc_doc_flag { MCBP_SUBDOC_DOC_FLAGS(MCBP_SUBDOC_DOC_ENUM) };
#undef MCBP_SUBDOC_PATH_ENUM
#undef MCBP_SUBDOC_DOC_ENUM

enum mcbp_subdoc_shape {
    MCBP_SUBDOC_NONE,     /* the opcode is of no subdocument command */
    MCBP_SUBDOC_SINGLE,   /* one path, in extras and value */
    MCBP_SUBDOC_LOOKUP,   /* several specs of reads */
    MCBP_SUBDOC_MUTATION, /* several specs with values */
};

enum mcbp_subdoc_shape mcbp_subdoc_shape_of(uint8_t opcode);

/* A request's extras. */
struct mcbp_subdoc_extras {
    uint16_t path_size;  /* MCBP_SUBDOC_SINGLE only, as is path_flags */
    uint8_t path_flags;  /* enum mcbp_subdoc_path_flag */
    uint8_t doc_flags;   /* enum mcbp_subdoc_doc_flag; 0 where there are none */
    bool has_expiry;     /* false: expiry is 0 */
    bool has_user_flags; /* false: user_flags is 0 */
    uint32_t expiry;
    uint32_t user_flags;
};

/* False: extras of no such length. */
bool mcbp_subdoc_extras_read(enum mcbp_subdoc_shape shape, struct span extras,
                             struct mcbp_subdoc_extras *out);

/* One path of a request. */
struct mcbp_subdoc_spec {
    uint8_t opcode; /* SUBDOC_GET ..., or GET, SET, DELETE of the whole document */
    uint8_t flags;  /* enum mcbp_subdoc_path_flag */
    struct span path;
    struct span value; /* empty in lookups */
};

/* The path of a request of the shape SINGLE; false: the value is shorter than it. */
bool mcbp_subdoc_single(uint8_t opcode, const struct mcbp_subdoc_extras *extras, struct span value,
                        struct mcbp_subdoc_spec *spec);

/*
 * Takes the first spec off the value of a request of the shape LOOKUP or MUTATION. False: there is
 * none, and `value` is unchanged; it is then either empty (the list is complete) or cut short.
 */
bool mcbp_subdoc_spec_next(enum mcbp_subdoc_shape shape, struct span *value,
                           struct mcbp_subdoc_spec *spec);

/* What an answer says of one spec. */
struct mcbp_subdoc_result {
    uint8_t index; /* of the spec; MUTATION only: a lookup has a result for each, in their order */
    uint16_t status;
    struct span value; /* of a MUTATION only if the status is SUCCESS */
};

/* The same of the value of an answer with SUCCESS or one of the statuses SUBDOC_MULTI_... */
bool mcbp_subdoc_result_next(enum mcbp_subdoc_shape shape, struct span *value,
                             struct mcbp_subdoc_result *result);

#endif
