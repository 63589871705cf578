/*
 * The opcodes and what they are called. memcached's are in doc/protocol-binary.txt of
 * memcached/memcached, Couchbase's in docs/BinaryProtocol.md of couchbase/kv_engine. Where both use
 * a number (0x23, 0x24), memcached's name stands.
 */
#ifndef KVREPLAY_MCBP_OPCODE_H
#define KVREPLAY_MCBP_OPCODE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * X(name, number, loud, family, request's extras, request's body, answer's extras, answer's body)
 *
 * `loud` is the opcode that does the same and always answers, `family` one of enum mcbp_family:
 * what is done, and to what. The rest is for form.c: L(size) is a
 * length that extras may have, and a body, apart from extras, is NOTHING or some of KEY, ANY_KEY
 * and VALUE. Of an answer it says what success looks like. 16 bytes of extras behind a change are
 * Couchbase's vBucket UUID and sequence number.
 */
#define MCBP_OPCODES(X)                                                                            \
    X(GET, 0x00, 0x00, RETRIEVE, L(0), KEY, L(4), VALUE)                                           \
    X(SET, 0x01, 0x01, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                            \
    X(ADD, 0x02, 0x02, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                            \
    X(REPLACE, 0x03, 0x03, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                        \
    X(DELETE, 0x04, 0x04, REMOVE, L(0), KEY, L(0) | L(16), NOTHING)                                \
    X(INCREMENT, 0x05, 0x05, COUNT, L(20), KEY, L(0) | L(16), VALUE)                               \
    X(DECREMENT, 0x06, 0x06, COUNT, L(20), KEY, L(0) | L(16), VALUE)                               \
    X(QUIT, 0x07, 0x07, OTHER, L(0), NOTHING, L(0), NOTHING)                                       \
    X(FLUSH, 0x08, 0x08, EMPTY, L(0) | L(4), NOTHING, L(0), NOTHING)                               \
    X(GETQ, 0x09, 0x00, RETRIEVE, L(0), KEY, L(4), VALUE)                                          \
    X(NOOP, 0x0a, 0x0a, OTHER, L(0), NOTHING, L(0), NOTHING)                                       \
    X(VERSION, 0x0b, 0x0b, OTHER, L(0), NOTHING, L(0), VALUE)                                      \
    X(GETK, 0x0c, 0x0c, RETRIEVE, L(0), KEY, L(4), KEY | VALUE)                                    \
    X(GETKQ, 0x0d, 0x0c, RETRIEVE, L(0), KEY, L(4), KEY | VALUE)                                   \
    X(APPEND, 0x0e, 0x0e, CONCATENATE, L(0), KEY | VALUE, L(0) | L(16), NOTHING)                   \
    X(PREPEND, 0x0f, 0x0f, CONCATENATE, L(0), KEY | VALUE, L(0) | L(16), NOTHING)                  \
    X(STAT, 0x10, 0x10, OTHER, L(0), ANY_KEY | VALUE, L(0), ANY_KEY | VALUE)                       \
    X(SETQ, 0x11, 0x01, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                           \
    X(ADDQ, 0x12, 0x02, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                           \
    X(REPLACEQ, 0x13, 0x03, STORE, L(8), KEY | VALUE, L(0) | L(16), NOTHING)                       \
    X(DELETEQ, 0x14, 0x04, REMOVE, L(0), KEY, L(0) | L(16), NOTHING)                               \
    X(INCREMENTQ, 0x15, 0x05, COUNT, L(20), KEY, L(0) | L(16), VALUE)                              \
    X(DECREMENTQ, 0x16, 0x06, COUNT, L(20), KEY, L(0) | L(16), VALUE)                              \
    X(QUITQ, 0x17, 0x07, OTHER, L(0), NOTHING, L(0), NOTHING)                                      \
    X(FLUSHQ, 0x18, 0x08, EMPTY, L(0) | L(4), NOTHING, L(0), NOTHING)                              \
    X(APPENDQ, 0x19, 0x0e, CONCATENATE, L(0), KEY | VALUE, L(0) | L(16), NOTHING)                  \
    X(PREPENDQ, 0x1a, 0x0f, CONCATENATE, L(0), KEY | VALUE, L(0) | L(16), NOTHING)                 \
    X(VERBOSITY, 0x1b, 0x1b, OTHER, L(4), NOTHING, L(0), NOTHING)                                  \
    X(TOUCH, 0x1c, 0x1c, TOUCH, L(4), KEY, L(0) | L(4) | L(16), NOTHING)                           \
    X(GAT, 0x1d, 0x1d, RETRIEVE_TOUCH, L(4), KEY, L(4), VALUE)                                     \
    X(GATQ, 0x1e, 0x1d, RETRIEVE_TOUCH, L(4), KEY, L(4), VALUE)                                    \
    X(HELLO, 0x1f, 0x1f, OTHER, L(0), ANY_KEY | VALUE, L(0), VALUE)                                \
    X(SASL_LIST_MECHS, 0x20, 0x20, AUTHENTICATE, L(0), NOTHING, L(0), VALUE)                       \
    X(SASL_AUTH, 0x21, 0x21, AUTHENTICATE, L(0), KEY | VALUE, L(0), VALUE)                         \
    X(SASL_STEP, 0x22, 0x22, AUTHENTICATE, L(0), KEY | VALUE, L(0), VALUE)                         \
    X(GATK, 0x23, 0x23, RETRIEVE_TOUCH, L(4), KEY, L(4), KEY | VALUE)                              \
    X(GATKQ, 0x24, 0x23, RETRIEVE_TOUCH, L(4), KEY, L(4), KEY | VALUE)                             \
    X(SET_VBUCKET, 0x3d, 0x3d, OTHER, L(0) | L(1) | L(4), VALUE, L(0), NOTHING)                    \
    X(GET_VBUCKET, 0x3e, 0x3e, OTHER, L(0), NOTHING, L(0), VALUE)                                  \
    X(DEL_VBUCKET, 0x3f, 0x3f, OTHER, L(0), VALUE, L(0), NOTHING)                                  \
    X(GET_ALL_VB_SEQNOS, 0x48, 0x48, OTHER, L(0) | L(4) | L(8), NOTHING, L(0), VALUE)              \
    X(DCP_OPEN, 0x50, 0x50, DCP_CONSUMER, L(8), KEY | VALUE, L(0), NOTHING)                        \
    X(DCP_ADD_STREAM, 0x51, 0x51, DCP_CONSUMER, L(4), NOTHING, L(4), NOTHING)                      \
    X(DCP_CLOSE_STREAM, 0x52, 0x52, DCP_CONSUMER, L(0), NOTHING, L(0), NOTHING)                    \
    X(DCP_STREAM_REQ, 0x53, 0x53, DCP_CONSUMER, L(48), VALUE, L(0), VALUE)                         \
    X(DCP_GET_FAILOVER_LOG, 0x54, 0x54, DCP_CONSUMER, L(0), NOTHING, L(0), VALUE)                  \
    X(DCP_STREAM_END, 0x55, 0x55, DCP_PRODUCER, L(4), NOTHING, L(0), NOTHING)                      \
    X(DCP_SNAPSHOT_MARKER, 0x56, 0x56, DCP_PRODUCER, L(1) | L(20), VALUE, L(0), NOTHING)           \
    X(DCP_MUTATION, 0x57, 0x57, DCP_PRODUCER, L(31), KEY | VALUE, L(0), NOTHING)                   \
    X(DCP_DELETION, 0x58, 0x58, DCP_PRODUCER, L(18) | L(21), KEY | VALUE, L(0), NOTHING)           \
    X(DCP_EXPIRATION, 0x59, 0x59, DCP_PRODUCER, L(18) | L(20), KEY | VALUE, L(0), NOTHING)         \
    X(DCP_FLUSH, 0x5a, 0x5a, DCP_PRODUCER, L(0), NOTHING, L(0), NOTHING)                           \
    X(DCP_SET_VBUCKET_STATE, 0x5b, 0x5b, DCP_PRODUCER, L(1), VALUE, L(0), NOTHING)                 \
    X(DCP_NOOP, 0x5c, 0x5c, DCP_EITHER, L(0), NOTHING, L(0), NOTHING)                              \
    X(DCP_BUFFER_ACKNOWLEDGEMENT, 0x5d, 0x5d, DCP_CONSUMER, L(4), NOTHING, L(0), NOTHING)          \
    X(DCP_CONTROL, 0x5e, 0x5e, DCP_CONSUMER, L(0), KEY | VALUE, L(0), NOTHING)                     \
    X(DCP_SYSTEM_EVENT, 0x5f, 0x5f, DCP_PRODUCER, L(13), ANY_KEY | VALUE, L(0), NOTHING)           \
    X(DCP_PREPARE, 0x60, 0x60, DCP_PRODUCER, L(31), KEY | VALUE, L(0), NOTHING)                    \
    X(DCP_SEQNO_ACKNOWLEDGED, 0x61, 0x61, DCP_CONSUMER, L(8), NOTHING, L(0), NOTHING)              \
    X(DCP_COMMIT, 0x62, 0x62, DCP_PRODUCER, L(16), KEY, L(0), NOTHING)                             \
    X(DCP_ABORT, 0x63, 0x63, DCP_PRODUCER, L(16), KEY, L(0), NOTHING)                              \
    X(DCP_SEQNO_ADVANCED, 0x64, 0x64, DCP_PRODUCER, L(8), NOTHING, L(0), NOTHING)                  \
    X(DCP_OSO_SNAPSHOT, 0x65, 0x65, DCP_PRODUCER, L(4), NOTHING, L(0), NOTHING)                    \
    X(STOP_PERSISTENCE, 0x80, 0x80, OTHER, L(0), NOTHING, L(0), NOTHING)                           \
    X(START_PERSISTENCE, 0x81, 0x81, OTHER, L(0), NOTHING, L(0), NOTHING)                          \
    X(SET_PARAM, 0x82, 0x82, OTHER, L(4), KEY | VALUE, L(0), NOTHING)                              \
    X(GET_REPLICA, 0x83, 0x83, OTHER, L(0), KEY, L(4), VALUE)                                      \
    X(CREATE_BUCKET, 0x85, 0x85, OTHER, L(0), KEY | VALUE, L(0), NOTHING)                          \
    X(DELETE_BUCKET, 0x86, 0x86, OTHER, L(0), KEY | VALUE, L(0), NOTHING)                          \
    X(LIST_BUCKETS, 0x87, 0x87, OTHER, L(0), NOTHING, L(0), VALUE)                                 \
    X(SELECT_BUCKET, 0x89, 0x89, OTHER, L(0), ANY_KEY, L(0), NOTHING)                              \
    X(OBSERVE_SEQNO, 0x91, 0x91, OTHER, L(0), VALUE, L(0), VALUE)                                  \
    X(OBSERVE, 0x92, 0x92, OTHER, L(0), VALUE, L(0), VALUE)                                        \
    X(EVICT_KEY, 0x93, 0x93, OTHER, L(0), KEY, L(0), VALUE)                                        \
    X(GET_LOCKED, 0x94, 0x94, OTHER, L(0) | L(4), KEY, L(4), VALUE)                                \
    X(UNLOCK_KEY, 0x95, 0x95, OTHER, L(0), KEY, L(0), NOTHING)                                     \
    X(GET_FAILOVER_LOG, 0x96, 0x96, OTHER, L(0), NOTHING, L(0), VALUE)                             \
    X(GET_META, 0xa0, 0xa0, OTHER, L(0) | L(1), KEY, L(20) | L(21), NOTHING)                       \
    X(GETQ_META, 0xa1, 0xa0, OTHER, L(0) | L(1), KEY, L(20) | L(21), NOTHING)                      \
    X(SET_WITH_META, 0xa2, 0xa2, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE, L(0) | L(16),  \
      NOTHING)                                                                                     \
    X(SETQ_WITH_META, 0xa3, 0xa2, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE, L(0) | L(16), \
      NOTHING)                                                                                     \
    X(ADD_WITH_META, 0xa4, 0xa4, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE, L(0) | L(16),  \
      NOTHING)                                                                                     \
    X(ADDQ_WITH_META, 0xa5, 0xa4, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE, L(0) | L(16), \
      NOTHING)                                                                                     \
    X(DELETE_WITH_META, 0xa8, 0xa8, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE,             \
      L(0) | L(16), NOTHING)                                                                       \
    X(DELETEQ_WITH_META, 0xa9, 0xa8, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE,            \
      L(0) | L(16), NOTHING)                                                                       \
    X(GET_CLUSTER_CONFIG, 0xb5, 0xb5, OTHER, L(0) | L(16), NOTHING, L(0), VALUE)                   \
    X(GET_RANDOM_KEY, 0xb6, 0xb6, OTHER, L(0) | L(4) | L(5), NOTHING, L(4), KEY | VALUE)           \
    X(SEQNO_PERSISTENCE, 0xb7, 0xb7, OTHER, L(0) | L(8), VALUE, L(0), NOTHING)                     \
    X(GET_KEYS, 0xb8, 0xb8, OTHER, L(0) | L(4), KEY, L(0), VALUE)                                  \
    X(COLLECTIONS_SET_MANIFEST, 0xb9, 0xb9, OTHER, L(0), VALUE, L(0), VALUE)                       \
    X(COLLECTIONS_GET_MANIFEST, 0xba, 0xba, OTHER, L(0), NOTHING, L(0), VALUE)                     \
    X(COLLECTIONS_GET_ID, 0xbb, 0xbb, OTHER, L(0), ANY_KEY | VALUE, L(12), NOTHING)                \
    X(COLLECTIONS_GET_SCOPE_ID, 0xbc, 0xbc, OTHER, L(0), ANY_KEY | VALUE, L(12), NOTHING)          \
    X(SUBDOC_GET, 0xc5, 0xc5, OTHER, L(3) | L(4), KEY | VALUE, L(0), VALUE)                        \
    X(SUBDOC_EXISTS, 0xc6, 0xc6, OTHER, L(3) | L(4), KEY | VALUE, L(0), VALUE)                     \
    X(SUBDOC_DICT_ADD, 0xc7, 0xc7, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12), KEY | VALUE,  \
      L(0) | L(16), VALUE)                                                                         \
    X(SUBDOC_DICT_UPSERT, 0xc8, 0xc8, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12),            \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_DELETE, 0xc9, 0xc9, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12), KEY | VALUE,    \
      L(0) | L(16), VALUE)                                                                         \
    X(SUBDOC_REPLACE, 0xca, 0xca, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12), KEY | VALUE,   \
      L(0) | L(16), VALUE)                                                                         \
    X(SUBDOC_ARRAY_PUSH_LAST, 0xcb, 0xcb, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12),        \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_ARRAY_PUSH_FIRST, 0xcc, 0xcc, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12),       \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_ARRAY_INSERT, 0xcd, 0xcd, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12),           \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_ARRAY_ADD_UNIQUE, 0xce, 0xce, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12),       \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_COUNTER, 0xcf, 0xcf, OTHER, L(3) | L(4) | L(7) | L(8) | L(11) | L(12), KEY | VALUE,   \
      L(0) | L(16), VALUE)                                                                         \
    X(SUBDOC_MULTI_LOOKUP, 0xd0, 0xd0, OTHER, L(0) | L(1), KEY | VALUE, L(0), VALUE)               \
    X(SUBDOC_MULTI_MUTATION, 0xd1, 0xd1, OTHER, L(0) | L(1) | L(4) | L(5) | L(8) | L(9),           \
      KEY | VALUE, L(0) | L(16), VALUE)                                                            \
    X(SUBDOC_GET_COUNT, 0xd2, 0xd2, OTHER, L(3) | L(4), KEY | VALUE, L(0), VALUE)                  \
    X(RANGE_SCAN_CREATE, 0xda, 0xda, OTHER, L(0), VALUE, L(0), VALUE)                              \
    X(RANGE_SCAN_CONTINUE, 0xdb, 0xdb, OTHER, L(28), NOTHING, L(4), VALUE)                         \
    X(RANGE_SCAN_CANCEL, 0xdc, 0xdc, OTHER, L(16), NOTHING, L(0), NOTHING)                         \
    X(GET_ERROR_MAP, 0xfe, 0xfe, OTHER, L(0), VALUE, L(0), VALUE)

#define MCBP_OPCODE_ENUM(name, number, ...) MCBP_##name = (number),
enum mcbp_opcode { MCBP_OPCODES(MCBP_OPCODE_ENUM) };
#undef MCBP_OPCODE_ENUM

/* What opcodes do alike. */
enum mcbp_family {
    MCBP_FAMILY_OTHER,          /* also of a number without a name */
    MCBP_FAMILY_RETRIEVE,       /* an item */
    MCBP_FAMILY_RETRIEVE_TOUCH, /* and sets its expiry */
    MCBP_FAMILY_TOUCH,          /* its expiry, and nothing else */
    MCBP_FAMILY_STORE,          /* a value, whatever there was */
    MCBP_FAMILY_CONCATENATE,    /* to the value that is there */
    MCBP_FAMILY_COUNT,          /* a number up or down, or make it */
    MCBP_FAMILY_REMOVE,         /* an item */
    MCBP_FAMILY_EMPTY,          /* the store */
    MCBP_FAMILY_AUTHENTICATE,   /* by SASL */
    MCBP_FAMILY_DCP_CONSUMER,   /* what the consumer of a stream asks, the client */
    MCBP_FAMILY_DCP_PRODUCER,   /* what the producer sends as requests, the server */
    MCBP_FAMILY_DCP_EITHER,
};

enum { MCBP_OPCODE_TEXT_SIZE = 40 };

/*
 * The opcode's name, e.g. "GETQ"; server requests (magic 0x82, 0x83) have names of their own. One
 * that has no name is written as "0x3a" into `text`, and text is returned. Static otherwise.
 */
const char *mcbp_opcode_text(uint8_t magic, uint8_t opcode, char text[MCBP_OPCODE_TEXT_SIZE]);

/* Finds the client opcode of that name, in any case, or written as a number ("0x3a"). */
bool mcbp_opcode_find(const char *text, uint8_t *opcode);

/* The opcode that does the same and always answers: SET for SETQ, SET for SET. */
uint8_t mcbp_opcode_loud(uint8_t opcode);

/* True for an opcode that doesn't always answer: SETQ only on failure, GETQ only on a hit. */
bool mcbp_opcode_is_quiet(uint8_t opcode);

enum mcbp_family mcbp_opcode_family(uint8_t opcode);

/* True for the opcodes that change an item: its value, its expiry, or that it is there. */
bool mcbp_opcode_changes(uint8_t opcode);

/* True for those about one key's item. */
bool mcbp_opcode_is_keyed(uint8_t opcode);

/* True for those whose success gives the item another CAS. */
bool mcbp_opcode_makes_version(uint8_t opcode);

/* True for those that answer with the item. */
bool mcbp_opcode_retrieves(uint8_t opcode);

bool mcbp_opcode_counts(uint8_t opcode);
bool mcbp_opcode_concatenates(uint8_t opcode);

/* True for what a producer of DCP, the server, sends as requests; of NOOP the consumer does so too.
 */
bool mcbp_opcode_is_producers(uint8_t opcode);

/* True for the numbers that memcached has given meanings, or may: all but HELLO up to GATKQ. */
bool mcbp_opcode_is_memcacheds(uint8_t opcode);

/* True for FLUSH and FLUSHQ. */
bool mcbp_opcode_empties(uint8_t opcode);

enum { MCBP_NO_EXPIRY = -1 };

/* Where a request's extras have its time of expiry, 4 bytes, if they have one. */
int mcbp_opcode_expiry_offset(uint8_t opcode);

#endif
