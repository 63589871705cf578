#include "bench/mix.h"

#include <stdlib.h>

enum { GET = 0x00, FLAGS_SIZE = 4 };

bool mix_init_uniform(struct mix *mix, size_t value_size, size_t depth)
{
    *mix = (struct mix){
        .responses = calloc(depth, sizeof(*mix->responses)),
        .responses_count = depth,
        .depths = calloc(1, sizeof(*mix->depths)),
        .batches_count = 1,
        .batches_seen = 1,
    };
    if (mix->responses == NULL || mix->depths == NULL) {
        mix_deinit(mix);
        return false;
    }
    mix->depths[0] = depth;
    for (size_t i = 0; i < depth; i++) {
        mix->responses[i] = (struct kvr_response){
            .magic = MCBP_CLIENT_RESPONSE,
            .opcode = GET,
            .opaque = (uint32_t)i,
            .cas = i + 1,
            .extras_size = FLAGS_SIZE,
            .value_size = value_size,
        };
    }
    return true;
}

void mix_deinit(struct mix *mix)
{
    free(mix->responses);
    free(mix->depths);
    *mix = (struct mix){0};
}

uint64_t mix_random(uint64_t *state)
{
    uint64_t number = *state += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}
