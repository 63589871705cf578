#include "record/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 256 * 1024,
    FILE_MODE = 0600,   /* it has keys and values, and may have credentials */
    PACKET_AROUND = 35, /* what a block adds to a packet, at most */
};

struct tape {
    struct tape_options options;
    struct pcapng pcapng; /* of the file at hand */
    struct tape_counts counts;
    int64_t file_began; /* the time of its first packet */
    uint64_t file_packets;
    bool failed;
    char path[PATH_MAX]; /* of the file at hand */
    char problem[TAPE_PROBLEM_SIZE];
    char buffer[BUFFER_SIZE];
};

static bool rotates(const struct tape *tape)
{
    return tape->options.rotate_size > 0 || tape->options.rotate_interval > 0;
}

static bool to_standard_output(const struct tape *tape)
{
    return strcmp(tape->options.path, "-") == 0;
}

static bool tape_fail(struct tape *tape, const char *why)
{
    tape->failed = true;
    snprintf(tape->problem, sizeof(tape->problem), "%.300s: %s",
             to_standard_output(tape) ? "standard output" : tape->path, why);
    return false;
}

/* ------------------------------------------------------------------------ files */

/* `number` goes before the ending. False: the name is too long. */
static bool name_file(const char *path, const char *number, char name[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');
    size_t stem =
        dot == NULL || (slash != NULL && dot < slash) ? strlen(path) : (size_t)(dot - path);
    int size = snprintf(name, PATH_MAX, "%.*s%s%s", (int)stem, path, number, path + stem);
    return size > 0 && size < PATH_MAX;
}

/* Locks the file, or says in errno why it may not be written. It is unlocked when it is closed. */
static bool lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    errno = errno == EWOULDBLOCK ? EBUSY : errno;
    return false;
}

static bool remove_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool removed = fd >= 0 && lock(fd) && unlink(path) == 0;
    int reason = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = reason;
    return removed;
}

static const char *text_of(int error)
{
    switch (error) {
    case EEXIST:
        return "it exists; --force replaces it";
    case EBUSY:
        return "another process is recording to it";
    default:
        return strerror(error);
    }
}

/*
 * Files of an earlier set would be taken for this one's. They are removed, or stand in the way.
 */
static bool make_way(struct tape *tape)
{
    char pattern[PATH_MAX];
    glob_t found;
    bool clear = true;
    if (!name_file(tape->options.path, "-[0-9][0-9][0-9][0-9][0-9]", pattern)) {
        return tape_fail(tape, strerror(ENAMETOOLONG));
    }
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0) {
        return true;
    }
    for (size_t i = 0; clear && i < found.gl_pathc; i++) {
        snprintf(tape->path, PATH_MAX, "%s", found.gl_pathv[i]);
        if (!tape->options.replace) {
            clear = tape_fail(tape, text_of(EEXIST));
        } else if (!remove_file(tape->path)) {
            clear = tape_fail(tape, text_of(errno));
        }
    }
    globfree(&found);
    return clear;
}

/* Only a regular file can be lost by writing to it, and by two who do. */
static int tape_open_path(const char *path, bool replace)
{
    struct stat status;
    bool regular = stat(path, &status) != 0 || S_ISREG(status.st_mode);
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (regular && !replace ? O_EXCL : 0);
    int fd = open(path, flags, FILE_MODE);
    if (fd < 0 || !regular) {
        return fd;
    }
    bool ours = lock(fd) && (fchmod(fd, FILE_MODE) == 0 || errno == EPERM); /* its owner decides */
    if (!ours || ftruncate(fd, 0) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static FILE *open_file(struct tape *tape)
{
    int fd = to_standard_output(tape) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                      : tape_open_path(tape->path, tape->options.replace);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (file == NULL) {
        int reason = errno;
        if (fd >= 0) {
            close(fd);
        }
        tape_fail(tape, text_of(reason));
        return NULL;
    }
    __fsetlocking(file, FSETLOCKING_BYCALLER);
    setvbuf(file, tape->buffer, _IOFBF, sizeof(tape->buffer));
    return file;
}

static bool begin_file(struct tape *tape)
{
    char number[16] = "";
    if (rotates(tape)) {
        snprintf(number, sizeof(number), "-%05u", tape->counts.files + 1);
    }
    if (!name_file(tape->options.path, number, tape->path)) {
        return tape_fail(tape, strerror(ENAMETOOLONG));
    }
    FILE *file = open_file(tape);
    if (file == NULL) {
        return false;
    }
    tape->counts.files++;
    tape->file_packets = 0;
    pcapng_begin(&tape->pcapng, file, &tape->options.interface);
    return tape_flush(tape); /* that a disk is full is known before anybody relies on it */
}

static bool end_file(struct tape *tape)
{
    FILE *file = tape->pcapng.file;
    bool flushed = tape_flush(tape);
    tape->pcapng.file = NULL;
    tape->counts.bytes += tape->pcapng.written;
    if (fclose(file) != 0 && flushed) {
        return tape_fail(tape, strerror(errno));
    }
    return flushed;
}

/* ------------------------------------------------------------------------ the tape */

struct tape *tape_open(const struct tape_options *options, char problem[TAPE_PROBLEM_SIZE])
{
    struct tape *tape = calloc(1, sizeof(*tape));
    if (tape == NULL) {
        snprintf(problem, TAPE_PROBLEM_SIZE, "%s", strerror(ENOMEM));
        return NULL;
    }
    tape->options = *options;
    if ((rotates(tape) && !make_way(tape)) || !begin_file(tape)) {
        snprintf(problem, TAPE_PROBLEM_SIZE, "%s", tape->problem);
        if (tape->pcapng.file != NULL) {
            fclose(tape->pcapng.file);
        }
        free(tape);
        return NULL;
    }
    return tape;
}

static bool time_to_rotate(const struct tape *tape, int64_t time, uint32_t length)
{
    const struct tape_options *options = &tape->options;
    if (tape->file_packets == 0) {
        return false;
    }
    return (options->rotate_size > 0 &&
            tape->pcapng.written + PACKET_AROUND + length > options->rotate_size) ||
           (options->rotate_interval > 0 && time - tape->file_began >= options->rotate_interval);
}

bool tape_write(struct tape *tape, int64_t time, uint32_t length, const struct span *parts,
                size_t count)
{
    if (tape->failed) {
        return false;
    }
    if (time_to_rotate(tape, time, length) && !(end_file(tape) && begin_file(tape))) {
        return false;
    }
    if (tape->file_packets++ == 0) {
        tape->file_began = time;
    }
    tape->counts.packets++;
    return pcapng_write(&tape->pcapng, time, length, parts, count) ||
           tape_fail(tape, strerror(tape->pcapng.error));
}

bool tape_flush(struct tape *tape)
{
    return !tape->failed &&
           (pcapng_flush(&tape->pcapng) || tape_fail(tape, strerror(tape->pcapng.error)));
}

bool tape_write_statistics(struct tape *tape, int64_t time, uint64_t received, uint64_t dropped)
{
    return !tape->failed && (pcapng_write_statistics(&tape->pcapng, time, received, dropped) ||
                             tape_fail(tape, strerror(tape->pcapng.error)));
}

const char *tape_problem(const struct tape *tape)
{
    return tape->failed ? tape->problem : NULL;
}

struct tape_counts tape_counts(const struct tape *tape)
{
    struct tape_counts counts = tape->counts;
    counts.bytes += tape->pcapng.written;
    return counts;
}

bool tape_is_full(const struct tape *tape)
{
    const struct tape_options *options = &tape->options;
    struct tape_counts counts = tape_counts(tape);
    return (options->packets_max > 0 && counts.packets >= options->packets_max) ||
           (options->bytes_max > 0 && counts.bytes >= options->bytes_max);
}

bool tape_close(struct tape *tape, char problem[TAPE_PROBLEM_SIZE])
{
    if (tape->pcapng.file != NULL) {
        end_file(tape);
    }
    bool whole = !tape->failed;
    snprintf(problem, TAPE_PROBLEM_SIZE, "%s", tape->problem);
    free(tape);
    return whole;
}
