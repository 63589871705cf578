/*
 * The shadow of a Couchbase server: what a capture shows of it, and what its answers have to be,
 * therefore. It holds a node (couchbase/couchbase.h) for each bucket, which executes the recorded
 * requests. What a server decides alone is taken over from its answers, and held to from then on:
 * CAS values, vbucket UUIDs, sequence numbers, ids; and what its documents held before the capture
 * began.
 *
 * A CAS comes from a hybrid clock, and tells the version of the document that an answer has made or
 * seen; within a vbucket, changes are numbered in the order of their CAS values. Source:
 * couchbase/kv_engine, engines/ep/src/hlc.h and checkpoint_manager.cc, queueDirty.
 *
 * No I/O, no clock; one thread at a time.
 */
#ifndef KVREPLAY_SHADOW_SHADOW_H
#define KVREPLAY_SHADOW_SHADOW_H

#include "kvresponse/kvresponse.h"
#include "mcbp/feature.h"
#include "mcbp/frame.h"

struct document;
struct shadow;

/* `cold`: a document that no request has made is not there. NULL: no memory. */
struct shadow *shadow_create(bool cold);

/* Its clients are gone before. NULL is allowed, here and for a client. */
void shadow_destroy(struct shadow *shadow);

/* What was agreed on one of its connections. */
struct shadow_client;

/* `whole`: its beginning is in the capture; else its features are found out from what it sends and
 * gets. NULL: no memory. */
struct shadow_client *shadow_client_create(struct shadow *shadow, bool whole);
void shadow_client_destroy(struct shadow_client *client);

/* What the answers on the connection show of it, each of them, in their order, before it is judged.
 */
void shadow_client_note(struct shadow *shadow, struct shadow_client *client,
                        const struct mcbp_frame *request, const struct mcbp_frame *answer);

/* What a request shows of a client that is not whole: whether its keys have collections. shadow_ask
 * notes it, too. */
void shadow_client_note_request(struct shadow_client *client, const struct mcbp_frame *request);

/* What holds on the connection by all that was noted; *open: features that nothing has decided. */
mcbp_feature_set shadow_client_features(const struct shadow_client *client, mcbp_feature_set *open);

/* The bucket that it has told (*told), or else the only one that others have; empty: there is none.
 */
struct span shadow_client_bucket(const struct shadow *shadow, const struct shadow_client *client,
                                 bool *told);

/* Answers keep the order of their requests, but for those that may overtake and be overtaken. */
bool shadow_may_overtake(const struct shadow_client *client, uint8_t opcode, uint8_t overtaken);

/*
 * All connections had ended, and a new one has begun: the server may have been restarted. What was
 * known is held to until an answer shows that it was: another UUID of a vbucket, a CAS or revision
 * from before, or a document that is not there, before any was seen that still is.
 */
void shadow_left(struct shadow *shadow);

/* One did, since this was asked. */
bool shadow_has_restarted(struct shadow *shadow);

/* ---------------------------------------------------------------- requests that wait */

/* What holds when a request is sent. All zero: it is about no document. */
struct shadow_asked {
    struct document *document;      /* stays where it is as long as the shadow; NULL: none */
    struct shadow_vbucket *vbucket; /* of the document */
    uint64_t cas;                   /* the highest that the vbucket has told, */
    uint64_t seqno;                 /* sequence number likewise */
    uint64_t changes;               /* answers to changes of the vbucket so far, */
    uint64_t all_changes;           /* and of the bucket */
    uint64_t forgotten;             /* how often what was known of the vbucket was */
    uint64_t placeless_ended;       /* answers to changes of documents that are not known so far */
    bool alone;                     /* no other change of the vbucket waited for its answer */
    bool changes_it;                /* the request may change the document, */
    bool placeless;                 /* and nothing has told yet which one it is */
};

/* The request's key; where all mean the same document, with collections or without, the same bytes.
 */
struct span shadow_key(const struct shadow_client *client, const struct mcbp_frame *request);

/* The request begins to wait for its answer, and ends to. False: no memory. */
bool shadow_ask(struct shadow *shadow, struct shadow_client *client,
                const struct mcbp_frame *request, struct shadow_asked *asked);
void shadow_ask_end(const struct shadow_asked *asked);

/* A change has overlapped with the request whose document is not known: it may be the same. */
bool shadow_is_open(const struct shadow_asked *asked);

/* Changes of its document have overlapped, and their order may be another one. */
void shadow_note_overlap(const struct shadow_asked *asked);

/* ---------------------------------------------------------------- answers */

struct shadow_exchange {
    const struct mcbp_frame *request;
    const struct mcbp_frame *answer; /* NULL: silence */
    const struct shadow_asked *asked;
    int64_t asked_at; /* Unix time in nanoseconds */
    int64_t answered_at;
    bool unseen; /* requests that the capture does not have may have changed the document, */
    bool open;   /* and some of them may still run */
};

enum shadow_outcome {
    SHADOW_IDENTICAL,
    SHADOW_ADOPTED,
    SHADOW_AMBIGUOUS, /* right in another second of the server's clock */
    SHADOW_NOT_EXECUTED,
    SHADOW_DIFFERENT,
    SHADOW_NO_MEMORY,
};

struct shadow_verdict {
    enum shadow_outcome outcome;
    bool answers;                 /* there is a response */
    struct kvr_response response; /* what the answer has to be; valid until the next call */
    const char *why;              /* of DIFFERENT: a sentence, or NULL; valid likewise */
    bool closes;                  /* the connection, after this */
    bool by_unseen;               /* of DIFFERENT: it would be right if requests that the capture
                                     does not have had changed the document */
    bool expired;                 /* it has, at a time that nothing has told */
    bool recompressed;            /* the value is the same, but in another compressed form */
};

/* Whether a recorded frame is that response; the caller may ignore parts of it. */
struct shadow_comparer {
    void *context;
    bool (*agrees)(void *context, const struct kvr_response *response,
                   const struct mcbp_frame *answer);
};

/*
 * Whether the numbers that an answer tells can be right at all: of its CAS and its token, whatever
 * the document holds. Has to be called once for each answer, in the order of the capture. False:
 * they can't, and `verdict` says why. The answer is not judged then, and its document in doubt.
 */
bool shadow_note_numbers(struct shadow *shadow, struct shadow_client *client,
                         const struct shadow_exchange *exchange, struct shadow_verdict *verdict);

enum shadow_rigour {
    SHADOW_LENIENT, /* what explains the answer is looked for; if nothing does, what it is about is
                       in doubt from then on */
    SHADOW_STRICT,  /* if it is not what has to be, nothing is done but to say so */
    SHADOW_OPEN,  /* likewise, but what its client takes may be learnt from it, and an error may be
                     the server's own */
    SHADOW_KNOWN, /* strict, and likewise if something that is not known has to be taken from it */
};

/* Executes the request, and says what became of its answer. */
void shadow_judge(struct shadow *shadow, struct shadow_client *client,
                  const struct shadow_exchange *exchange, const struct shadow_comparer *comparer,
                  enum shadow_rigour rigour, struct shadow_verdict *verdict);

/* The CAS of the version that an answer has made or seen; 0: it tells none. */
uint64_t shadow_version_of(const struct mcbp_frame *answer);
/* Such a request may change its document, or lock it. */
bool shadow_changes(uint8_t opcode);
/* It brings its CAS with it, which tells nothing of its order then. */
bool shadow_brings_version(uint8_t opcode);
/* It sets the time of expiry alone: if that is the same as before, the version stays. */
bool shadow_touches(const struct mcbp_frame *request);
/* The document is known to have that version now, and: another one. */
bool shadow_has_version(const struct document *document, uint64_t cas);
bool shadow_has_other_version(const struct document *document, uint64_t cas);
/* The request makes another version whenever it succeeds, and its answer tells the CAS of that. */
bool shadow_makes_version(const struct mcbp_frame *request, const struct mcbp_frame *answer);

/* The document as it is now, to come back to. */
struct shadow_memory;
/* NULL: no memory. */
struct shadow_memory *shadow_remember(const struct shadow_asked *asked);
/* Can be done again. */
void shadow_recall(const struct shadow_asked *asked, const struct shadow_memory *memory);
void shadow_memory_destroy(struct shadow_memory *memory);

/* What the document holds is not known from here on; nor whether there is one (NULL is allowed), */
void shadow_doubt(struct document *document);
/* or that and its version are. */
void shadow_doubt_content(struct document *document);

#endif
