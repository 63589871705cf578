/*
 * The value of a document in Couchbase's language, or a part of one: JSON or not, with extended
 * attributes before it, compressed. What a server does with it gives the same result with its
 * replacement: names become what they become in paths, and lengths and structure stay.
 */
#ifndef KVREPLAY_ANONYMISE_BODY_H
#define KVREPLAY_ANONYMISE_BODY_H

#include "anonymise/alphabet.h"
#include "anonymise/sums.h"

struct body_manner {
    struct secret *secret;
    const struct alphabet *alphabet; /* NULL: pieces are replaced one by one */
    bool keeps_numbers;              /* they are counted with */
    bool keeps_macros;               /* and strings that a server has made of macros, */
    const struct sums *sums;         /* of which checksums become those of what values become */
    void *context;
    /* Replaces what is not JSON, so that it still is none. */
    void (*opaque)(void *context, uint8_t *bytes, size_t size);
};

/* `datatype` has bits of enum mcbp_datatype; JSON's is not looked at. False: no memory. */
bool body_replace(const struct body_manner *manner, uint8_t datatype, uint8_t *bytes, size_t size);

/* A path of a subdocument command. */
void body_replace_path(const struct body_manner *manner, uint8_t *bytes, size_t size);

/*
 * Pins what an alphabet may not change: in a compressed value, bytes that are copied from where
 * they may change to where they may not, or the other way round; with `all`, any that somewhere
 * may not. *json: the value, inflated, is JSON or has extended attributes. False: no memory.
 */
bool body_pin(const struct body_manner *manner, uint8_t datatype, struct span value, bool all,
              struct alphabet_pins *pins, bool *json);

#endif
