#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

void guarded_init(struct guarded *guarded)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded->size = GUARDED_MAX;
    guarded->pages = mmap(NULL, guarded->size + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(guarded->pages, MAP_FAILED);
    assert_int_equal(mprotect(guarded->pages + guarded->size, page, PROT_NONE), 0);
}

void guarded_deinit(struct guarded *guarded)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(guarded->pages, guarded->size + page);
}

struct span guarded_copy(struct guarded *guarded, const void *bytes, size_t size)
{
    assert_true(size <= guarded->size);
    uint8_t *copy = guarded->pages + guarded->size - size;
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return span_of(copy, size);
}
