/*
 * The mutator for libFuzzer; one call in four goes to its own mutations. The environment variable
 * KVREPLAY_FUZZ_TARGET asks for the form of another target's inputs (fuzz/speed).
 */
#include "mutator.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max, unsigned seed);

static const struct form *own_form(void)
{
    static const struct form *form;
    if (form == NULL) {
        const char *target = getenv("KVREPLAY_FUZZ_TARGET");
        form = form_find(target == NULL ? FUZZ_NAME : target);
        if (form == NULL) {
            abort(); /* the variable names no target */
        }
    }
    return form;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    if (seed % 4 == 0 && LLVMFuzzerMutate != NULL) {
        return LLVMFuzzerMutate(data, size, max);
    }
    return mutate(own_form(), data, size, max, seed / 4);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max, unsigned seed)
{
    return mutate_splice(own_form(), a, a_size, b, b_size, out, max, seed);
}
