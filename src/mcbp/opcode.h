/*
 * The opcodes and what they are called. memcached's are in doc/protocol-binary.txt of
 * memcached/memcached, Couchbase's in include/mcbp/protocol/opcode.h of couchbase/kv_engine, those
 * that it has given up included: of them only the name is known here, and a form without a body.
 * Where both use a number (0x23, 0x24), memcached's name stands in the table.
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
 * length that extras may have, and a body, apart from extras, is NOTHING or some of KEY (of a
 * document), NAME (of something else), ANY_KEY (a name that may be left out) and VALUE. Of an
 * answer it says what success looks like. 16 bytes of extras behind a change are Couchbase's
 * vBucket UUID and sequence number.
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
    X(SASL_AUTH, 0x21, 0x21, AUTHENTICATE, L(0), NAME | VALUE, L(0), VALUE)                        \
    X(SASL_STEP, 0x22, 0x22, AUTHENTICATE, L(0), NAME | VALUE, L(0), VALUE)                        \
    X(GATK, 0x23, 0x23, RETRIEVE_TOUCH, L(4), KEY, L(4), KEY | VALUE)                              \
    X(GATKQ, 0x24, 0x23, RETRIEVE_TOUCH, L(4), KEY, L(4), KEY | VALUE)                             \
    X(CONFIG_VALIDATE, 0x25, 0x25, OTHER, L(0), VALUE, L(0), NOTHING)                              \
    X(CONFIG_RELOAD, 0x26, 0x26, OTHER, L(0), NOTHING, L(0), NOTHING)                              \
    X(AUDIT_PUT, 0x27, 0x27, OTHER, L(4), VALUE, L(0), NOTHING)                                    \
    X(AUDIT_CONFIG_RELOAD, 0x28, 0x28, OTHER, L(0), NOTHING, L(0), NOTHING)                        \
    X(SHUTDOWN, 0x29, 0x29, OTHER, L(0), NOTHING, L(0), NOTHING)                                   \
    X(SET_BUCKET_THROTTLE_PROPERTIES, 0x2a, 0x2a, OTHER, L(0), NAME | VALUE, L(0), NOTHING)        \
    X(SET_BUCKET_DATA_LIMIT_EXCEEDED, 0x2b, 0x2b, OTHER, L(2), NAME, L(0), NOTHING)                \
    X(SET_NODE_THROTTLE_PROPERTIES, 0x2c, 0x2c, OTHER, L(0), VALUE, L(0), NOTHING)                 \
    X(SET_ACTIVE_ENCRYPTION_KEYS, 0x2d, 0x2d, OTHER, L(0), NAME | VALUE, L(0), NOTHING)            \
    X(PRUNE_ENCRYPTION_KEYS, 0x2e, 0x2e, OTHER, L(0), NAME | VALUE, L(0), NOTHING)                 \
    X(REGISTER_AUTH_TOKEN, 0x2f, 0x2f, OTHER, L(0), VALUE, L(0), NOTHING)                          \
    X(RGET, 0x30, 0x30, OTHER, L(0), NOTHING, L(0), NOTHING)                                       \
    X(RSET, 0x31, 0x31, OTHER, L(0), NOTHING, L(0), NOTHING)                                       \
    X(RSETQ, 0x32, 0x31, OTHER, L(0), NOTHING, L(0), NOTHING)                                      \
    X(RAPPEND, 0x33, 0x33, OTHER, L(0), NOTHING, L(0), NOTHING)                                    \
    X(RAPPENDQ, 0x34, 0x33, OTHER, L(0), NOTHING, L(0), NOTHING)                                   \
    X(RPREPEND, 0x35, 0x35, OTHER, L(0), NOTHING, L(0), NOTHING)                                   \
    X(RPREPENDQ, 0x36, 0x35, OTHER, L(0), NOTHING, L(0), NOTHING)                                  \
    X(RDELETE, 0x37, 0x37, OTHER, L(0), NOTHING, L(0), NOTHING)                                    \
    X(RDELETEQ, 0x38, 0x37, OTHER, L(0), NOTHING, L(0), NOTHING)                                   \
    X(RINCR, 0x39, 0x39, OTHER, L(0), NOTHING, L(0), NOTHING)                                      \
    X(RINCRQ, 0x3a, 0x39, OTHER, L(0), NOTHING, L(0), NOTHING)                                     \
    X(RDECR, 0x3b, 0x3b, OTHER, L(0), NOTHING, L(0), NOTHING)                                      \
    X(RDECRQ, 0x3c, 0x3b, OTHER, L(0), NOTHING, L(0), NOTHING)                                     \
    X(SET_VBUCKET, 0x3d, 0x3d, OTHER, L(0) | L(1) | L(4), VALUE, L(0), NOTHING)                    \
    X(GET_VBUCKET, 0x3e, 0x3e, OTHER, L(0), NOTHING, L(0), VALUE)                                  \
    X(DEL_VBUCKET, 0x3f, 0x3f, OTHER, L(0), VALUE, L(0), NOTHING)                                  \
    X(TAP_CONNECT, 0x40, 0x40, OTHER, L(0), NOTHING, L(0), NOTHING)                                \
    X(TAP_MUTATION, 0x41, 0x41, OTHER, L(0), NOTHING, L(0), NOTHING)                               \
    X(TAP_DELETE, 0x42, 0x42, OTHER, L(0), NOTHING, L(0), NOTHING)                                 \
    X(TAP_FLUSH, 0x43, 0x43, OTHER, L(0), NOTHING, L(0), NOTHING)                                  \
    X(TAP_OPAQUE, 0x44, 0x44, OTHER, L(0), NOTHING, L(0), NOTHING)                                 \
    X(TAP_VBUCKET_SET, 0x45, 0x45, OTHER, L(0), NOTHING, L(0), NOTHING)                            \
    X(TAP_CHECKPOINT_START, 0x46, 0x46, OTHER, L(0), NOTHING, L(0), NOTHING)                       \
    X(TAP_CHECKPOINT_END, 0x47, 0x47, OTHER, L(0), NOTHING, L(0), NOTHING)                         \
    X(GET_ALL_VB_SEQNOS, 0x48, 0x48, OTHER, L(0) | L(4) | L(8), NOTHING, L(0), VALUE)              \
    X(GET_EX, 0x49, 0x49, OTHER, L(0), KEY, L(4), VALUE)                                           \
    X(GET_EX_REPLICA, 0x4a, 0x4a, OTHER, L(0), KEY, L(4), VALUE)                                   \
    X(MUTATE_WITH_META, 0x4b, 0x4b, OTHER, L(4), KEY | VALUE, L(0) | L(16), NOTHING)               \
    X(DCP_OPEN, 0x50, 0x50, DCP_CONSUMER, L(8), NAME | VALUE, L(0), NOTHING)                       \
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
    X(DCP_CONTROL, 0x5e, 0x5e, DCP_CONSUMER, L(0), NAME | VALUE, L(0), NOTHING)                    \
    X(DCP_SYSTEM_EVENT, 0x5f, 0x5f, DCP_PRODUCER, L(13), ANY_KEY | VALUE, L(0), NOTHING)           \
    X(DCP_PREPARE, 0x60, 0x60, DCP_PRODUCER, L(31), KEY | VALUE, L(0), NOTHING)                    \
    X(DCP_SEQNO_ACKNOWLEDGED, 0x61, 0x61, DCP_CONSUMER, L(8), NOTHING, L(0), NOTHING)              \
    X(DCP_COMMIT, 0x62, 0x62, DCP_PRODUCER, L(16), KEY, L(0), NOTHING)                             \
    X(DCP_ABORT, 0x63, 0x63, DCP_PRODUCER, L(16), KEY, L(0), NOTHING)                              \
    X(DCP_SEQNO_ADVANCED, 0x64, 0x64, DCP_PRODUCER, L(8), NOTHING, L(0), NOTHING)                  \
    X(DCP_OSO_SNAPSHOT, 0x65, 0x65, DCP_PRODUCER, L(4), NOTHING, L(0), NOTHING)                    \
    X(DCP_CACHE_TRANSFER, 0x66, 0x66, DCP_PRODUCER, L(0), VALUE, L(0), NOTHING)                    \
    X(DCP_CACHE_TRANSFER_END, 0x67, 0x67, DCP_PRODUCER, L(0), NOTHING, L(0), NOTHING)              \
    X(GET_FUSION_STORAGE_SNAPSHOT, 0x70, 0x70, OTHER, L(0), VALUE, L(0), VALUE)                    \
    X(RELEASE_FUSION_STORAGE_SNAPSHOT, 0x71, 0x71, OTHER, L(0), VALUE, L(0), NOTHING)              \
    X(MOUNT_FUSION_VBUCKET, 0x72, 0x72, OTHER, L(0), VALUE, L(0), VALUE)                           \
    X(UNMOUNT_FUSION_VBUCKET, 0x73, 0x73, OTHER, L(0), NOTHING, L(0), NOTHING)                     \
    X(SYNC_FUSION_LOGSTORE, 0x74, 0x74, OTHER, L(0), VALUE, L(0), NOTHING)                         \
    X(START_FUSION_UPLOADER, 0x75, 0x75, OTHER, L(0), VALUE, L(0), NOTHING)                        \
    X(STOP_FUSION_UPLOADER, 0x76, 0x76, OTHER, L(0), NOTHING, L(0), NOTHING)                       \
    X(DELETE_FUSION_NAMESPACE, 0x77, 0x77, OTHER, L(0), VALUE, L(0), NOTHING)                      \
    X(GET_FUSION_NAMESPACES, 0x78, 0x78, OTHER, L(0), VALUE, L(0), VALUE)                          \
    X(CREATE_FUSION_NAMESPACE, 0x79, 0x79, OTHER, L(0), VALUE, L(0), NOTHING)                      \
    X(STOP_PERSISTENCE, 0x80, 0x80, OTHER, L(0), NOTHING, L(0), NOTHING)                           \
    X(START_PERSISTENCE, 0x81, 0x81, OTHER, L(0), NOTHING, L(0), NOTHING)                          \
    X(SET_PARAM, 0x82, 0x82, OTHER, L(4), NAME | VALUE, L(0), NOTHING)                             \
    X(GET_REPLICA, 0x83, 0x83, OTHER, L(0), KEY, L(4), VALUE)                                      \
    X(SET_CHRONICLE_AUTH_TOKEN, 0x84, 0x84, OTHER, L(0), VALUE, L(0), NOTHING)                     \
    X(CREATE_BUCKET, 0x85, 0x85, OTHER, L(0), NAME | VALUE, L(0), NOTHING)                         \
    X(DELETE_BUCKET, 0x86, 0x86, OTHER, L(0), NAME | VALUE, L(0), NOTHING)                         \
    X(LIST_BUCKETS, 0x87, 0x87, OTHER, L(0), NOTHING, L(0), VALUE)                                 \
    X(SELECT_BUCKET, 0x89, 0x89, OTHER, L(0), ANY_KEY, L(0), NOTHING)                              \
    X(PAUSE_BUCKET, 0x8a, 0x8a, OTHER, L(0), ANY_KEY, L(0), NOTHING)                               \
    X(RESUME_BUCKET, 0x8b, 0x8b, OTHER, L(0), ANY_KEY, L(0), NOTHING)                              \
    X(VALIDATE_BUCKET_CONFIG, 0x8c, 0x8c, OTHER, L(0), VALUE, L(0), VALUE)                         \
    X(OBSERVE_SEQNO, 0x91, 0x91, OTHER, L(0), VALUE, L(0), VALUE)                                  \
    X(OBSERVE, 0x92, 0x92, OTHER, L(0), VALUE, L(0), VALUE)                                        \
    X(EVICT_KEY, 0x93, 0x93, OTHER, L(0), KEY, L(0), VALUE)                                        \
    X(GET_LOCKED, 0x94, 0x94, OTHER, L(0) | L(4), KEY, L(4), VALUE)                                \
    X(UNLOCK_KEY, 0x95, 0x95, OTHER, L(0), KEY, L(0), NOTHING)                                     \
    X(GET_FAILOVER_LOG, 0x96, 0x96, OTHER, L(0), NOTHING, L(0), VALUE)                             \
    X(LAST_CLOSED_CHECKPOINT, 0x97, 0x97, OTHER, L(0), NOTHING, L(0), NOTHING)                     \
    X(DEREGISTER_TAP_CLIENT, 0x9e, 0x9e, OTHER, L(0), NOTHING, L(0), NOTHING)                      \
    X(RESET_REPLICATION_CHAIN, 0x9f, 0x9f, OTHER, L(0), NOTHING, L(0), NOTHING)                    \
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
    X(SNAPSHOT_VB_STATES, 0xa6, 0xa6, OTHER, L(0), NOTHING, L(0), NOTHING)                         \
    X(VBUCKET_BATCH_COUNT, 0xa7, 0xa7, OTHER, L(0), NOTHING, L(0), NOTHING)                        \
    X(DELETE_WITH_META, 0xa8, 0xa8, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE,             \
      L(0) | L(16), NOTHING)                                                                       \
    X(DELETEQ_WITH_META, 0xa9, 0xa8, OTHER, L(24) | L(26) | L(28) | L(30), KEY | VALUE,            \
      L(0) | L(16), NOTHING)                                                                       \
    X(CREATE_CHECKPOINT, 0xaa, 0xaa, OTHER, L(0), NOTHING, L(0), NOTHING)                          \
    X(NOTIFY_VBUCKET_UPDATE, 0xac, 0xac, OTHER, L(0), NOTHING, L(0), NOTHING)                      \
    X(ENABLE_TRAFFIC, 0xad, 0xad, OTHER, L(0), NOTHING, L(0), NOTHING)                             \
    X(DISABLE_TRAFFIC, 0xae, 0xae, OTHER, L(0), NOTHING, L(0), NOTHING)                            \
    X(IFCONFIG, 0xaf, 0xaf, OTHER, L(0), NAME | VALUE, L(0), VALUE)                                \
    X(CHANGE_VB_FILTER, 0xb0, 0xb0, OTHER, L(0), NOTHING, L(0), NOTHING)                           \
    X(CHECKPOINT_PERSISTENCE, 0xb1, 0xb1, OTHER, L(0), NOTHING, L(0), NOTHING)                     \
    X(RETURN_META, 0xb2, 0xb2, OTHER, L(12), KEY | VALUE, L(0) | L(16), NOTHING)                   \
    X(COMPACT_DB, 0xb3, 0xb3, OTHER, L(24), VALUE, L(0), NOTHING)                                  \
    X(SET_CLUSTER_CONFIG, 0xb4, 0xb4, OTHER, L(16), ANY_KEY | VALUE, L(0), NOTHING)                \
    X(GET_CLUSTER_CONFIG, 0xb5, 0xb5, OTHER, L(0) | L(16), NOTHING, L(0), VALUE)                   \
    X(GET_RANDOM_KEY, 0xb6, 0xb6, OTHER, L(0) | L(4) | L(5), NOTHING, L(4), KEY | VALUE)           \
    X(SEQNO_PERSISTENCE, 0xb7, 0xb7, OTHER, L(0) | L(8), VALUE, L(0), NOTHING)                     \
    X(GET_KEYS, 0xb8, 0xb8, OTHER, L(0) | L(4), KEY, L(0), VALUE)                                  \
    X(COLLECTIONS_SET_MANIFEST, 0xb9, 0xb9, OTHER, L(0), VALUE, L(0), VALUE)                       \
    X(COLLECTIONS_GET_MANIFEST, 0xba, 0xba, OTHER, L(0), NOTHING, L(0), VALUE)                     \
    X(COLLECTIONS_GET_ID, 0xbb, 0xbb, OTHER, L(0), ANY_KEY | VALUE, L(12), NOTHING)                \
    X(COLLECTIONS_GET_SCOPE_ID, 0xbc, 0xbc, OTHER, L(0), ANY_KEY | VALUE, L(12), NOTHING)          \
    X(SET_DRIFT_COUNTER_STATE, 0xc1, 0xc1, OTHER, L(0), NOTHING, L(0), NOTHING)                    \
    X(GET_ADJUSTED_TIME, 0xc2, 0xc2, OTHER, L(0), NOTHING, L(0), NOTHING)                          \
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
    X(SUBDOC_REPLACE_BODY_WITH_XATTR, 0xd3, 0xd3, OTHER,                                           \
      L(3) | L(4) | L(7) | L(8) | L(11) | L(12), KEY | VALUE, L(0) | L(16), VALUE)                 \
    X(RANGE_SCAN_CREATE, 0xda, 0xda, OTHER, L(0), VALUE, L(0), VALUE)                              \
    X(RANGE_SCAN_CONTINUE, 0xdb, 0xdb, OTHER, L(28), NOTHING, L(4), VALUE)                         \
    X(RANGE_SCAN_CANCEL, 0xdc, 0xdc, OTHER, L(16), NOTHING, L(0), NOTHING)                         \
    X(PREPARE_SNAPSHOT, 0xe0, 0xe0, OTHER, L(0), VALUE, L(0), VALUE)                               \
    X(RELEASE_SNAPSHOT, 0xe1, 0xe1, OTHER, L(0), ANY_KEY, L(0), NOTHING)                           \
    X(DOWNLOAD_SNAPSHOT, 0xe2, 0xe2, OTHER, L(0), VALUE, L(0), VALUE)                              \
    X(GET_FILE_FRAGMENT, 0xe3, 0xe3, OTHER, L(0), NAME | VALUE, L(0) | L(4), VALUE)                \
    X(SCRUB, 0xf0, 0xf0, OTHER, L(0), NOTHING, L(0), NOTHING)                                      \
    X(ISASL_REFRESH, 0xf1, 0xf1, OTHER, L(0), NOTHING, L(0), NOTHING)                              \
    X(SSL_CERTS_REFRESH, 0xf2, 0xf2, OTHER, L(0), NOTHING, L(0), NOTHING)                          \
    X(GET_CMD_TIMER, 0xf3, 0xf3, OTHER, L(1), ANY_KEY, L(0), VALUE)                                \
    X(SET_CTRL_TOKEN, 0xf4, 0xf4, OTHER, L(8), NOTHING, L(0), NOTHING)                             \
    X(GET_CTRL_TOKEN, 0xf5, 0xf5, OTHER, L(0), NOTHING, L(0), NOTHING)                             \
    X(UPDATE_EXTERNAL_USER_PERMISSIONS, 0xf6, 0xf6, OTHER, L(0), VALUE, L(0), NOTHING)             \
    X(RBAC_REFRESH, 0xf7, 0xf7, OTHER, L(0), NOTHING, L(0), NOTHING)                               \
    X(AUTH_PROVIDER, 0xf8, 0xf8, OTHER, L(0), NOTHING, L(0), NOTHING)                              \
    X(DROP_PRIVILEGE, 0xfb, 0xfb, OTHER, L(0), NAME, L(0), NOTHING)                                \
    X(ADJUST_TIMEOFDAY, 0xfc, 0xfc, OTHER, L(9), NOTHING, L(0), NOTHING)                           \
    X(EWOULDBLOCK_CTL, 0xfd, 0xfd, OTHER, L(12), ANY_KEY, L(0), NOTHING)                           \
    X(GET_ERROR_MAP, 0xfe, 0xfe, OTHER, L(0), VALUE, L(0), VALUE)

#define MCBP_OPCODE_ENUM(name, number, ...) MCBP_##name = (number),
enum mcbp_opcode { MCBP_OPCODES(MCBP_OPCODE_ENUM) };
#undef MCBP_OPCODE_ENUM

/* Couchbase's meaning of the numbers of GATK and GATKQ. */
enum { MCBP_IOCTL_GET = 0x23, MCBP_IOCTL_SET = 0x24 };

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

/* Of the requests that a server sends (magic 0x82), the one that it sends to ordinary clients. */
enum { MCBP_CLUSTERMAP_CHANGE_NOTIFICATION = 0x01 };

enum { MCBP_OPCODE_TEXT_SIZE = 40 };

/*
 * The opcode's name, e.g. "GETQ"; server requests (magic 0x82, 0x83) have names of their own. One
 * that has no name is written as "0x3a" into `text`, and text is returned. Static otherwise.
 */
const char *mcbp_opcode_text(uint8_t magic, uint8_t opcode, char text[MCBP_OPCODE_TEXT_SIZE]);

/* The same, with Couchbase's names for the two numbers that memcached has given another meaning. */
const char *mcbp_opcode_couchbase_text(uint8_t magic, uint8_t opcode,
                                       char text[MCBP_OPCODE_TEXT_SIZE]);

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

/* True for those whose key is a document's: on connections with the feature COLLECTIONS it begins
 * with the number of a collection (mcbp/collection.h). */
bool mcbp_opcode_has_collection(uint8_t opcode);

enum { MCBP_NO_EXPIRY = -1 };

/* Where a request's extras have its time of expiry, 4 bytes, if they have one. */
int mcbp_opcode_expiry_offset(uint8_t opcode);

#endif
