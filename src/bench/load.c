#include "bench/load.h"

#include <stdlib.h>
#include <string.h>

enum {
    PLACES = 4096,   /* bytes over which the parts' beginnings are spread */
    PLACE_STEP = 64, /* between the values of successive responses */
    KEY_PLACE = 17,  /* keys, extras and framing extras begin elsewhere than values */
    EXTRAS_PLACE = 5,
    FRAMING_EXTRAS_PLACE = 11,
};

static void load_retain(struct kvr_value_owner *owner)
{
    atomic_fetch_add(&((struct load_item *)owner)->references, 1);
}

static void load_release(struct kvr_value_owner *owner)
{
    atomic_fetch_sub(&((struct load_item *)owner)->references, 1);
}

static size_t longer(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t longest_part(const struct mix *mix)
{
    size_t longest = UINT8_MAX; /* extras */
    for (size_t i = 0; i < mix->responses_count; i++) {
        longest = longer(longest, mix->responses[i].value_size);
        longest = longer(longest, mix->responses[i].key_size);
    }
    return longest;
}

static uint8_t *random_bytes(size_t size, uint64_t seed)
{
    uint8_t *bytes = malloc(size + sizeof(uint64_t));
    for (size_t i = 0; bytes != NULL && i < size; i += sizeof(uint64_t)) {
        uint64_t number = mix_random(&seed);
        memcpy(bytes + i, &number, sizeof(number));
    }
    return bytes;
}

static void place_parts(struct load *load)
{
    for (size_t i = 0; i < load->responses_count; i++) {
        struct kvr_response *response = &load->responses[i];
        const uint8_t *place = load->parts + i * PLACE_STEP % PLACES;
        response->value = place;
        response->key = place + KEY_PLACE;
        response->extras = place + EXTRAS_PLACE;
        response->framing_extras = place + FRAMING_EXTRAS_PLACE;
        if (load->items != NULL) {
            load->items[i].owner = (struct kvr_value_owner){load_retain, load_release};
            response->value_owner = &load->items[i].owner;
        }
    }
}

static bool size_batches(struct load *load, const size_t *depths)
{
    const struct kvr_response *next = load->responses;
    for (size_t i = 0; i < load->batches_count; i++) {
        struct load_batch *batch = &load->batches[i];
        *batch = (struct load_batch){.responses = next, .count = depths[i]};
        for (size_t j = 0; j < batch->count; j++) {
            size_t size;
            if (kvr_size(&next[j], &size) != KVR_OK) {
                return false;
            }
            batch->bytes += size;
        }
        next += batch->count;
        load->bytes += batch->bytes;
        load->longest = longer(load->longest, batch->bytes);
    }
    return true;
}

bool load_init(struct load *load, const struct mix *mix, bool with_owners, uint64_t seed)
{
    *load = (struct load){
        .batches = calloc(mix->batches_count, sizeof(*load->batches)),
        .batches_count = mix->batches_count,
        .responses = calloc(mix->responses_count, sizeof(*load->responses)),
        .responses_count = mix->responses_count,
        .items = with_owners ? calloc(mix->responses_count, sizeof(*load->items)) : NULL,
        .parts = random_bytes(PLACES + KEY_PLACE + longest_part(mix), seed),
    };
    bool whole = load->batches != NULL && load->responses != NULL && load->parts != NULL &&
                 (load->items != NULL || !with_owners);
    if (whole) {
        memcpy(load->responses, mix->responses, mix->responses_count * sizeof(*load->responses));
        place_parts(load);
        whole = size_batches(load, mix->depths);
    }
    if (!whole) {
        load_deinit(load);
    }
    return whole;
}

void load_deinit(struct load *load)
{
    free(load->batches);
    free(load->responses);
    free(load->items);
    free(load->parts);
    *load = (struct load){0};
}

size_t load_references(const struct load *load)
{
    size_t references = 0;
    for (size_t i = 0; load->items != NULL && i < load->responses_count; i++) {
        references += atomic_load(&load->items[i].references);
    }
    return references;
}
