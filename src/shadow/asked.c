/* Requests that wait for their answers, and the numbers that answers to changes tell. */
#include "base/crc32.h"
#include "couchbase/frame_infos.h"
#include "mcbp/collection.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "mcbp/token.h"
#include "response/from_frame.h"
#include "shadow/parts.h"

/* ---------------------------------------------------------------- collections, inferred */

/* Bit n: the key's vbucket would be that one if there were 2^n of them. Source: the clients'
 * rule, e.g. couchbase/libcouchbase, src/vbucket/vbucket.c. */
static unsigned fitting_counts(struct span key, uint16_t vbucket)
{
    enum { VBUCKET_BITS = 10 };
    unsigned counts = 0;
    uint32_t hash = crc32_iso(key) >> 16 & 0x7fff;
    for (unsigned bits = 0; bits <= VBUCKET_BITS; bits++) {
        counts |= (unsigned)((hash & ((1U << bits) - 1)) == vbucket) << bits;
    }
    return counts;
}

/* Clients compute the vbucket from the key without its collection. As soon as all keys so far fit
 * one number of vbuckets with it, or without it, and not the other way, it is known which. Keys
 * that fit neither way were replaced (kvreplay anonymise): then they have collections if all begin
 * with a number that no text begins with. */
static void infer_collections(struct shadow_client *client, const struct mcbp_frame *request)
{
    struct mcbp_collection_key prefixed;
    uint16_t vbucket = request->header.vbucket_or_status;
    bool may = mcbp_collection_key_read(request->key, &prefixed) &&
               (prefixed.collection == MCBP_DEFAULT_COLLECTION ||
                prefixed.collection > MCBP_COLLECTION_RESERVED_MAX);
    client->prefixed &= may ? fitting_counts(prefixed.key, vbucket) : 0;
    client->plain &= fitting_counts(request->key, vbucket);
    client->words += !mcbp_collection_is_evident(request->key);
    bool none_fits = client->prefixed == 0 && client->plain == 0;
    if ((client->prefixed == 0) != (client->plain == 0) || (none_fits && client->words == 0)) {
        client_decide(client, MCBP_FEATURE_COLLECTIONS, client->plain == 0);
    }
}

/* ---------------------------------------------------------------- where it is */

bool asked_place(const struct shadow_client *client, const struct mcbp_frame *request,
                 uint16_t *vbucket, struct document_id *id)
{
    struct mcbp_collection_key key = {MCBP_DEFAULT_COLLECTION, request->key};
    *vbucket = request->header.vbucket_or_status;
    if (!mcbp_opcode_has_collection(request->header.opcode) || *vbucket >= COUCHBASE_VBUCKETS_MAX ||
        mcbp_feature_is_in(client->open, MCBP_FEATURE_COLLECTIONS) ||
        (client_has(client, MCBP_FEATURE_COLLECTIONS) &&
         !mcbp_collection_key_read(request->key, &key)) ||
        key.key.size == 0 || key.key.size > COUCHBASE_KEY_MAX) {
        return false;
    }
    *id = (struct document_id){key.collection, key.key};
    return true;
}

/* NULL: no memory. */
static struct document *document_of(const struct shadow *shadow, struct vbucket *vbucket,
                                    const struct document_id *id)
{
    bool is_new;
    struct document *document = documents_find_or_add(&vbucket->documents, id, &is_new);
    if (document != NULL && is_new && !shadow->cold) {
        document->unknown = DOCUMENT_ALL;
    }
    return document;
}

struct span shadow_key(const struct shadow_client *client, const struct mcbp_frame *request)
{
    uint16_t vbucket;
    struct document_id id;
    bool is_default =
        asked_place(client, request, &vbucket, &id) && id.collection == MCBP_DEFAULT_COLLECTION;
    return is_default ? id.key : request->key;
}

/* A change of the document that has the key as a whole, or without a collection's number: which of
 * them, nothing has told yet. */
static void doubt_either(const struct shadow_client *client, const struct mcbp_frame *request)
{
    uint16_t vbucket = request->header.vbucket_or_status;
    struct mcbp_collection_key keys[] = {{MCBP_DEFAULT_COLLECTION, request->key}, {0}};
    size_t count = 1 + mcbp_collection_key_read(request->key, &keys[1]);
    for (size_t i = 0; i < count && vbucket < COUCHBASE_VBUCKETS_MAX; i++) {
        const struct document_id id = {keys[i].collection, keys[i].key};
        bool usable = id.key.size > 0 && id.key.size <= COUCHBASE_KEY_MAX;
        struct document *found =
            usable ? documents_find_any(&client->bucket->node->vbuckets[vbucket].documents, &id)
                   : NULL;
        if (found != NULL) {
            shadow_doubt(found);
        }
    }
}

void asked_without_place(const struct shadow_client *client, const struct mcbp_frame *request)
{
    if (mcbp_feature_is_in(client->open, MCBP_FEATURE_COLLECTIONS) &&
        mcbp_opcode_has_collection(request->header.opcode) &&
        shadow_changes(request->header.opcode)) {
        doubt_either(client, request);
    }
}

void shadow_client_note_request(struct shadow_client *client, const struct mcbp_frame *request)
{
    if (mcbp_feature_is_in(client->open, MCBP_FEATURE_COLLECTIONS) &&
        mcbp_opcode_has_collection(request->header.opcode)) {
        infer_collections(client, request);
    }
}

bool asked_of_replica(const struct mcbp_frame *request)
{
    uint8_t opcode = request->header.opcode;
    struct mcbp_subdoc_extras extras;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(opcode);
    return opcode == MCBP_GET_REPLICA || opcode == MCBP_GET_EX_REPLICA ||
           (shape != MCBP_SUBDOC_NONE && mcbp_subdoc_extras_read(shape, request->extras, &extras) &&
            (extras.doc_flags & MCBP_SUBDOC_DOC_REPLICA_READ) != 0);
}

bool shadow_ask(struct shadow *shadow, struct shadow_client *client,
                const struct mcbp_frame *request, struct shadow_asked *asked)
{
    uint16_t index;
    struct document_id id;
    *asked = (struct shadow_asked){.document = NULL, .all_changes = client->bucket->changes};
    shadow_client_note_request(client, request);
    bool about_document = !asked_of_replica(request) && asked_place(client, request, &index, &id);
    bool changes = shadow_changes(request->header.opcode) &&
                   mcbp_opcode_has_collection(request->header.opcode);
    asked_without_place(client, request);
    if ((!about_document && !changes && request->header.opcode != MCBP_OBSERVE_SEQNO) ||
        request->header.vbucket_or_status >= COUCHBASE_VBUCKETS_MAX) {
        return true;
    }
    struct shadow_vbucket *vbucket = &client->bucket->vbuckets[request->header.vbucket_or_status];
    *asked = (struct shadow_asked){
        .vbucket = vbucket,
        .cas = vbucket->cas,
        .seqno = vbucket->seqno > vbucket->observed ? vbucket->seqno : vbucket->observed,
        .changes = vbucket->changes,
        .all_changes = client->bucket->changes,
        .forgotten = vbucket->forgotten,
        .placeless_ended = vbucket->placeless_ended,
        .alone = vbucket->waiting == 0,
        .changes_it = about_document ? shadow_changes(request->header.opcode) : changes,
        .placeless = changes && !about_document,
    };
    vbucket->waiting += asked->changes_it;
    vbucket->placeless += asked->placeless;
    if (about_document) {
        asked->document = document_of(shadow, &client->bucket->node->vbuckets[index], &id);
    }
    return !about_document || asked->document != NULL;
}

void shadow_ask_end(const struct shadow_asked *asked)
{
    if (asked->vbucket != NULL && asked->changes_it) {
        asked->vbucket->waiting--;
        asked->vbucket->placeless -= asked->placeless;
        asked->vbucket->placeless_ended += asked->placeless;
        asked->vbucket->changes++;
        asked->vbucket->ended = ++asked->vbucket->bucket->changes;
    }
}

bool shadow_is_open(const struct shadow_asked *asked)
{
    const struct shadow_vbucket *vbucket = asked->vbucket;
    return vbucket != NULL &&
           (vbucket->placeless > 0 || vbucket->placeless_ended != asked->placeless_ended);
}

void shadow_note_overlap(const struct shadow_asked *asked)
{
    asked->vbucket->guessed = true;
}

/* ---------------------------------------------------------------- numbers of changes */

/* A client that has not told its bucket has selected another one. Of several such clients it is not
 * known whose is whose. */
static void leave_bucket(struct shadow *shadow, struct shadow_client *client)
{
    struct shadow_bucket *other = shadow_other_bucket(shadow);
    if (other != NULL) {
        other->is_several |= client->bucket == other;
        client_enter(client, other);
    }
}

static const char *check_uuid(struct shadow *shadow, struct shadow_client *client,
                              struct shadow_vbucket *vbucket, uint64_t uuid)
{
    if (vbucket->uuid == 0) {
        vbucket->uuid = uuid;
        vbucket->era = vbucket->bucket->era;
    }
    if (vbucket->uuid == uuid) {
        anew_note_same(vbucket);
        return NULL;
    }
    if (!client->has_told_bucket && !client->whole) {
        leave_bucket(shadow, client);
        return NULL;
    }
    return "tokens of this vbucket had another UUID before";
}

/* Two changes are numbered in the order of their CAS values. */
static bool contradicts(const struct shadow_vbucket *vbucket, const struct numbers *told)
{
    bool contradiction = false;
    for (unsigned i = 0; i < VBUCKET_PAIRS && i < vbucket->pairs_count; i++) {
        const struct numbers *other = &vbucket->pairs[i];
        contradiction |=
            other->seqno == told->seqno || (other->cas < told->cas) != (other->seqno < told->seqno);
    }
    return contradiction;
}

static uint64_t next_seqno(const struct shadow_vbucket *vbucket)
{
    return vbucket->seqno + vbucket->untold_count + 1;
}

/* Nothing else has changed the vbucket: its next number is known. A durable change has one for its
 * prepare and one for its commit, and servers tell one or the other. Source:
 * sync_writes_return_committed_seqno in engines/ep/configuration.json. */
static bool is_next(const struct shadow_exchange *exchange, uint64_t seqno, bool durable)
{
    const struct shadow_asked *asked = exchange->asked;
    const struct shadow_vbucket *vbucket = asked->vbucket;
    bool alone = asked->alone && vbucket->waiting == 0 && asked->changes + 1 == vbucket->changes;
    bool known =
        vbucket->seqno != 0 && !vbucket->seqno_open && !vbucket->may_jump && !vbucket->untold_more;
    uint64_t next = next_seqno(vbucket);
    return !alone || !known || exchange->unseen || exchange->open || seqno == next ||
           (durable && seqno == next + 1);
}

/* What the answer to a change tells. */
struct told {
    struct numbers numbers;
    uint64_t uuid;
    bool durable;
    bool brings_cas;
};

static const char *check_seqno(const struct shadow_exchange *exchange, const struct told *all)
{
    struct shadow_vbucket *vbucket = exchange->asked->vbucket;
    const struct numbers *told = &all->numbers;
    if (told->seqno <= floor_of(exchange->asked, exchange->asked->seqno)) {
        return "a change that was answered before this one was asked for has a higher number";
    }
    if (!all->durable && !all->brings_cas && contradicts(vbucket, told)) {
        return "changes of a vbucket are numbered in the order of their CAS values";
    }
    return is_next(exchange, told->seqno, all->durable)
               ? NULL
               : "it is not the next number of the vbucket";
}

/* Of the changes without a token, those that have come before `seqno`. */
static void forget_numbered(struct shadow_vbucket *vbucket)
{
    unsigned count = 0;
    for (unsigned i = 0; i < vbucket->untold_count; i++) {
        if (vbucket->untold[i] > vbucket->seqno_cas) {
            vbucket->untold[count++] = vbucket->untold[i];
        }
    }
    vbucket->untold_count = count;
    vbucket->untold_more &= vbucket->seqno_cas < vbucket->cas;
}

/* A CAS that was brought does not tell which changes without a number have come before. */
static void note_pair(struct shadow_vbucket *vbucket, const struct told *all)
{
    const struct numbers *told = &all->numbers;
    if (vbucket->seqno == 0 && told->seqno > vbucket->changes) {
        vbucket->may_jump = true; /* it had documents before the capture, which may expire */
    }
    if (told->seqno > vbucket->seqno) {
        vbucket->seqno = told->seqno;
        vbucket->may_jump |= all->brings_cas && (vbucket->untold_count > 0 || vbucket->untold_more);
        if (!all->brings_cas || told->cas > vbucket->seqno_cas) {
            vbucket->seqno_cas = told->cas;
        }
        forget_numbered(vbucket);
    }
    vbucket->may_jump |= all->durable;
    if (!all->durable && !all->brings_cas) {
        vbucket->pairs[vbucket->pairs_count++ % VBUCKET_PAIRS] = *told;
    }
}

bool asked_is_durable(const struct mcbp_frame *request)
{
    struct frame_infos infos = {0};
    const struct frame_infos allowed = {.durable = true, .preserve_expiry = true};
    char fault[FRAME_INFOS_FAULT_SIZE];
    return frame_infos_read(request->framing_extras, &allowed, &infos, fault) ==
               MCBP_STATUS_SUCCESS &&
           infos.durable;
}

bool shadow_touches(const struct mcbp_frame *request)
{
    enum mcbp_family family = mcbp_opcode_family(mcbp_opcode_loud(request->header.opcode));
    return family == MCBP_FAMILY_TOUCH || family == MCBP_FAMILY_RETRIEVE_TOUCH;
}

static bool may_have_changed_silently(const struct mcbp_frame *answer)
{
    return answer == NULL || answer->header.vbucket_or_status == MCBP_STATUS_SYNC_WRITE_AMBIGUOUS;
}

/* A change that tells its CAS, but not its number. A lock takes none, a durable change one or two,
 * and a touch may show a CAS that is counted. */
static void note_untold(struct shadow_vbucket *vbucket, const struct mcbp_frame *request,
                        uint64_t cas)
{
    bool counted = request->header.opcode == MCBP_GET_LOCKED || cas <= vbucket->seqno_cas;
    for (unsigned i = 0; i < vbucket->untold_count; i++) {
        counted |= vbucket->untold[i] == cas;
    }
    if (!counted && vbucket->untold_count < VBUCKET_UNTOLD && !asked_is_durable(request)) {
        vbucket->untold[vbucket->untold_count++] = cas;
    } else if (!counted) {
        vbucket->untold_more = true;
    }
}

static bool refuse(const struct shadow_exchange *exchange, struct shadow_verdict *verdict,
                   const char *why)
{
    *verdict = (struct shadow_verdict){.outcome = SHADOW_DIFFERENT, .answers = true, .why = why};
    response_from_frame(exchange->answer, &verdict->response);
    return false;
}

/* The lowest CAS that would be right. */
static bool refuse_cas(const struct shadow_exchange *exchange, struct shadow_verdict *verdict)
{
    refuse(exchange, verdict,
           "a change that was answered before this one was asked for has a higher CAS");
    verdict->response.cas = floor_of(exchange->asked, exchange->asked->cas) + 1;
    return false;
}

static uint64_t token_seqno_of(const struct mcbp_frame *answer)
{
    struct mcbp_token token = {0};
    mcbp_token_read(answer->header.opcode, answer->extras, &token);
    return token.seqno;
}

/* What the token would be. */
static bool refuse_token(struct shadow *shadow, const struct shadow_exchange *exchange,
                         struct shadow_verdict *verdict, const char *why)
{
    const struct shadow_vbucket *vbucket = exchange->asked->vbucket;
    struct mcbp_token token = {vbucket->uuid, next_seqno(vbucket)};
    refuse(exchange, verdict, why);
    verdict->by_unseen = token_seqno_of(exchange->answer) >= token.seqno;
    blob_drop(shadow->kept);
    shadow->kept = blob_create(MCBP_TOKEN_SIZE);
    if (shadow->kept == NULL) {
        verdict->outcome = SHADOW_NO_MEMORY;
        return false;
    }
    mcbp_token_write(&token, shadow->kept->bytes);
    verdict->response.extras = shadow->kept->bytes;
    return false;
}

static bool falls(const struct shadow_exchange *exchange, uint64_t cas)
{
    return cas <= floor_of(exchange->asked, exchange->asked->cas) &&
           !shadow_touches(exchange->request) &&
           !shadow_brings_version(exchange->request->header.opcode);
}

/* The vbucket is not the one that was known: by its UUID, or, where that is not told, its CAS. A
 * client whose bucket is not known may have another one of the same number. */
static void look_for_another(struct shadow *shadow, const struct shadow_client *client,
                             const struct shadow_exchange *exchange, const struct mcbp_token *token)
{
    struct shadow_vbucket *vbucket = exchange->asked->vbucket;
    bool falling = falls(exchange, exchange->answer->header.cas) && vbucket->bucket->may_be_empty;
    bool other =
        token != NULL && vbucket->uuid != 0 ? token->vbucket_uuid != vbucket->uuid : falling;
    if (other && anew_is_possible(vbucket) && (client->has_told_bucket || client->whole)) {
        anew_begin(shadow, vbucket, NULL);
    }
}

static bool note_token(struct shadow *shadow, struct shadow_client *client,
                       const struct shadow_exchange *exchange, const struct told *told,
                       struct shadow_verdict *verdict)
{
    struct shadow_vbucket *vbucket = exchange->asked->vbucket;
    const struct shadow_bucket *bucket = client->bucket;
    const char *why = check_uuid(shadow, client, vbucket, told->uuid);
    if (client->bucket != bucket || bucket->is_several) {
        return true;
    }
    why = why != NULL ? why : check_seqno(exchange, told);
    if (why != NULL) {
        vbucket->seqno_open = true; /* those behind it may go on from the wrong number */
        return refuse_token(shadow, exchange, verdict, why);
    }
    bool behind = told->numbers.seqno <= vbucket->seqno;
    vbucket->seqno_open = exchange->open || (vbucket->seqno_open && behind);
    note_pair(vbucket, told);
    return true;
}

static bool has_token(const struct shadow_client *client, const struct shadow_exchange *exchange,
                      struct mcbp_token *token)
{
    return client_has(client, MCBP_FEATURE_MUTATION_SEQNO) &&
           mcbp_token_read(exchange->answer->header.opcode, exchange->answer->extras, token);
}

/* A CAS is a time of the server's clock, or a later one, and the change was made after it was asked
 * for. */
static void note_clock(struct shadow *shadow, const struct shadow_exchange *exchange)
{
    const int64_t plausible = INT64_C(86400) * 1000000000;
    uint64_t cas = exchange->answer->header.cas;
    int64_t ahead = cas > INT64_MAX ? plausible : (int64_t)cas - exchange->asked_at;
    if (shadow_makes_version(exchange->request, exchange->answer) && ahead < shadow->ahead &&
        ahead < plausible && ahead > -plausible) {
        shadow->ahead = ahead;
    }
}

bool shadow_note_numbers(struct shadow *shadow, struct shadow_client *client,
                         const struct shadow_exchange *exchange, struct shadow_verdict *verdict)
{
    struct shadow_vbucket *vbucket = exchange->asked->vbucket;
    const struct mcbp_frame *answer = exchange->answer;
    struct mcbp_token token;
    if (vbucket == NULL || !exchange->asked->changes_it) {
        return true;
    }
    if (shadow_version_of(answer) == 0) {
        vbucket->may_jump |= may_have_changed_silently(answer);
        return true;
    }
    struct numbers told = {.cas = answer->header.cas};
    bool brings_cas = shadow_brings_version(exchange->request->header.opcode);
    bool with_token = has_token(client, exchange, &token);
    look_for_another(shadow, client, exchange, with_token ? &token : NULL);
    if (falls(exchange, told.cas)) {
        return refuse_cas(exchange, verdict);
    }
    vbucket->cas = !brings_cas && told.cas > vbucket->cas ? told.cas : vbucket->cas;
    note_clock(shadow, exchange);
    if (with_token) {
        told.seqno = token.seqno;
        const struct told all = {told, token.vbucket_uuid, asked_is_durable(exchange->request),
                                 brings_cas};
        return note_token(shadow, client, exchange, &all, verdict);
    }
    vbucket->may_jump |= brings_cas;
    if (!brings_cas) {
        note_untold(vbucket, exchange->request, told.cas);
    }
    return true;
}
