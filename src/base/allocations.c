/*
 * This program's calls of malloc and its kin. The linker puts these in their place (--wrap); a
 * library's own calls are not among them.
 */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__real_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);
FILE *__real_open_memstream(char **bytes, size_t *size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_vasprintf(char **text, const char *format, va_list arguments);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);
FILE *__wrap_open_memstream(char **bytes, size_t *size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_vasprintf(char **text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of nothing at all, NULL is no failure. */
static inline void *checked(void *block, size_t size)
{
    if (block == NULL && size > 0) {
        memory_note_failure();
    }
    return block;
}

void *__wrap_malloc(size_t size)
{
    memory_note_allocation(size);
    return checked(__real_malloc(size), size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    memory_note_allocation(count * size);
    return checked(__real_calloc(count, size), count > 0 ? size : 0);
}

void *__wrap_realloc(void *block, size_t size)
{
    memory_note_allocation(size);
    return checked(__real_realloc(block, size), size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    memory_note_allocation(count * size);
    return checked(__real_reallocarray(block, count, size), count > 0 ? size : 0);
}

char *__wrap_strdup(const char *text)
{
    return checked(__real_strdup(text), 1);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return checked(__real_strndup(text, size), 1);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    int length = __real_vasprintf(text, format, arguments);
    if (length < 0) {
        memory_note_failure();
    }
    return length;
}

int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = __wrap_vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

/* ------------------------------------------------------------------- what needs memory, too */

static FILE *checked_file(FILE *file)
{
    if (file == NULL) {
        memory_note_errno();
    }
    return file;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return checked_file(__real_fopen(path, mode));
}

FILE *__wrap_fdopen(int fd, const char *mode)
{
    return checked_file(__real_fdopen(fd, mode));
}

FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
    return checked_file(__real_fopencookie(cookie, mode, functions));
}

FILE *__wrap_open_memstream(char **bytes, size_t *size)
{
    return checked_file(__real_open_memstream(bytes, size));
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *mapped = __real_mmap(address, size, protection, flags, fd, offset);
    if (mapped == MAP_FAILED) {
        memory_note_errno();
    }
    return mapped;
}
