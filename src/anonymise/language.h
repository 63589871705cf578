/*
 * Couchbase's language, as far as it decides what bytes are: whether a conversation speaks it,
 * where its keys and documents are, and what its subdocument commands do with them.
 */
#ifndef KVREPLAY_ANONYMISE_LANGUAGE_H
#define KVREPLAY_ANONYMISE_LANGUAGE_H

#include "dissect/dissect.h"
#include "mcbp/feature.h"

struct language { /* of a conversation; all zero to begin with */
    bool couchbase;
    bool hello; /* one was answered; otherwise features are not known */
    mcbp_feature_set granted;
};

/* To be called with each frame, before anything else is made of it. */
void language_note(struct language *language, const struct dissect_conversation *conversation,
                   const struct dissect_frame *frame);

/* Answers may come in another order than requests. */
bool language_has_any_order(const struct language *language);

/* Bytes of the collection's number before the document's key of a frame; where the HELLO is not in
 * the capture, only numbers that no key of text begins with (mcbp/collection.h). */
size_t language_prefix_size(const struct language *language, uint8_t opcode, struct span key);

/* A document in a frame's value. */
struct language_document {
    struct span key; /* in the value, without a collection; empty: the frame's own */
    uint8_t datatype;
    size_t at; /* in the value */
    size_t size;
};

/* The next one from *at on, 0 at first. */
bool language_next_document(const struct dissect_frame *frame, size_t *at,
                            struct language_document *document);

/* Bytes of the lengths before extended attributes and before each of them. */
enum { LANGUAGE_ATTRIBUTE_LENGTH = 4 };

/* The bytes of the extended attributes that a value begins with, and of the length before them; 0:
 * they are malformed. */
size_t language_attributes_size(struct span value);

/* What the results of a subdocument command are, two bits for each spec, the first one lowest. */
enum language_result {
    LANGUAGE_DATA,
    LANGUAGE_FACT,  /* of the server: a count, or a virtual attribute such as $document */
    LANGUAGE_NAMES, /* of extended attributes: $XTOC */
    LANGUAGE_WHOLE, /* the document */
};

enum { LANGUAGE_SPECS = 16, LANGUAGE_RESULT_BITS = 2 };

static inline enum language_result language_result(uint32_t results, unsigned spec)
{
    return spec < LANGUAGE_SPECS
               ? (enum language_result)(results >> LANGUAGE_RESULT_BITS * spec & 3)
               : LANGUAGE_DATA;
}

struct language_specs {
    uint32_t results;
    bool counts; /* a number in the document */
    bool expands_macros;
    bool checksums; /* the document's is shown, or will be */
};

/* Of a request; all zero for other commands. */
struct language_specs language_specs_of(const struct dissect_frame *frame);

/* A path about a virtual attribute. */
bool language_is_virtual(uint8_t path_flags, struct span path);

#endif
