/*
 * Preloaded into a server: from SIGUSR1 to SIGUSR2 one in KVREPLAY_FAIL_EVERY allocations fails,
 * by KVREPLAY_SEED. The names behind malloc's are glibc's. OpenSSL's SSL_clear, which allocates
 * from OpenSSL 3.2 on, fails every time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static atomic_bool failing;
static atomic_uint_fast64_t number;
static uint64_t every, seed;
static int (*clear)(void *ssl); /* OpenSSL's own, if it is there */

static void on_signal(int signal)
{
    atomic_store(&failing, signal == SIGUSR1);
}

__attribute__((constructor)) static void prepare(void)
{
    const char *text = getenv("KVREPLAY_FAIL_EVERY");
    every = text == NULL ? 0 : strtoull(text, NULL, 0);
    text = getenv("KVREPLAY_SEED");
    seed = text == NULL ? 0 : strtoull(text, NULL, 0);
    clear = (int (*)(void *))dlsym(RTLD_NEXT, "SSL_clear");
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
}

/* A hash of how many there were: splitmix64. */
static bool fails(void)
{
    if (!atomic_load_explicit(&failing, memory_order_relaxed) || every == 0) {
        return false;
    }
    uint64_t x = seed + atomic_fetch_add(&number, 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    bool failed = (x ^ (x >> 31)) % every == 0;
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

int SSL_clear(void *ssl);

int SSL_clear(void *ssl)
{
    Dl_info caller;
    bool libevent = dladdr(__builtin_return_address(0), &caller) != 0 &&
                    strstr(caller.dli_fname, "libevent") != NULL;
    return atomic_load(&failing) && libevent ? 0 : clear(ssl);
}
