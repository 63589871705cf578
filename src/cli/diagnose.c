#include "cli/diagnose.h"

#include "report/printable.h"
#include "result/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

__attribute__((format(printf, 1, 0))) static void write_message(const char *format,
                                                                va_list arguments)
{
    char *message;
    int size = vasprintf(&message, format, arguments);
    fputs("kvreplay: ", stderr);
    printable_write_text(stderr, size < 0 ? "out of memory" : message);
    fputc('\n', stderr);
    if (size >= 0) {
        free(message);
    }
}

void diagnose(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_message(format, arguments);
    va_end(arguments);
}

void diagnose_and_exit(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_message(format, arguments);
    va_end(arguments);
    exit(status);
}

/* Lines stay lines. */
static ssize_t write_printable(void *context, const char *bytes, size_t size)
{
    struct span rest = span_of(bytes, size);
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t line = end == NULL ? rest.size : (size_t)(end - rest.data);
        printable_write_some(context, span_of(rest.data, line));
        if (end != NULL) {
            fputc('\n', context);
            line++;
        }
        rest = span_skip(rest, line);
    }
    return (ssize_t)size;
}

void diagnose_arguments(const struct argp *argp, int argc, char **argv, unsigned flags, void *input)
{
    /* What argp and getopt say goes to stderr, and then they end the program, which flushes it. */
    const cookie_io_functions_t functions = {.write = write_printable};
    FILE *terminal = stderr;
    FILE *printable = fopencookie(terminal, "w", functions);
    if (printable != NULL) {
        setvbuf(printable, NULL, _IOLBF, 0); /* a plug-in's process, forked meanwhile, keeps it */
        stderr = printable;
    }
    error_t error = argp_parse(argp, argc, argv, flags, NULL, input);
    stderr = terminal;
    if (printable != NULL) {
        fclose(printable);
    }
    if (error != 0) { /* the parsers return none */
        diagnose("%s", strerror(ENOMEM));
        exit(VERIFY_INTERNAL);
    }
}
