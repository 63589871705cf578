/*
 * The mutator for AFL++: a shared object that AFL_CUSTOM_MUTATOR_LIBRARY names. The environment
 * variable KVREPLAY_FUZZ_TARGET says whose inputs these are.
 */
#include "mutator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mutator {
    const struct form *form;
    struct random random;
    uint8_t *out;
    size_t room;
};

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *add,
                       size_t add_size, size_t max);
const char *afl_custom_describe(void *data, size_t max);
void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned seed)
{
    (void)afl;
    const char *target = getenv("KVREPLAY_FUZZ_TARGET");
    const struct form *form = target == NULL ? NULL : form_find(target);
    struct mutator *mutator = form == NULL ? NULL : calloc(1, sizeof(*mutator));
    if (mutator == NULL) {
        fprintf(stderr, "KVREPLAY_FUZZ_TARGET: not a target: %s\n", target == NULL ? "" : target);
        abort();
    }
    mutator->form = form;
    mutator->random.state = seed;
    return mutator;
}

size_t afl_custom_fuzz(void *data, uint8_t *input, size_t size, uint8_t **out, uint8_t *add,
                       size_t add_size, size_t max)
{
    struct mutator *mutator = data;
    if (mutator->room < max) {
        free(mutator->out);
        mutator->out = malloc(max);
        mutator->room = mutator->out == NULL ? 0 : max;
    }
    *out = mutator->out;
    if (mutator->out == NULL || size > max) {
        return 0;
    }
    uint32_t seed = random_below(&mutator->random, UINT32_MAX);
    if (add != NULL && add_size > 0 && seed % 8 == 0) {
        size = mutate_splice(mutator->form, input, size, add, add_size, mutator->out, max, seed);
    } else {
        memcpy(mutator->out, input, size);
    }
    return mutate(mutator->form, mutator->out, size, max, seed);
}

const char *afl_custom_describe(void *data, size_t max)
{
    (void)data;
    (void)max;
    return "structure";
}

void afl_custom_deinit(void *data)
{
    struct mutator *mutator = data;
    free(mutator->out);
    free(mutator);
}
