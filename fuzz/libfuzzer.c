/* The mutator for libFuzzer; one call in four goes to its own mutations. */
#include <stddef.h>
#include <stdint.h>

#include "mutator.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    if (seed % 4 == 0 && LLVMFuzzerMutate != NULL) {
        return LLVMFuzzerMutate(data, size, max);
    }
    return mutate(form_find(FUZZ_NAME), data, size, max, seed / 4);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t max, unsigned seed)
{
    return mutate_splice(form_find(FUZZ_NAME), a, a_size, b, b_size, out, max, seed);
}
