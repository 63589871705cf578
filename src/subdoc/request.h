/*
 * The requests of subdocument commands, and the values of their answers: couchbase/kv_engine,
 * daemon/subdocument_validators.cc, subdocument_traits.h, subdocument_parser.h and subdocument.cc.
 */
#ifndef KVREPLAY_SUBDOC_REQUEST_H
#define KVREPLAY_SUBDOC_REQUEST_H

#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

struct buffer;

enum {
    SUBDOC_SPECS = 16,
    SUBDOC_PATH_SIZE = 1024,
};

struct subdoc_request {
    struct mcbp_subdoc_spec specs[SUBDOC_SPECS]; /* they point into the request; a single command's
                                                  * is the only one */
    size_t count;
    size_t xattr_count; /* how many, before all others, are about extended attributes */
    bool is_multi;
    bool is_mutation;
    struct mcbp_subdoc_extras extras; /* a server does not see the expiry in 12 bytes of them: 0 */
    const char *context; /* why it was refused, in the server's words, or NULL; static */
};

/* What a request is parsed from. */
struct subdoc_input {
    uint8_t opcode;
    struct span extras;
    struct span value;
    uint64_t cas;
    bool has_xattrs; /* HELLO has granted them, and the bucket has them */
};

/*
 * SUCCESS, or what a server refuses the request with before it looks at the document:
 * INVALID_ARGUMENTS, NOT_SUPPORTED, XATTR_INVALID, and of SUBDOC_: INVALID_COMBINATION,
 * INVALID_XATTR_ORDER, XATTR_INVALID_FLAG_COMBINATION, XATTR_UNKNOWN_MACRO,
 * XATTR_CANNOT_MODIFY_VATTR. `request` is whole only on success, but for its context. The key, the
 * vBucket, the CAS of a lookup and the datatype are the caller's to check, and that what says it is
 * in base64 is.
 */
enum mcbp_status subdoc_request_parse(const struct subdoc_input *input,
                                      struct subdoc_request *request);

/* Whether the spec makes parents: its own flag, or one of the document's, which imply it. */
bool subdoc_makes_parents(const struct subdoc_request *request,
                          const struct mcbp_subdoc_spec *spec);

/*
 * What the operations work on where the request creates the document: `{}`, or `[]` where the path
 * of the first one, also if that is about an extended attribute, begins with an index or is that of
 * an array; nothing, which is no JSON, for a document that is set as a whole or created as deleted.
 * Static.
 */
struct span subdoc_new_document(const struct subdoc_request *request);

/* A command of one path. */
bool subdoc_is_single(uint8_t opcode);

/* Answers to it have a value; of a multi form: its result has one. */
bool subdoc_has_result(uint8_t opcode);

/* Adds the result of one spec of a lookup, which each of them has. False: no memory. */
bool subdoc_add_lookup_result(struct buffer *value, uint16_t status, struct span result);

/* Adds the result of one spec of a mutation that went well, of one that has_result(), or if a spec
 * did not, of the first such one and no other (`result` is empty then). False: no memory. */
bool subdoc_add_mutation_result(struct buffer *value, uint8_t index, uint16_t status,
                                struct span result);

/* The length of the extended attribute's name at the beginning of a path; 0 if it is none. */
size_t subdoc_xattr_name_size(struct span path);

#endif
