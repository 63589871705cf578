/*
 * The manifest: which scopes and collections a bucket has, and their ids.
 */
#ifndef KVREPLAY_COUCHBASE_COLLECTIONS_H
#define KVREPLAY_COUCHBASE_COLLECTIONS_H

#include "base/span.h"
#include "couchbase/blob.h"
#include "couchbase/couchbase.h"

enum {
    COLLECTIONS_DEFAULT = 0,
    COLLECTIONS_FIRST = 8, /* 1 to 7 are reserved. Source: docs/Collections.md */
    COLLECTIONS_NO_TTL = -1,
};

struct scope {
    char *name;
    uint32_t id;
};

struct collection {
    char *name;
    size_t scope; /* in scopes */
    uint32_t id;
    int64_t max_ttl; /* seconds that a document may live, 0: for ever; COLLECTIONS_NO_TTL */
};

struct collections {
    uint64_t uid; /* rises with every change */
    struct scope *scopes;
    size_t scopes_count;
    struct collection *collections;
    size_t collections_count;
    bool any;              /* every number is that of a collection */
    struct blob *manifest; /* as JSON */
};

/* With the default collection and the given ones. False: no memory. */
bool collections_init(struct collections *collections, const struct couchbase_options *options);
void collections_deinit(struct collections *collections);

enum collections_read { COLLECTIONS_READ, COLLECTIONS_INVALID, COLLECTIONS_NO_MEMORY };

/*
 * Those of a manifest, JSON, as administrators send it; to be given to deinit in any case. Names,
 * ids, limits of expiry, and that they are there once are checked as in
 * engines/ep/src/collections/manifest.cc.
 */
enum collections_read collections_read(struct collections *collections, struct span manifest);

/* Whether `next` may follow: it has a larger uid, and what has the same id has the same name and
 * scope; or it is the same. Source: Manifest::isSuccessor there. */
bool collections_may_follow(const struct collections *collections, const struct collections *next);

bool collections_has(const struct collections *collections, uint32_t id);

/* The seconds that a document of the collection may live; 0: for ever. */
uint32_t collections_max_ttl(const struct collections *collections, uint32_t id);

enum collections_found {
    COLLECTIONS_FOUND,
    COLLECTIONS_MALFORMED,
    COLLECTIONS_NO_SCOPE,
    COLLECTIONS_NO_COLLECTION
};

/* By a path: "scope.collection", where an empty name is the default one's. */
enum collections_found collections_find(const struct collections *collections, struct span path,
                                        uint32_t *id);

/* "scope", which may have a collection behind a dot. */
enum collections_found collections_find_scope(const struct collections *collections,
                                              struct span path, uint32_t *id);

#endif
