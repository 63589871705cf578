/*
 * The features that a Couchbase client asks for with HELLO, and that the server grants in its
 * answer: both values are lists of 16-bit numbers. Source: include/mcbp/protocol/feature.h in
 * couchbase/kv_engine, where the retired ones are called Invalid; they keep their old names here.
 */
#ifndef KVREPLAY_MCBP_FEATURE_H
#define KVREPLAY_MCBP_FEATURE_H

#include "base/span.h"

/* X(name, number) */
#define MCBP_FEATURES(X)                                                                           \
    X(DATATYPE, 0x01) /* retired */                                                                \
    X(TLS, 0x02)      /* was never there */                                                        \
    X(TCP_NODELAY, 0x03)                                                                           \
    X(MUTATION_SEQNO, 0x04)                                                                        \
    X(TCP_DELAY, 0x05) /* retired */                                                               \
    X(XATTR, 0x06)                                                                                 \
    X(XERROR, 0x07)                                                                                \
    X(SELECT_BUCKET, 0x08)                                                                         \
    X(COLLECTIONS_PROTOTYPE, 0x09) /* retired */                                                   \
    X(SNAPPY, 0x0a)                                                                                \
    X(JSON, 0x0b)                                                                                  \
    X(DUPLEX, 0x0c)                                                                                \
    X(CLUSTERMAP_CHANGE_NOTIFICATION, 0x0d)                                                        \
    X(UNORDERED_EXECUTION, 0x0e)                                                                   \
    X(TRACING, 0x0f)                                                                               \
    X(ALT_REQUEST, 0x10)                                                                           \
    X(SYNC_REPLICATION, 0x11)                                                                      \
    X(COLLECTIONS, 0x12)                                                                           \
    X(SNAPPY_EVERYWHERE, 0x13)                                                                     \
    X(PRESERVE_TTL, 0x14)                                                                          \
    X(VATTR, 0x15)                                                                                 \
    X(POINT_IN_TIME_RECOVERY, 0x16) /* retired */                                                  \
    X(SUBDOC_CREATE_AS_DELETED, 0x17)                                                              \
    X(SUBDOC_DOCUMENT_MACRO, 0x18)                                                                 \
    X(SUBDOC_REPLACE_BODY_WITH_XATTR, 0x19)                                                        \
    X(REPORT_UNIT_USAGE, 0x1a)                                                                     \
    X(NON_BLOCKING_THROTTLING, 0x1b)                                                               \
    X(SUBDOC_REPLICA_READ, 0x1c)                                                                   \
    X(CLUSTER_CONFIG_WITH_KNOWN_VERSION, 0x1d)                                                     \
    X(DEDUPE_NOT_MY_VBUCKET, 0x1e)                                                                 \
    X(CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF, 0x1f)                                                  \
    X(SUBDOC_MULTIPLE_XATTR_KEYS, 0x20)                                                            \
    X(SUBDOC_BINARY_XATTR, 0x21)                                                                   \
    X(RANGE_SCAN_INCLUDE_XATTR, 0x22)                                                              \
    X(SUBDOC_REPLICA_READ_ON_DELETED, 0x23)                                                        \
    X(GET_RANDOM_KEY_INCLUDE_XATTR, 0x24)                                                          \
    X(MUTATE_WITH_META, 0x25)                                                                      \
    X(DCP_SKIP_DELETES_IN_INITIAL_BACKFILL, 0x26)

#define MCBP_FEATURE_ENUM(name, number) MCBP_FEATURE_##name = (number),
enum mcbp_feature { MCBP_FEATURES(MCBP_FEATURE_ENUM) };
#undef MCBP_FEATURE_ENUM

enum { MCBP_FEATURE_TEXT_SIZE = 8 };

/* The feature's name, e.g. "XERROR", or "0x0042" written into `text` for one without a name. */
const char *mcbp_feature_text(uint16_t feature, char text[MCBP_FEATURE_TEXT_SIZE]);

/* Finds the feature of that name, in any case. */
bool mcbp_feature_find(const char *name, uint16_t *feature);

/* Which features are granted: bit N for the feature N. Numbers above 63 have no name and no bit. */
typedef uint64_t mcbp_feature_set;

static inline bool mcbp_feature_is_in(mcbp_feature_set set, enum mcbp_feature feature)
{
    return (set >> (unsigned)feature & 1) != 0;
}

/* Takes the next feature off the value of a HELLO or of its answer. False: less than two bytes. */
bool mcbp_feature_next(struct span *list, uint16_t *feature);

/* All features in such a value; an odd byte at its end is not looked at. */
mcbp_feature_set mcbp_feature_set_of(struct span list);

#endif
