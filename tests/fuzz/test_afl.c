/*
 * test_afl AFL_MUTATOR: the mutator as AFL++ loads it, called as AFL++ calls it. Its symbols meet
 * those of the program and of libc there.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *(*init_function)(void *afl, unsigned seed);
typedef size_t (*fuzz_function)(void *data, uint8_t *input, size_t size, uint8_t **out,
                                uint8_t *add, size_t add_size, size_t max);
typedef void (*deinit_function)(void *data);

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(EXIT_FAILURE);
    }
    return symbol;
}

static void run(void *library, const char *target)
{
    enum { ROUNDS = 3000, MAX = 5000 };
    uint8_t input[200] = {0x80, 0x01, 0, 3, 8};
    uint8_t add[100] = {0x81, 0x00};
    setenv("KVREPLAY_FUZZ_TARGET", target, 1);
    void *mutator = ((init_function)find(library, "afl_custom_init"))(NULL, 1);
    fuzz_function fuzz = (fuzz_function)find(library, "afl_custom_fuzz");
    unsigned changed = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t *out = NULL;
        size_t size = fuzz(mutator, input, sizeof(input), &out, add, sizeof(add), MAX);
        if (out == NULL || size > MAX) {
            fprintf(stderr, "%s: %zu bytes, over %d\n", target, size, MAX);
            exit(EXIT_FAILURE);
        }
        changed += size != sizeof(input) || memcmp(input, out, size) != 0;
    }
    if (changed < ROUNDS / 2) {
        fprintf(stderr, "%s: only %u of %d inputs were changed\n", target, changed, ROUNDS);
        exit(EXIT_FAILURE);
    }
    ((deinit_function)find(library, "afl_custom_deinit"))(mutator);
}

int main(int argc, char **argv)
{
    static const char *const targets[] = {"response",  "chunks",     "frame", "execute",
                                          "frameinfo", "decode",     "mask",  "savefile",
                                          "verify",    "reassembly", "subdoc"};
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL) {
        fprintf(stderr, "usage: test_afl AFL_MUTATOR\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        run(library, targets[i]);
    }
    dlclose(library);
    return EXIT_SUCCESS;
}
