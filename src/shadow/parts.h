/*
 * The parts of a shadow, from the inside.
 */
#ifndef KVREPLAY_SHADOW_PARTS_H
#define KVREPLAY_SHADOW_PARTS_H

#include "couchbase/node.h"
#include "couchbase/session.h"
#include "shadow/shadow.h"

enum { VBUCKET_PAIRS = 16, VBUCKET_UNTOLD = 16 };

/* A change's numbers. */
struct numbers {
    uint64_t cas;
    uint64_t seqno;
};

/* What is known of a vbucket beside its documents. */
struct shadow_vbucket {
    struct shadow_bucket *bucket;
    struct vbucket *held;     /* the node's */
    uint64_t uuid;            /* 0: no token has told it */
    uint64_t cas;             /* the highest told */
    uint64_t seqno;           /* likewise; 0: none */
    uint64_t seqno_cas;       /* of the change that has it */
    bool seqno_open;          /* requests that are not in the capture may have changed it since */
    uint64_t changes;         /* answers to changes so far */
    unsigned waiting;         /* requests that may change it and wait for their answers, */
    unsigned placeless;       /* those of them whose documents are not known, */
    uint64_t placeless_ended; /* and how many such have been answered */
    uint64_t ended;           /* the bucket's changes when the last of them was answered */
    bool guessed;             /* changes have overlapped: what is known may be of another order */
    uint64_t observed;        /* the highest number that OBSERVE_SEQNO has told */
    bool may_jump; /* something may change it that is not in the capture: a time of expiry */
    uint64_t untold[VBUCKET_UNTOLD]; /* CAS of changes since `seqno` that had no token */
    unsigned untold_count;
    bool untold_more;                    /* there are others */
    struct numbers pairs[VBUCKET_PAIRS]; /* the last ones told, in a ring */
    unsigned pairs_count;
    uint64_t era; /* of the bucket, when its UUID was told last; 0: since then, it was elsewhere */
    uint64_t forgotten; /* how often */
};

struct scan_seen;

struct shadow_bucket {
    struct shadow_bucket *next;
    struct blob *name; /* of 0 bytes: of clients that have not told theirs */
    struct couchbase_node *node;
    bool is_several; /* its clients have selected different buckets, and have not told which */
    struct shadow_vbucket vbuckets[COUCHBASE_VBUCKETS_MAX];
    uint64_t changes;    /* answers to changes so far */
    bool mode_is_told;   /* node->last_write_wins has been shown */
    struct blob *config; /* the last one told */
    int64_t config_epoch;
    int64_t config_revision;
    uint64_t config_absence;     /* of the shadow, when that was told */
    uint64_t era;                /* rises when its vbuckets may get other UUIDs */
    uint64_t cas;                /* the highest of what is known of its documents, */
    uint64_t cas_left;           /* and when all connections had ended */
    bool may_be_empty;           /* since then, nothing has shown that it still has what it had */
    struct shadow_limit *limits; /* maxTTL of collections, as far as it is known, */
    uint64_t manifest;           /* and of which manifest */
    struct scan_seen *scans;     /* the one asked for last comes first */
    size_t scans_count;
};

/* The number of a collection or scope, as told last. */
struct shadow_id {
    struct shadow_id *next;
    struct blob *path;
    uint8_t opcode; /* that asks for it */
    bool is_told;
    const struct shadow_bucket *bucket;
    uint64_t manifest;
    uint64_t absence; /* of the shadow, when that was told */
    uint32_t number;
};

struct shadow {
    bool cold;
    struct shadow_bucket *buckets;
    struct shadow_id *ids;
    struct blob *kept;  /* what the last response points to, */
    char sentence[320]; /* and the last verdict */
    uint64_t absences;  /* times that all of its connections had ended */
    uint64_t restarted; /* the last of these in which it has begun anew */
    bool has_restarted; /* since that was asked for */
    int64_t ahead; /* nanoseconds, of the server's clock before the capture's, by the CAS values
                      that it has given; INT64_MAX: none has told it */
};

struct shadow_client {
    struct couchbase_session *session;
    struct shadow_bucket *bucket;
    bool has_told_bucket;
    bool has_selected;     /* a bucket, and nothing since then may have left it */
    bool whole;            /* its HELLO is in the capture, if there was one */
    mcbp_feature_set open; /* of one that is not whole: features that nothing has decided yet */
    unsigned prefixed;     /* keys whose vbucket is that of the key behind a collection's id */
    unsigned plain;        /* or that of the whole key */
    unsigned words;        /* keys that may be text as a whole */
};

/* The bucket of that name, made if need be: the first one named is that of the clients that have
 * not told theirs. NULL: no memory, here and below. */
struct shadow_bucket *shadow_bucket_of(struct shadow *shadow, struct span name);

/* That of a client that has not told it: the only one there is, */
struct shadow_bucket *shadow_likely_bucket(struct shadow *shadow);
/* or, of several, one without a name. */
struct shadow_bucket *shadow_other_bucket(struct shadow *shadow);

static inline bool client_has(const struct shadow_client *client, enum mcbp_feature feature)
{
    return session_has(client->session, feature);
}

/* One answer being judged. */
struct judged {
    struct shadow *shadow;
    struct shadow_client *client;
    const struct shadow_exchange *exchange;
    const struct shadow_comparer *comparer;
    struct shadow_verdict *verdict;
    uint8_t opcode;  /* of the request, the loud one */
    uint16_t status; /* of the answer; what silence means */
    bool told;       /* something that was not known is taken from the answer */
    int64_t limit;   /* maxTTL of the document's collection, if the answer is right */
};

enum { LIMIT_UNTOLD = -1 };

/* client.c */

void client_enter(struct shadow_client *client, struct shadow_bucket *bucket);

/* Of a client that is not whole. */
void client_decide(struct shadow_client *client, enum mcbp_feature feature, bool granted);

/* The magic and the framing extras that answers have, as far as they are not the server's own
 * choice. */
void client_set_frame(const struct judged *judged, bool framed, struct kvr_response *response);

/* The datatype of JSON on this connection; where that is not decided, the answer's. */
uint8_t client_json(const struct judged *judged);

/* An error's text is the server's own, if it has the form of one. */
void client_take_error_text(const struct judged *judged, struct kvr_response *response);

/* asked.c: the place that a request is about. False: its key or vbucket is none. */
bool asked_place(const struct shadow_client *client, const struct mcbp_frame *request,
                 uint16_t *vbucket, struct document_id *id);

/* A read of a replica, which may be behind: it is not about the document as it is. */
bool asked_of_replica(const struct mcbp_frame *request);

/* The change has two sequence numbers: of its prepare and of its commit. */
bool asked_is_durable(const struct mcbp_frame *request);

/* Its document, if it has one, may have changed: whether its key has a collection is not known. */
void asked_without_place(const struct shadow_client *client, const struct mcbp_frame *request);

/* anew.c: what the server, or a vbucket, that has begun anew makes of what was known. */

/* The vbucket's answers may show another UUID than before, once. */
bool anew_is_possible(const struct shadow_vbucket *vbucket);

/* They do: nothing is known any more of it, nor of the bucket's others for which the same holds.
 * `but`: of a document, all is; NULL: of none. */
void anew_begin(struct shadow *shadow, struct shadow_vbucket *vbucket, const struct document *but);

/* They show the one that is known. */
void anew_note_same(struct shadow_vbucket *vbucket);

/* Another node may have the vbucket meanwhile, and change it. */
void anew_may_begin(struct shadow_vbucket *vbucket);

/* The number that was the highest when the request was asked for; 0 if that was of another
 * history. */
static inline uint64_t floor_of(const struct shadow_asked *asked, uint64_t number)
{
    return asked->vbucket == NULL || asked->forgotten == asked->vbucket->forgotten ? number : 0;
}

/* bound.c: requests about no document. False: it does not know such requests. */
bool bound_judge(struct judged *judged);

/* judge.c: nothing is known of its content, but its form was agreed on. */
void judge_form(struct judged *judged);

/* document.c: requests about a document. */
void document_judge(struct judged *judged, enum shadow_rigour rigour);

/* A read of a replica: a version has one content, there too. */
void document_judge_replica(struct judged *judged);

/* known.c: what is known of a document, before a request is executed and after. */

/* Takes what is not known from the answer. False: the answer does not tell enough for the request
 * to be executed. */
bool known_tell(struct judged *judged, struct document *document);

/* It is deleted, and nothing has told whether there is a tombstone. */
bool known_may_be_tombstone(const struct document *document);

/* It is a tombstone from so long ago that the server may have forgotten it. */
bool known_may_be_purged(const struct document *document, int64_t now);

/* Of a lookup, results that depend on what is not known are the answer's. */
void known_merge(struct judged *judged, struct kvr_response *response);

/* The answer is right. `open`: what was unknown before it was asked for what it tells; `before`:
 * the document before the request was executed. */
void known_learn(const struct judged *judged, struct document *document, uint16_t open,
                 const struct document *before);

/* The request has succeeded, and what it has made of the document is not known. */
void known_forget(const struct judged *judged, struct document *document);

/* shown.c: documents that an answer shows, though they were not asked for by their keys alone. */
struct shown {
    struct document_id id;
    bool present;
    uint64_t cas;
    uint64_t seqno; /* 0: it is not told */
    bool has_value; /* the rest is told, too */
    uint32_t flags;
    uint8_t datatype;
    struct span value;
};

/* Of the version that is known: why it can't be that one; NULL: it can. `document` may have another
 * CAS. */
const char *shown_contradicts_content(const struct document *document, const struct shown *shown);

/* GET_RANDOM_KEY: any document of a collection. */
void shown_judge_random(struct judged *judged);

/* OBSERVE: which of the documents there are. */
void shown_judge_observed(struct judged *judged);

/* limits.c: maxTTL of collections. What is known does not hold for another manifest, or for another
 * configuration. */
void limits_forget(struct shadow_bucket *bucket);
void limits_note_manifest(struct shadow_bucket *bucket, uint64_t uid);
void limits_read_manifest(struct shadow_bucket *bucket, struct span text);

/* Of the document asked for. 0: there is none, or it is not known. */
uint32_t limits_max_ttl(const struct judged *judged);
/* What an expiry becomes that is set in that Unix second. True: another one. */
bool limits_apply(const struct judged *judged, uint32_t set, uint32_t *expiry);
/* The document has the expiry that follows from what is known now. */
void limits_settle(const struct judged *judged, struct document *document);
/* The request has set its expiry. */
void limits_note_set(const struct judged *judged, struct document *document);
/* An answer tells another expiry than the one that was set: a limit may be the reason. */
bool limits_explain(struct judged *judged, struct document *document, uint32_t told);
/* The answer is right. */
void limits_learn(const struct judged *judged);

/* body.c: executes a mutation without the attributes in it, which are not known. False: nothing is
 * left of it, or that does not succeed. */
struct subdoc_request;
bool body_mutate(const struct judged *judged, const struct subdoc_request *subdoc);

/* The numbers that an answer tells. */
struct couchbase_told judged_told_by(const struct mcbp_frame *answer);

/* with_meta.c */

/* How a conflict is resolved that depends on what is not known: as the answer says. */
enum meta_resolution with_meta_tell(struct judged *judged);
/* False: what has to come out is the server's own choice. */
bool with_meta_is_executed(const struct judged *judged);

/* return_meta.c: before it is executed, and when the answer has been built. */
void return_meta_prepare(const struct judged *judged, int64_t now);
void return_meta_take_over(struct judged *judged, const struct kvr_response *response);

/* scan.c */
void scan_note_create(struct judged *judged);
void scan_judge_continue(struct judged *judged);
void scans_seen_destroy(struct shadow_bucket *bucket);

/* Those nanoseconds, or 0. */
static inline int64_t judged_ahead(const struct judged *judged)
{
    return judged->shadow->ahead == INT64_MAX ? 0 : judged->shadow->ahead;
}

/* A time in Unix seconds may be that other one, which the server has computed by its clock. */
bool judged_is_about(const struct judged *judged, uint32_t told, uint32_t ours);

/* An error that the server may answer with whatever it holds. */
bool judged_is_servers_own(uint16_t status);

/* Such an error, though it can't be: what it says of the connection is known to be otherwise. */
bool judged_is_ruled_out(const struct judged *judged);

/* Judges an answer by comparing it with verdict->response. */
void judged_compare(struct judged *judged, enum shadow_outcome if_equal);

#endif
