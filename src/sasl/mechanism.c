#include "sasl/mechanism.h"

static const char *const names[SASL_MECHANISM_COUNT] = {
    [SASL_SCRAM_SHA512] = "SCRAM-SHA512",
    [SASL_SCRAM_SHA256] = "SCRAM-SHA256",
    [SASL_SCRAM_SHA1] = "SCRAM-SHA1",
    [SASL_PLAIN] = "PLAIN",
};

bool sasl_mechanism_find(struct span name, enum sasl_mechanism *mechanism)
{
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (span_equal(name, span_of(names[i], strlen(names[i])))) {
            *mechanism = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

const char *sasl_mechanism_name(enum sasl_mechanism mechanism)
{
    return names[mechanism];
}

/* Takes the name that the list begins with, and the blank behind it. */
static struct span take_name(struct span *list)
{
    const uint8_t *blank = list->size == 0 ? NULL : memchr(list->data, ' ', list->size);
    size_t size = blank == NULL ? list->size : (size_t)(blank - list->data);
    struct span name = span_head(*list, size);
    *list = span_skip(*list, blank == NULL ? size : size + 1);
    return name;
}

bool sasl_mechanism_choose(struct span list, bool allow_plain, enum sasl_mechanism *mechanism)
{
    enum sasl_mechanism best = SASL_MECHANISM_COUNT;
    while (list.size > 0) {
        enum sasl_mechanism found;
        if (sasl_mechanism_find(take_name(&list), &found) && found < best &&
            (found != SASL_PLAIN || allow_plain)) {
            best = found;
        }
    }
    *mechanism = best;
    return best != SASL_MECHANISM_COUNT;
}
