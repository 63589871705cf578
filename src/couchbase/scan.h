/*
 * Range scans: what a vbucket held of a collection when the scan was created, handed out in
 * portions.
 */
#ifndef KVREPLAY_COUCHBASE_SCAN_H
#define KVREPLAY_COUCHBASE_SCAN_H

#include "couchbase/blob.h"
#include "couchbase/documents.h"
#include "mcbp/status.h"

enum {
    SCAN_UUID_SIZE = 16,
    SCANS_MAX = 600,          /* what goes beyond these takes the place of those that were asked */
    SCAN_ITEMS_MAX = 1 << 20, /* for longest ago; of all together */
};

/* What a scan is to find. Source: docs/range_scans/range_scan_create.md in couchbase/kv_engine. */
struct scan_request {
    uint32_t collection;
    bool keys_only;
    bool has_range;         /* else all keys */
    uint8_t bounds[2][256]; /* the first and the last key */
    size_t bound_sizes[2];
    bool excludes[2]; /* that key itself */
    bool samples;     /* so many documents by chance, in place of a range */
    uint64_t samples_max;
    uint64_t seed;
    bool has_snapshot; /* the vbucket has to be that one, and as far */
    uint64_t uuid;
    uint64_t seqno;
};

/* SUCCESS, or INVALID_ARGUMENTS: the JSON text is none such. */
enum mcbp_status scan_parse(struct span json, struct scan_request *request);

/* The order of keys: below 0 if `a` comes first. */
int scan_compare(struct span a, struct span b);

/* The key is in the request's range. */
bool scan_covers(const struct scan_request *request, struct span key);

struct scan;

struct scans {
    struct scan *first; /* the one that was asked for latest */
    size_t count;
    size_t items; /* of all of them */
};

/* Creates a scan of those documents. *uuid gets its name, as long as there is another one. SUCCESS,
 * KEY_NOT_FOUND: it would find nothing; or NO_MEMORY. */
enum mcbp_status scans_create(struct scans *scans, const struct scan_request *request,
                              const struct documents *documents, int64_t now,
                              uint8_t uuid[SCAN_UUID_SIZE]);

struct scan_limits {
    uint32_t items; /* 0: no limit */
    uint32_t bytes; /* likewise; the last item may go beyond it */
};

struct buffer;

/*
 * Adds the next portion to `value`. The answer's status: RANGE_SCAN_MORE;
 * RANGE_SCAN_COMPLETE, and the scan is gone; KEY_NOT_FOUND: there is no such scan; NO_MEMORY.
 */
enum mcbp_status scans_continue(struct scans *scans, const uint8_t uuid[SCAN_UUID_SIZE],
                                const struct scan_limits *limits, struct buffer *value,
                                bool *keys_only);

/* False: there is none. */
bool scans_cancel(struct scans *scans, const uint8_t uuid[SCAN_UUID_SIZE]);

void scans_deinit(struct scans *scans);

#endif
