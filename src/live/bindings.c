#include "live/bindings.h"

enum { VBUCKET_SHIFT = 48 }; /* sequence numbers have 48 bits in kv_engine */

void bindings_deinit(struct bindings *bindings)
{
    for (unsigned i = 0; i < BOUND_VALUES; i++) {
        value_map_deinit(&bindings->of[i]);
    }
}

/* Of a vbucket's own and, but for the CAS, not 0, which maps have for "none". */
static uint64_t mark(const struct bound *bound)
{
    uint64_t vbucket = (uint64_t)bound->vbucket << VBUCKET_SHIFT;
    return bound->kind == BOUND_CAS ? vbucket : vbucket ^ UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t marked(const struct bound *bound, uint64_t value)
{
    uint64_t number = value ^ mark(bound);
    return number == 0 ? 1 : number;
}

enum bound_known bindings_note(struct bindings *bindings, const struct bound *from, uint64_t to,
                               uint64_t *expected)
{
    uint64_t belongs;
    uint64_t given = marked(from, to);
    enum value_known known =
        value_map_note(&bindings->of[from->kind], marked(from, from->value), given, &belongs);
    *expected = to;
    if (known != VALUE_CONFLICT) {
        return known == VALUE_NEW ? BOUND_NEW : BOUND_KNOWN;
    }
    if (belongs == 0 || belongs == given) {
        *expected = from->value == to ? ~to : from->value;
        return BOUND_TWICE;
    }
    *expected = belongs ^ mark(from);
    return BOUND_ANOTHER;
}

bool bindings_find(struct bindings *bindings, const struct bound *from, uint64_t *to)
{
    bool found = value_map_find(&bindings->of[from->kind], marked(from, from->value), to);
    *to = found ? *to ^ mark(from) : 0;
    return found;
}

bool bindings_is_given(struct bindings *bindings, const struct bound *to)
{
    return value_map_is_given(&bindings->of[to->kind], marked(to, to->value));
}
