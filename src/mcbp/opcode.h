/*
 * The opcodes and what they are called. memcached's are in doc/protocol-binary.txt of
 * memcached/memcached, Couchbase's in docs/BinaryProtocol.md of couchbase/kv_engine. Where both use
 * a number (0x23, 0x24), memcached's name stands.
 */
#ifndef KVREPLAY_MCBP_OPCODE_H
#define KVREPLAY_MCBP_OPCODE_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, number, loud): `loud` is the opcode that does the same and always answers. */
#define MCBP_OPCODES(X)                                                                            \
    X(GET, 0x00, 0x00)                                                                             \
    X(SET, 0x01, 0x01)                                                                             \
    X(ADD, 0x02, 0x02)                                                                             \
    X(REPLACE, 0x03, 0x03)                                                                         \
    X(DELETE, 0x04, 0x04)                                                                          \
    X(INCREMENT, 0x05, 0x05)                                                                       \
    X(DECREMENT, 0x06, 0x06)                                                                       \
    X(QUIT, 0x07, 0x07)                                                                            \
    X(FLUSH, 0x08, 0x08)                                                                           \
    X(GETQ, 0x09, 0x00)                                                                            \
    X(NOOP, 0x0a, 0x0a)                                                                            \
    X(VERSION, 0x0b, 0x0b)                                                                         \
    X(GETK, 0x0c, 0x0c)                                                                            \
    X(GETKQ, 0x0d, 0x0c)                                                                           \
    X(APPEND, 0x0e, 0x0e)                                                                          \
    X(PREPEND, 0x0f, 0x0f)                                                                         \
    X(STAT, 0x10, 0x10)                                                                            \
    X(SETQ, 0x11, 0x01)                                                                            \
    X(ADDQ, 0x12, 0x02)                                                                            \
    X(REPLACEQ, 0x13, 0x03)                                                                        \
    X(DELETEQ, 0x14, 0x04)                                                                         \
    X(INCREMENTQ, 0x15, 0x05)                                                                      \
    X(DECREMENTQ, 0x16, 0x06)                                                                      \
    X(QUITQ, 0x17, 0x07)                                                                           \
    X(FLUSHQ, 0x18, 0x08)                                                                          \
    X(APPENDQ, 0x19, 0x0e)                                                                         \
    X(PREPENDQ, 0x1a, 0x0f)                                                                        \
    X(VERBOSITY, 0x1b, 0x1b)                                                                       \
    X(TOUCH, 0x1c, 0x1c)                                                                           \
    X(GAT, 0x1d, 0x1d)                                                                             \
    X(GATQ, 0x1e, 0x1d)                                                                            \
    X(HELLO, 0x1f, 0x1f)                                                                           \
    X(SASL_LIST_MECHS, 0x20, 0x20)                                                                 \
    X(SASL_AUTH, 0x21, 0x21)                                                                       \
    X(SASL_STEP, 0x22, 0x22)                                                                       \
    X(GATK, 0x23, 0x23)                                                                            \
    X(GATKQ, 0x24, 0x23)                                                                           \
    X(SET_VBUCKET, 0x3d, 0x3d)                                                                     \
    X(GET_VBUCKET, 0x3e, 0x3e)                                                                     \
    X(DEL_VBUCKET, 0x3f, 0x3f)                                                                     \
    X(GET_ALL_VB_SEQNOS, 0x48, 0x48)                                                               \
    X(DCP_OPEN, 0x50, 0x50)                                                                        \
    X(DCP_ADD_STREAM, 0x51, 0x51)                                                                  \
    X(DCP_CLOSE_STREAM, 0x52, 0x52)                                                                \
    X(DCP_STREAM_REQ, 0x53, 0x53)                                                                  \
    X(DCP_GET_FAILOVER_LOG, 0x54, 0x54)                                                            \
    X(DCP_STREAM_END, 0x55, 0x55)                                                                  \
    X(DCP_SNAPSHOT_MARKER, 0x56, 0x56)                                                             \
    X(DCP_MUTATION, 0x57, 0x57)                                                                    \
    X(DCP_DELETION, 0x58, 0x58)                                                                    \
    X(DCP_EXPIRATION, 0x59, 0x59)                                                                  \
    X(DCP_FLUSH, 0x5a, 0x5a)                                                                       \
    X(DCP_SET_VBUCKET_STATE, 0x5b, 0x5b)                                                           \
    X(DCP_NOOP, 0x5c, 0x5c)                                                                        \
    X(DCP_BUFFER_ACKNOWLEDGEMENT, 0x5d, 0x5d)                                                      \
    X(DCP_CONTROL, 0x5e, 0x5e)                                                                     \
    X(DCP_SYSTEM_EVENT, 0x5f, 0x5f)                                                                \
    X(DCP_PREPARE, 0x60, 0x60)                                                                     \
    X(DCP_SEQNO_ACKNOWLEDGED, 0x61, 0x61)                                                          \
    X(DCP_COMMIT, 0x62, 0x62)                                                                      \
    X(DCP_ABORT, 0x63, 0x63)                                                                       \
    X(DCP_SEQNO_ADVANCED, 0x64, 0x64)                                                              \
    X(DCP_OSO_SNAPSHOT, 0x65, 0x65)                                                                \
    X(STOP_PERSISTENCE, 0x80, 0x80)                                                                \
    X(START_PERSISTENCE, 0x81, 0x81)                                                               \
    X(SET_PARAM, 0x82, 0x82)                                                                       \
    X(GET_REPLICA, 0x83, 0x83)                                                                     \
    X(CREATE_BUCKET, 0x85, 0x85)                                                                   \
    X(DELETE_BUCKET, 0x86, 0x86)                                                                   \
    X(LIST_BUCKETS, 0x87, 0x87)                                                                    \
    X(SELECT_BUCKET, 0x89, 0x89)                                                                   \
    X(OBSERVE_SEQNO, 0x91, 0x91)                                                                   \
    X(OBSERVE, 0x92, 0x92)                                                                         \
    X(EVICT_KEY, 0x93, 0x93)                                                                       \
    X(GET_LOCKED, 0x94, 0x94)                                                                      \
    X(UNLOCK_KEY, 0x95, 0x95)                                                                      \
    X(GET_FAILOVER_LOG, 0x96, 0x96)                                                                \
    X(GET_META, 0xa0, 0xa0)                                                                        \
    X(GETQ_META, 0xa1, 0xa0)                                                                       \
    X(SET_WITH_META, 0xa2, 0xa2)                                                                   \
    X(SETQ_WITH_META, 0xa3, 0xa2)                                                                  \
    X(ADD_WITH_META, 0xa4, 0xa4)                                                                   \
    X(ADDQ_WITH_META, 0xa5, 0xa4)                                                                  \
    X(DELETE_WITH_META, 0xa8, 0xa8)                                                                \
    X(DELETEQ_WITH_META, 0xa9, 0xa8)                                                               \
    X(GET_CLUSTER_CONFIG, 0xb5, 0xb5)                                                              \
    X(GET_RANDOM_KEY, 0xb6, 0xb6)                                                                  \
    X(SEQNO_PERSISTENCE, 0xb7, 0xb7)                                                               \
    X(GET_KEYS, 0xb8, 0xb8)                                                                        \
    X(COLLECTIONS_SET_MANIFEST, 0xb9, 0xb9)                                                        \
    X(COLLECTIONS_GET_MANIFEST, 0xba, 0xba)                                                        \
    X(COLLECTIONS_GET_ID, 0xbb, 0xbb)                                                              \
    X(COLLECTIONS_GET_SCOPE_ID, 0xbc, 0xbc)                                                        \
    X(SUBDOC_GET, 0xc5, 0xc5)                                                                      \
    X(SUBDOC_EXISTS, 0xc6, 0xc6)                                                                   \
    X(SUBDOC_DICT_ADD, 0xc7, 0xc7)                                                                 \
    X(SUBDOC_DICT_UPSERT, 0xc8, 0xc8)                                                              \
    X(SUBDOC_DELETE, 0xc9, 0xc9)                                                                   \
    X(SUBDOC_REPLACE, 0xca, 0xca)                                                                  \
    X(SUBDOC_ARRAY_PUSH_LAST, 0xcb, 0xcb)                                                          \
    X(SUBDOC_ARRAY_PUSH_FIRST, 0xcc, 0xcc)                                                         \
    X(SUBDOC_ARRAY_INSERT, 0xcd, 0xcd)                                                             \
    X(SUBDOC_ARRAY_ADD_UNIQUE, 0xce, 0xce)                                                         \
    X(SUBDOC_COUNTER, 0xcf, 0xcf)                                                                  \
    X(SUBDOC_MULTI_LOOKUP, 0xd0, 0xd0)                                                             \
    X(SUBDOC_MULTI_MUTATION, 0xd1, 0xd1)                                                           \
    X(SUBDOC_GET_COUNT, 0xd2, 0xd2)                                                                \
    X(RANGE_SCAN_CREATE, 0xda, 0xda)                                                               \
    X(RANGE_SCAN_CONTINUE, 0xdb, 0xdb)                                                             \
    X(RANGE_SCAN_CANCEL, 0xdc, 0xdc)                                                               \
    X(GET_ERROR_MAP, 0xfe, 0xfe)

#define MCBP_OPCODE_ENUM(name, number, loud) MCBP_##name = (number),
enum mcbp_opcode { MCBP_OPCODES(MCBP_OPCODE_ENUM) };
#undef MCBP_OPCODE_ENUM

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

/* True for the opcodes that only a DCP producer, the server, sends as requests. */
bool mcbp_opcode_is_dcp_message(uint8_t opcode);

#endif
