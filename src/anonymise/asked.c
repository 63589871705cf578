#include "anonymise/asked.h"

#include "mcbp/form.h"
#include "mcbp/opcode.h"

#include <stdlib.h>

enum { ASKED_MAX = 1024 }; /* more are not waited for: the oldest answers will not be known */

struct request {
    struct asked_subject subject;
    uint32_t opaque;
    int32_t id; /* of the datagram, over UDP */
    uint8_t opcode;
    bool answered; /* quiet ones wait on, for what was asked behind them */
    bool settled;
};

struct asked {
    struct request requests[ASKED_MAX];
    size_t first;
    size_t count;
};

struct asked *asked_create(void)
{
    return calloc(1, sizeof(struct asked));
}

static struct request *asked_at(struct asked *self, size_t i)
{
    return &self->requests[(self->first + i) % ASKED_MAX];
}

bool asked_matters(const struct mcbp_header *request)
{
    bool answered_once = mcbp_opcode_is_keyed(request->opcode) || request->opcode == MCBP_NOOP;
    return mcbp_opcode_retrieves(request->opcode) ||
           (answered_once && !mcbp_opcode_is_quiet(request->opcode));
}

bool asked_is_ambiguous(uint8_t opcode)
{
    return mcbp_opcode_retrieves(opcode) && mcbp_opcode_is_quiet(opcode) &&
           !mcbp_form_repeats_key(opcode);
}

static bool looks_like(const struct request *a, const struct request *b)
{
    return a->opcode == b->opcode && a->opaque == b->opaque && a->id == b->id;
}

/* If some requests that look like this one were answered and others were not. */
static void settle_one(struct asked *self, size_t from, size_t count,
                       const struct asked_listener *listener)
{
    struct request *one = asked_at(self, from);
    bool some = one->answered;
    bool all = some;
    for (size_t i = from + 1; i < count; i++) {
        if (looks_like(asked_at(self, i), one)) {
            asked_at(self, i)->settled = true;
            some |= asked_at(self, i)->answered;
            all &= asked_at(self, i)->answered;
        }
    }
    for (size_t i = from + 1; i < count && some && !all; i++) {
        if (looks_like(asked_at(self, i), one)) {
            listener->alike(listener->context, &one->subject.key, &asked_at(self, i)->subject.key);
        }
    }
}

/* No answer to any of the first requests will come any more. */
static void settle(struct asked *self, size_t count, const struct asked_listener *listener)
{
    for (size_t i = 0; i < count && listener->alike != NULL; i++) {
        if (!asked_at(self, i)->settled && asked_is_ambiguous(asked_at(self, i)->opcode)) {
            settle_one(self, i, count, listener);
        }
    }
    self->first = (self->first + count) % ASKED_MAX;
    self->count -= count;
}

void asked_add(struct asked *self, const struct dissect_frame *request,
               const struct asked_subject *subject, const struct asked_listener *listener)
{
    if (self->count == ASKED_MAX) {
        settle(self, ASKED_MAX / 2, listener);
    }
    *asked_at(self, self->count++) = (struct request){
        .subject = *subject,
        .opaque = request->frame.header.opaque,
        .id = request->request_id,
        .opcode = request->frame.header.opcode,
    };
}

static bool asked_find(struct asked *self, const struct request *like, const struct name *named,
                       size_t *index)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct request *request = asked_at(self, i);
        if (!request->answered && looks_like(request, like) &&
            (named == NULL || memcmp(named, &request->subject.key, sizeof(*named)) == 0)) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* Of the first requests. */
static size_t count_answered(struct asked *self)
{
    size_t count = 0;
    while (count < self->count && asked_at(self, count)->answered) {
        count++;
    }
    return count;
}

const struct asked_subject *asked_answer(struct asked *self, const struct dissect_frame *answer,
                                         const struct name *named, bool any_order,
                                         const struct asked_listener *listener)
{
    struct request like = {
        .opaque = answer->frame.header.opaque,
        .id = answer->request_id,
        .opcode = answer->frame.header.opcode,
    };
    size_t i;
    if (!asked_find(self, &like, named, &i) &&
        (named == NULL || !asked_find(self, &like, NULL, &i))) {
        return NULL;
    }
    struct request *request = asked_at(self, i);
    request->answered = true;
    if (any_order) {
        settle(self, count_answered(self), listener);
        return &request->subject;
    }
    if (!mcbp_opcode_is_quiet(request->opcode)) {
        settle(self, i + 1, listener);
    }
    return &request->subject;
}

void asked_destroy(struct asked *self, const struct asked_listener *listener)
{
    if (self != NULL) {
        settle(self, self->count, listener);
        free(self);
    }
}
