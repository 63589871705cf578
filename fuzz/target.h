/*
 * What every fuzz target is: a function on (data, size), and what it uses to take its input apart
 * and to say what is wrong. A target keeps nothing from one input to the next that could be seen,
 * and uses no sockets, threads, clocks or randomness: seeds of hashes are the same in each run.
 */
#ifndef KVREPLAY_FUZZ_TARGET_H
#define KVREPLAY_FUZZ_TARGET_H

#include "base/endian.h"
#include "base/span.h"

/* Runs one input; the bytes lie in an allocation of exactly that size. Ends the process with
 * fuzz_fail if anything is not as it has to be. */
void fuzz_target(const uint8_t *data, size_t size);

/* Before the first input. */
void fuzz_begin(void);

/* Prints what does not hold, and aborts. */
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* As assert, but in every build: the oracles of the targets. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(#condition, __FILE__, __LINE__);                                             \
        }                                                                                          \
    } while (0)

/*
 * For oracles: not instrumented. Their branches and comparisons tell a fuzzer nothing that the code
 * under test does not, and each costs more to count than to make.
 */
#ifdef __clang__
#define UNCOUNTED __attribute__((no_sanitize("coverage"), noinline))
#else
#define UNCOUNTED
#endif

/* Bytes that may not be read, as far as AddressSanitizer is there to see it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAS_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#define FORBID(bytes) __asan_poison_memory_region((bytes).data, (bytes).size)
#define ALLOW(bytes)  __asan_unpoison_memory_region((bytes).data, (bytes).size)
#else
#define FORBID(bytes) ((void)(bytes))
#define ALLOW(bytes)  ((void)(bytes))
#endif

/* ------------------------------------------------------------------------- input, bit by bit */

/* Takes `size` bytes off the input, or what there is. */
static inline struct span take(struct span *input, size_t size)
{
    struct span head = span_head(*input, size < input->size ? size : input->size);
    *input = span_skip(*input, head.size);
    return head;
}

/* A number in network order; bytes that are not there are 0. */
static inline uint64_t take_number(struct span *input, size_t size)
{
    struct span bytes = take(input, size);
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number << 8 | (i < bytes.size ? bytes.data[i] : 0);
    }
    return number;
}

static inline uint8_t take_8(struct span *input)
{
    return (uint8_t)take_number(input, 1);
}

static inline uint16_t take_16(struct span *input)
{
    return (uint16_t)take_number(input, 2);
}

static inline uint32_t take_32(struct span *input)
{
    return (uint32_t)take_number(input, 4);
}

#endif
