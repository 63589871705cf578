#include "replay/alternates.h"

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

static void drop(struct alternates *alternates, struct alternate *alternate)
{
    alternates->lasting -= alternate->used && alternate->lasting;
    saved_item_deinit(&alternate->saved);
    alternate->used = false;
}

void alternates_deinit(struct alternates *alternates)
{
    for (size_t i = 0; i < ALTERNATES_MAX; i++) {
        if (alternates->ring[i].used) {
            drop(alternates, &alternates->ring[i]);
        }
    }
}

void alternates_add(struct alternates *alternates, struct span key, uint64_t key_hash,
                    uint64_t connection, uint64_t until, bool lasting, struct saved_item *saved)
{
    struct alternate *alternate = &alternates->ring[alternates->next++ % ALTERNATES_MAX];
    if (alternate->used) {
        drop(alternates, alternate);
    }
    if (key.size > ALTERNATE_KEY_MAX) {
        saved_item_deinit(saved);
        return;
    }
    *alternate = (struct alternate){
        .used = true,
        .lasting = lasting,
        .key_hash = key_hash,
        .connection = connection,
        .until = until,
        .key_size = key.size,
        .saved = *saved,
    };
    memcpy(alternate->key, key.data, key.size);
    alternates->lasting += lasting;
    if (until > alternates->latest_until) {
        alternates->latest_until = until;
    }
}

void alternates_changed(struct alternates *alternates, struct span key, uint64_t key_hash,
                        uint64_t sequence)
{
    for (size_t i = 0; alternates->lasting > 0 && i < ALTERNATES_MAX; i++) {
        struct alternate *alternate = &alternates->ring[i];
        if (alternate_is_of(alternate, key, key_hash) && alternate->lasting &&
            sequence >= alternate->until) {
            drop(alternates, alternate);
        }
    }
}

bool alternates_overlap(const struct alternates *alternates, struct span key, uint64_t key_hash,
                        uint64_t sequence, uint64_t connection)
{
    if (sequence >= alternates->latest_until) {
        return false;
    }
    for (size_t i = 0; i < ALTERNATES_MAX; i++) {
        const struct alternate *alternate = &alternates->ring[i];
        if (alternate_is_of(alternate, key, key_hash) && alternate->connection != connection &&
            sequence < alternate->until) {
            return true;
        }
    }
    return false;
}
