/*
 * Preloaded into a program (LD_PRELOAD), counts its allocations, those of its libraries included,
 * and appends the number to the file that BENCH_ALLOCATIONS names when the program ends.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own, under the names by which it exports them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static atomic_ullong allocations;

void *malloc(size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(memory, size);
}

static void tell(void) __attribute__((destructor));

static void tell(void)
{
    char line[32];
    const char *path = getenv("BENCH_ALLOCATIONS");
    int file = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int size = snprintf(line, sizeof(line), "%llu\n", atomic_load(&allocations));
    if (file >= 0) {
        if (write(file, line, (size_t)size) != size) {
            perror(path);
        }
        close(file);
    }
}
