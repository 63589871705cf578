#include "live/before.h"

#include "base/hash.h"
#include "mcbp/collection.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

#include <stdlib.h>
#include <sys/random.h>

/* A document that finds its place taken takes it: of the other one, nothing is known again. */
enum { PLACES = 1 << 17, MADE_MASK = 3, PRESERVE_EXPIRY = 5 };

struct before {
    uint64_t seed[2];
    uint64_t places[PLACES]; /* hashes, with an enum before_made in their lowest bits */
};

struct before *before_create(void)
{
    struct before *before = calloc(1, sizeof(*before));
    if (before != NULL && getrandom(before->seed, sizeof(before->seed), GRND_NONBLOCK) < 0) {
        before->seed[0] = (uintptr_t)before; /* early after boot */
    }
    return before;
}

void before_destroy(struct before *before)
{
    free(before);
}

/* ------------------------------------------------------------------------ what is remembered */

static uint64_t *place_of(struct before *before, uint64_t document)
{
    return &before->places[(document >> 2) % PLACES];
}

static enum before_made made_of(struct before *before, uint64_t document)
{
    uint64_t place = *place_of(before, document);
    bool is_it = document != 0 && (place & ~(uint64_t)MADE_MASK) == document;
    return is_it ? (enum before_made)(place & MADE_MASK) : BEFORE_UNMADE;
}

static void set_made(struct before *before, uint64_t document, enum before_made made)
{
    *place_of(before, document) = document | made;
}

/* 0: the key is none. */
static uint64_t document_of(const struct before *before, const struct before_place *place,
                            const struct mcbp_frame *frame)
{
    struct mcbp_collection_key key = {MCBP_DEFAULT_COLLECTION, frame->key};
    if (!mcbp_opcode_has_collection(frame->header.opcode) || frame->key.size == 0 ||
        (place->collections && !mcbp_collection_key_read(frame->key, &key))) {
        return 0;
    }
    uint64_t hash = hash_key(key.key, before->seed);
    hash = hash_fold(hash ^ key.collection, before->seed[1] | 1);
    hash = hash_fold(hash ^ frame->header.vbucket_or_status, before->seed[1] | 1);
    return hash_fold(hash ^ place->bucket, before->seed[1] | 1) & ~(uint64_t)MADE_MASK;
}

uint64_t before_bucket(const struct before *before, struct span name)
{
    return hash_key(name, before->seed);
}

/* ------------------------------------------------------------------------ requests */

static bool keeps_expiry(const struct mcbp_frame *frame)
{
    struct span infos = frame->framing_extras;
    struct mcbp_frame_info info;
    bool keeps = false;
    while (mcbp_frame_info_next(&infos, &info)) {
        keeps |= info.id == PRESERVE_EXPIRY;
    }
    return keeps;
}

/* What its success makes of the document, whatever that was. */
static enum before_made makes(const struct mcbp_frame *frame)
{
    uint8_t opcode = mcbp_opcode_loud(frame->header.opcode);
    struct mcbp_subdoc_extras extras;
    switch (opcode) {
    case MCBP_SET:
    case MCBP_REPLACE:
        return keeps_expiry(frame) ? BEFORE_UNMADE : BEFORE_VALUE;
    case MCBP_ADD:
    case MCBP_DELETE:
        return BEFORE_WHOLE;
    case MCBP_SUBDOC_MULTI_MUTATION:
        return mcbp_subdoc_extras_read(MCBP_SUBDOC_MUTATION, frame->extras, &extras) &&
                       (extras.doc_flags & MCBP_SUBDOC_DOC_ADD) != 0
                   ? BEFORE_WHOLE
                   : BEFORE_UNMADE;
    default:
        return BEFORE_UNMADE;
    }
}

static bool has(struct span span, const char *text)
{
    return span.size > 0 && memmem(span.data, span.size, text, strlen(text)) != NULL;
}

/* Revision numbers go on where a deleted document of the same key had them. */
static bool shows_revision(const struct mcbp_frame *frame)
{
    return mcbp_opcode_loud(frame->header.opcode) == MCBP_GET_META ||
           (mcbp_subdoc_shape_of(frame->header.opcode) != MCBP_SUBDOC_NONE &&
            has(frame->value, "$document"));
}

/* About any documents, or what the server has counted. */
static bool is_about_all(uint8_t opcode)
{
    return opcode == MCBP_RANGE_SCAN_CREATE || opcode == MCBP_RANGE_SCAN_CONTINUE ||
           opcode == MCBP_RANGE_SCAN_CANCEL || opcode == MCBP_GET_RANDOM_KEY ||
           opcode == MCBP_OBSERVE || opcode == MCBP_OBSERVE_SEQNO || opcode == MCBP_STAT;
}

void before_ask(struct before *before, const struct before_place *place,
                const struct mcbp_frame *frame, bool attributes, struct before_request *request)
{
    bool is_subdoc = mcbp_subdoc_shape_of(frame->header.opcode) != MCBP_SUBDOC_NONE;
    *request = (struct before_request){.document = document_of(before, place, frame),
                                       .depends = is_about_all(frame->header.opcode)};
    if (request->document == 0) {
        return;
    }
    request->made = made_of(before, request->document);
    request->makes = makes(frame);
    request->needs = attributes ? BEFORE_WHOLE : BEFORE_VALUE;
    request->depends |= shows_revision(frame);
    if (request->depends && is_subdoc && request->made != BEFORE_UNMADE &&
        has(frame->value, "${$document")) { /* and stores it */
        set_made(before, request->document, BEFORE_UNMADE);
    }
}

/* ------------------------------------------------------------------------ answers */

void before_answered(struct before *before, const struct before_request *request, uint16_t status)
{
    bool missing = status == MCBP_STATUS_KEY_NOT_FOUND || status == MCBP_STATUS_NOT_STORED;
    enum before_made made = missing                         ? BEFORE_WHOLE
                            : status == MCBP_STATUS_SUCCESS ? request->makes
                                                            : BEFORE_UNMADE;
    if (request->document != 0 && made > made_of(before, request->document)) {
        set_made(before, request->document, made);
    }
}
