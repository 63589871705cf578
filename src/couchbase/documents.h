/*
 * The documents of a bucket by collection and key, deleted ones too: a tombstone keeps CAS and
 * revision.
 */
#ifndef KVREPLAY_COUCHBASE_DOCUMENTS_H
#define KVREPLAY_COUCHBASE_DOCUMENTS_H

#include "couchbase/blob.h"

#include <stdbool.h>

/* What a replay does not know of a document, since no recorded answer has told it yet. */
enum document_unknown {
    DOCUMENT_PRESENCE = 1 << 0,
    DOCUMENT_VALUE = 1 << 1, /* and its datatype */
    DOCUMENT_FLAGS = 1 << 2,
    DOCUMENT_XATTRS = 1 << 3,
    DOCUMENT_EXPIRY = 1 << 4,
    DOCUMENT_EXPIRY_SECOND = 1 << 5, /* it follows from the server's clock, which is not ours */
    DOCUMENT_REVISION = 1 << 6,
    DOCUMENT_CAS = 1 << 7,
    DOCUMENT_SEQNO = 1 << 8,
    DOCUMENT_LOCK = 1 << 9,
    DOCUMENT_ALL = (1 << 10) - 1 - DOCUMENT_EXPIRY_SECOND,
    DOCUMENT_SYSTEM_XATTRS = 1 << 10, /* all others are known: those are hidden from some clients */
};

struct document {
    struct blob *value;  /* NULL: of 0 bytes, or deleted; compressed if the datatype says so */
    struct blob *xattrs; /* a JSON object, perhaps an empty one; NULL: none */
    struct blob *packed; /* attributes and value as they are stored: compressed as one; NULL: not */
    uint8_t datatype;    /* of the value: JSON and SNAPPY */
    bool deleted;        /* a tombstone */
    uint16_t unknown;    /* enum document_unknown; 0 in a server */
    uint32_t flags;      /* the client's; the server only keeps them */
    uint32_t expiry;     /* Unix time in seconds, 0: never */
    uint64_t cas;
    uint64_t seqno;       /* of the vbucket, when it changed last */
    uint64_t revision;    /* its changes since it was created first */
    uint64_t lock_cas;    /* 0: not locked */
    int64_t locked_until; /* Unix time in nanoseconds */
    int64_t lock_slack;   /* a replay's: the lock may end so much earlier; 0 in a server */
    uint32_t expiry_set;  /* likewise: Unix time in seconds when the expiry was, where its
                             collection's maxTTL is not known; 0: it is */
    bool doubted;         /* likewise: something may have changed it; false */
    void *user;           /* likewise; NULL */
};

/* Of all that is stored of it: JSON, SNAPPY and XATTR. */
uint8_t document_datatypes(const struct document *document);

/* `now` is the Unix time in nanoseconds. */
bool document_is_expired(const struct document *document, int64_t now);
bool document_is_locked(const struct document *document, int64_t now);
bool document_is_alive(const struct document *document, int64_t now); /* nor expired */

/* What clients are shown: of a locked document all ones. */
uint64_t document_seen_cas(const struct document *document, int64_t now);

/* A document's place. */
struct document_id {
    uint32_t collection;
    struct span key; /* without the collection */
};

struct documents {
    struct documents_entry *entries; /* uthash's, by id */
    uint64_t seed[2];                /* of the hash: secret, the second one odd */
    size_t *memory; /* bytes of keys, values and their places are added to it, and taken off */
};

void documents_deinit(struct documents *documents);

/* NULL: there is none, not even a tombstone with a past. */
struct document *documents_find(const struct documents *documents, const struct document_id *id);

/* The same, but also one without a past. */
struct document *documents_find_any(const struct documents *documents,
                                    const struct document_id *id);

/* The one there is, or a new tombstone without a past (*is_new), whose revision is 0. NULL: no
 * memory, or a key over 255 bytes. */
struct document *documents_find_or_add(struct documents *documents, const struct document_id *id,
                                       bool *is_new);

/* The document's value is that blob from here on, which is taken over; NULL: it has none. It is not
 * compressed together with attributes. */
void documents_set_value(struct documents *documents, struct document *document,
                         struct blob *value);

/* So are attributes and value, compressed as one; likewise. */
void documents_set_packed(struct documents *documents, struct document *document,
                          struct blob *packed);

/* Drops all tombstones. */
void documents_purge(struct documents *documents);

/* Drops all of a collection. */
void documents_drop(struct documents *documents, uint32_t collection);

/* Calls visit for each until that returns false; the order says nothing. */
void documents_each(const struct documents *documents,
                    bool (*visit)(void *context, const struct document_id *id,
                                  const struct document *document),
                    void *context);

#endif
