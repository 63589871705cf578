#include "replay/saved_item.h"

#include <stdlib.h>

bool saved_item_take(struct saved_item *saved, struct engine *engine, struct span key, int64_t now)
{
    engine_look(engine, key, now, &saved->item);
    struct span value = saved->item.value;
    saved->value = malloc(value.size > 0 ? value.size : 1);
    if (saved->value == NULL) {
        return false;
    }
    if (value.size > 0) {
        memcpy(saved->value, value.data, value.size);
    }
    saved->item.value = span_of(saved->value, value.size);
    return true;
}

bool saved_item_restore(const struct saved_item *saved, struct engine *engine, struct span key)
{
    return engine_seed(engine, key, &saved->item);
}

void saved_item_deinit(struct saved_item *saved)
{
    free(saved->value);
    saved->value = NULL;
}
