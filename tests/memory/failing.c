/*
 * Preloaded into a program: its allocations are numbered from 1, and the one of number
 * KVREPLAY_FAIL_AT fails, or all from KVREPLAY_FAIL_FROM on. KVREPLAY_FAIL_COUNT names a file that
 * gets how many there were, unless it has more. A child goes on with its parent's numbers. The
 * names behind malloc's are glibc's.
 *
 * localhost has two addresses then, of which the first answers nobody: the next one is tried too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);

static atomic_uint_fast64_t number;
static uint64_t fail_at, fail_from = UINT64_MAX;
static bool counting;
static char count_path[4096];

static uint64_t number_in(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* glibc 2.36 crashes itself where its first look-up of a name finds no memory to read
 * nsswitch.conf. The look-ups of the program fail all the same. */
static void read_nsswitch(void)
{
    struct addrinfo *found;
    if (getaddrinfo("localhost", NULL, NULL, &found) == 0) {
        freeaddrinfo(found);
    }
}

/* One block for address and entry, as glibc's freeaddrinfo expects. 127.0.0.2 has no listener of
 * ours. */
static struct addrinfo *with_silent_address(const struct addrinfo *next)
{
    struct silent {
        struct addrinfo info;
        struct sockaddr_in address;
    } *silent = calloc(1, sizeof(*silent));
    if (silent == NULL) {
        return NULL;
    }
    silent->address = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = ((const struct sockaddr_in *)(const void *)next->ai_addr)->sin_port,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    silent->info = *next;
    silent->info.ai_family = AF_INET;
    silent->info.ai_addrlen = sizeof(silent->address);
    silent->info.ai_addr = (struct sockaddr *)&silent->address;
    silent->info.ai_canonname = NULL;
    return &silent->info;
}

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    int status = real(node, service, hints, found);
    if (status != 0 || node == NULL || strcmp(node, "localhost") != 0) {
        return status;
    }
    struct addrinfo *first = with_silent_address(*found);
    if (first == NULL) {
        freeaddrinfo(*found);
        return EAI_MEMORY;
    }
    first->ai_next = *found;
    *found = first;
    return 0;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("KVREPLAY_FAIL_COUNT");
    snprintf(count_path, sizeof(count_path), "%s", path == NULL ? "" : path);
    fail_at = number_in("KVREPLAY_FAIL_AT", 0);
    fail_from = number_in("KVREPLAY_FAIL_FROM", UINT64_MAX);
    read_nsswitch();
    counting = true;
}

/* A child's number may be larger. */
static void write_larger(int file)
{
    char text[32] = "";
    unsigned long long mine = atomic_load(&number);
    ssize_t size = read(file, text, sizeof(text) - 1);
    if (size < 0 || strtoull(text, NULL, 10) >= mine) {
        return;
    }
    size = snprintf(text, sizeof(text), "%llu\n", mine);
    if (pwrite(file, text, (size_t)size, 0) != size) {
        abort();
    }
}

__attribute__((destructor)) static void write_count(void)
{
    if (count_path[0] != '\0') {
        int file = open(count_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        write_larger(file);
        close(file);
    }
}

static bool fails(void)
{
    if (!counting) {
        return false;
    }
    uint64_t mine = atomic_fetch_add(&number, 1) + 1;
    bool failed = mine == fail_at || mine >= fail_from;
    if (failed) {
        errno = ENOMEM;
    }
    return failed;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = aligned_alloc(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}
