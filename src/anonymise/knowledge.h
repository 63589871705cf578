/*
 * What has to be known of a whole capture before its first value is replaced, so that what a server
 * does with values gives the same result with their replacements:
 *
 *   counters  keys that INCREMENT or DECREMENT named
 *   joined    keys that APPEND or PREPEND named, and the pieces that their values are put together
 *             of: the replacement of a value is those of its pieces
 *
 *
 * Of keys in Couchbase's dialect, whether range scans show their order (keys.h). Of documents
 * there:
 *
 *   counted   SUBDOC_COUNTER changed a number in them
 *   macros    values were made of macros
 *   alphabet  they were compressed, or joined and JSON: bytes become bytes (alphabet.h)
 *   sums      their checksums are shown: what those become (sums.h)
 *
 * Also which retrieval a response without a key answers. Where that may be one of several, their
 * keys are alike: they share the pieces, so that a value becomes the same whoever's it is. If some
 * of them are counters, it is one's if it has the CAS and the number that one surely had.
 */
#ifndef KVREPLAY_ANONYMISE_KNOWLEDGE_H
#define KVREPLAY_ANONYMISE_KNOWLEDGE_H

#include "anonymise/asked.h"
#include "anonymise/bifix.h"
#include "anonymise/body.h"
#include "anonymise/keys.h"
#include "anonymise/language.h"
#include "anonymise/sums.h"

enum { PIECES_BYTES_MAX = 64 * 1024 * 1024 };

struct known_key;

struct knowledge { /* all zero but for the secret to begin with */
    struct secret *secret;
    struct names names; /* of keys; their numbers index `known` */
    struct known_key *known;
    size_t known_room;
    struct keys keys;      /* what they become */
    struct sums sums;      /* and their documents' checksums */
    bool settled;          /* the first pass is over */
    bool counted;          /* there are counters */
    bool joined;           /* there are joined ones */
    bool compressed;       /* there are compressed ones */
    bool mixed;            /* some are alike and not all of them counters */
    struct names versions; /* of counters that are like others: CAS and number */
    size_t pieces_bytes;   /* of all keys */
    uint64_t forgotten;    /* values that could not be kept for want of room */
    bool no_memory;
};

void knowledge_deinit(struct knowledge *knowledge);

/* Which keys need attention. First pass; *asked is the conversation's in each, NULL at first. */
void knowledge_note_key(struct knowledge *knowledge, struct asked **asked,
                        const struct language *language, const struct dissect_frame *frame);

/* The conversation is over. */
void knowledge_close(struct knowledge *knowledge, struct asked *asked);

/* Between the first pass and the others. */
void knowledge_settle(struct knowledge *knowledge);

/* Between the second pass, if there is one, and those after it. */
void knowledge_settle_values(struct knowledge *knowledge);

/* Whether a second pass has to look at values. */
bool knowledge_wants_values(const struct knowledge *knowledge);

/* What a frame is about, that of a response being the request's. */
struct about {
    bool counter; /* the key of a counter */
    bool joined;  /* a key whose values are cut into pieces, those of the key with that number */
    bool learn;   /* the value is put together of such, or others are of it */
    bool mixed;   /* the key of a counter, and there are others like it */
    uint64_t number;
    struct name stored; /* the number that the request stores; zeros: none */
    /* In Couchbase's dialect: */
    bool mapped;        /* its values may come to have an alphabet */
    bool counts_within; /* the document has numbers that are counted with */
    bool has_macros;
    const struct alphabet *alphabet; /* NULL: none */
    uint32_t results;                /* that a subdocument command asked for */
    struct name document;            /* the key in its collection, while sums are learned */
};

/* Follows requests and responses. */
struct about knowledge_about(struct knowledge *knowledge, struct asked **asked,
                             const struct language *language, const struct dissect_frame *frame);

/* The same of a document of another key than the frame's, as scans have them. */
struct about knowledge_about_key(struct knowledge *knowledge, struct span key);

/* What was stored, joined, read, or counted. Second pass. */
void knowledge_note_value(struct knowledge *knowledge, const struct about *about,
                          const struct dissect_frame *frame);

/* The same of the documents of a frame in Couchbase's dialect. */
void knowledge_note_documents(struct knowledge *knowledge, const struct about *about,
                              const struct dissect_frame *frame);

/* The keys of a frame in Couchbase's dialect, if their order matters. */
void knowledge_note_order(struct knowledge *knowledge, const struct language *language,
                          const struct dissect_frame *frame);

/* The size of the first piece of a value: all of it unless the key was appended to. *beside is
 * where to keep what it becomes, see bifix_first. */
size_t knowledge_piece(const struct knowledge *knowledge, const struct about *about,
                       struct span value, void ***beside);

#endif
