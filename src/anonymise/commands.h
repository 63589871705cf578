/*
 * Values of Couchbase's commands other than whole documents: what of them is kept, as a server or
 * a client acts on it, and what the rest becomes. A list of exceptions, as rules.h has it.
 */
#ifndef KVREPLAY_ANONYMISE_COMMANDS_H
#define KVREPLAY_ANONYMISE_COMMANDS_H

#include "anonymise/body.h"
#include "anonymise/keys.h"
#include "anonymise/language.h"

enum commands_became {
    COMMANDS_UNKNOWN,  /* there is no rule, and nothing has changed */
    COMMANDS_REPLACED, /* what of it says something */
};

struct commands_value {
    const struct body_manner *manner; /* of the document that the frame is about */
    const struct language *language;
    const struct dissect_frame *frame;
    const struct keys *keys;
    uint32_t results; /* that a subdocument command asked for */
};

/* `bytes`: a copy of the frame's value. */
enum commands_became commands_replace_value(const struct commands_value *value, uint8_t *bytes);

/* Of a key that is no document's. `bytes`: a copy of it. */
enum commands_became commands_replace_key(const struct keys *keys,
                                          const struct dissect_frame *frame, uint8_t *bytes);

#endif
