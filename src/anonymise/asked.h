/*
 * Requests of one conversation that wait for their answer, and so which key an answer is about that
 * names none.
 *
 * Opcode and opaque say it, unless several quiet requests have the same and some of them are not
 * answered: then any of them may have been. Which were is only known when a later request has been
 * answered that always is; the answers are taken to be those of the first requests until then, and
 * the keys of all are reported as alike.
 */
#ifndef KVREPLAY_ANONYMISE_ASKED_H
#define KVREPLAY_ANONYMISE_ASKED_H

#include "anonymise/names.h"
#include "dissect/dissect.h"

struct asked;

/* What a request is about. */
struct asked_subject {
    struct name key;
    struct name document; /* the key in its collection; zeros: it is not wanted */
    struct name number;   /* that it stores; zeros: none */
    uint32_t results;     /* of subdocument commands: see language_result() */
};

struct asked_listener {
    void *context;
    void (*alike)(void *context, const struct name *a, const struct name *b); /* NULL: not told */
};

struct asked *asked_create(void); /* NULL: no memory */

/* Whether the answer to a request has to be waited for, as it shows a key or an order. */
bool asked_matters(const struct mcbp_header *request);

/* True for opcodes of which an answer may be to any of several requests: it shows no key, and
 * that there is none shows nothing. */
bool asked_is_ambiguous(uint8_t opcode);

void asked_add(struct asked *asked, const struct dissect_frame *request,
               const struct asked_subject *subject, const struct asked_listener *listener);

/* What the request was about, NULL if there is none. `named`: the key in the answer, or NULL.
 * `any_order`: earlier requests may still be answered. */
const struct asked_subject *asked_answer(struct asked *asked, const struct dissect_frame *answer,
                                         const struct name *named, bool any_order,
                                         const struct asked_listener *listener);

/* NULL is fine. */
void asked_destroy(struct asked *asked, const struct asked_listener *listener);

#endif
