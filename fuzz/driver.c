/*
 * What calls a target. Built with a fuzzing engine (libFuzzer, AFL++, $LIB_FUZZING_ENGINE), the
 * engine has the main function and calls LLVMFuzzerTestOneInput. Built plain (FUZZ_PLAIN), the
 * program runs the files and folders that it is given, and says how many that were.
 */
#include "target.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

void fuzz_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

/* The linker sends getrandom here (--wrap): an input behaves the same in each run. */
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    memset(bytes, 0x5b, size);
    return (ssize_t)size;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    /* Memory is kept from input to input: the kernel's part in giving it back and having it again
     * takes longer than many a run. Only blocks so large that few of their pages are touched come
     * from there each time. A sanitizer's malloc takes no notice. */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    fuzz_begin();
    return 0;
}

/* An allocation of its exact size, so that AddressSanitizer sees a read of one byte too many. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    fuzz_target(size > 0 ? copy : copy + 1, size);
    free(copy);
    return 0;
}

#ifdef FUZZ_PLAIN

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 64 << 20 };

static unsigned inputs;

static bool run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size + 1);
    bool read = file != NULL && bytes != NULL && fread(bytes, 1, size, file) == size;
    if (read) {
        printf("%s\n", path); /* the last one printed is the one that crashed */
        fflush(stdout);
        LLVMFuzzerTestOneInput(bytes, size);
        inputs++;
    }
    if (file != NULL) {
        fclose(file);
    }
    free(bytes);
    return read;
}

static bool run_path(const char *path);

/* Texts beside the inputs (README.md, NAME.txt) are for people. */
static bool is_input(const char *name)
{
    const char *dot = strrchr(name, '.');
    return name[0] != '.' && (dot == NULL || (strcmp(dot, ".txt") != 0 && strcmp(dot, ".md") != 0));
}

static bool run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bool good = count >= 0;
    for (int i = 0; i < count; i++) {
        char inside[4096];
        snprintf(inside, sizeof(inside), "%s/%s", path, entries[i]->d_name);
        if (good && is_input(entries[i]->d_name)) {
            good = run_path(inside);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return good;
}

static bool run_path(const char *path)
{
    struct stat status;
    bool good =
        stat(path, &status) == 0 && status.st_size <= INPUT_MAX &&
        (S_ISDIR(status.st_mode) ? run_folder(path) : run_file(path, (size_t)status.st_size));
    if (!good && !S_ISDIR(status.st_mode)) {
        perror(path);
    }
    return good;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        good = run_path(argv[i]) && good;
    }
    printf("%u inputs ran\n", inputs);
    return good && inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
