#include "cli/libraries.h"

#include "result/result.h"

#include <event2/event.h>
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool openssl_goes_on;

/* Returns the block. Without one it ends the program, after what is written is in its file. */
static void *libraries_insist(void *block)
{
    static const char message[] = "kvreplay: out of memory\n";
    if (block == NULL) {
        ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
        (void)written;
        fflush(NULL);
        _exit(VERIFY_INTERNAL);
    }
    return block;
}

/* OpenSSL 3.0 reads through NULL where it had no memory while it sets itself up. */
static void *had(void *block)
{
    return openssl_goes_on ? block : libraries_insist(block);
}

static void *libraries_allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? had(malloc(size)) : NULL;
}

static void *resize(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return had(realloc(block, size));
}

static void libraries_release(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

static void *allocate_or_end(size_t size)
{
    return libraries_insist(malloc(size));
}

static void *resize_or_end(void *block, size_t size)
{
    return libraries_insist(realloc(block, size));
}

void libraries_let_libevent_end(void)
{
    event_set_mem_functions(allocate_or_end, resize_or_end, free);
}

void libraries_let_openssl_go_on(void)
{
    openssl_goes_on = true;
}

void libraries_share_malloc(void)
{
    event_set_mem_functions(malloc, realloc, free);
    json_set_alloc_funcs(malloc, free);
    xmlMemSetup(free, malloc, realloc, strdup);
    CRYPTO_set_mem_functions(libraries_allocate, resize, libraries_release);
}
