#include "anonymise/source.h"

#include "anonymise/container.h"
#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, MAGIC_SIZE = 4 };

static bool source_complain(const struct source *self, const char *why, char *message)
{
    snprintf(message, SOURCE_MESSAGE_SIZE, "%s: %s", self->name, why);
    return false;
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder == NULL || folder[0] == '\0' ? "/tmp" : folder;
}

/* A file that nobody can find, and that is gone when it is closed. */
static int source_open_nameless(void)
{
    char *path;
    if (asprintf(&path, "%s/kvreplay-XXXXXX", temporary_folder()) < 0) {
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    free(path);
    return fd;
}

static bool complain_of_folder(const struct source *self, int error, char *message)
{
    snprintf(message, SOURCE_MESSAGE_SIZE,
             "%s: can't be decompressed in %s: %s (TMPDIR names another folder)", self->name,
             temporary_folder(), strerror(error));
    return false;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* What went wrong while the stream was read; NULL: nothing. */
static const char *source_problem_of(FILE *stream, const struct unpacker *unpacker)
{
    if (unpacker != NULL && unpacker_error(unpacker) != NULL) {
        return unpacker_error(unpacker);
    }
    if (unpacker != NULL && unpacker_is_truncated(unpacker)) {
        return "the compressed file ends in the middle";
    }
    return ferror(stream) != 0 ? strerror(errno) : NULL;
}

/* Copies all of the stream, behind the first bytes of it, which are in the chunk already. */
static bool copy(struct source *self, FILE *stream, const struct unpacker *unpacker, char *chunk,
                 size_t got, char *message)
{
    while (got > 0) {
        if (!write_all(self->fd, chunk, got)) {
            return complain_of_folder(self, errno, message);
        }
        got = fread(chunk, 1, CHUNK, stream);
    }
    const char *problem = source_problem_of(stream, unpacker);
    return problem == NULL || source_complain(self, problem, message);
}

/* Looks at the beginning before anything is kept: what decompresses to no capture may have no end.
 */
static bool copy_capture(struct source *self, FILE *stream, const struct unpacker *unpacker,
                         char *chunk, char *message)
{
    size_t got = fread(chunk, 1, CONTAINER_HEAD, stream);
    const char *problem = source_problem_of(stream, unpacker);
    struct container container;
    if (problem != NULL) {
        return source_complain(self, problem, message);
    }
    if (got == 0) {
        return source_complain(self, "not a capture: it is empty", message);
    }
    if (!container_init(&container, span_of(chunk, got))) {
        return source_complain(self, "not a capture: it begins as neither pcap nor pcapng",
                               message);
    }
    self->fd = source_open_nameless();
    return self->fd >= 0 ? copy(self, stream, unpacker, chunk, got, message)
                         : complain_of_folder(self, errno, message);
}

/* Unpacks what `fd`, which is taken over, holds. */
static bool source_unpack(struct source *self, int fd, char *message)
{
    struct unpacker *unpacker;
    FILE *stream = stream_open(fd, &unpacker);
    if (stream == NULL) {
        return source_complain(self, strerror(errno), message);
    }
    char *chunk = malloc(CHUNK);
    bool copied = chunk == NULL ? source_complain(self, strerror(ENOMEM), message)
                                : copy_capture(self, stream, unpacker, chunk, message);
    free(chunk);
    fclose(stream);
    snprintf(self->unpacked_path, sizeof(self->unpacked_path), "/proc/self/fd/%d", self->fd);
    self->path = self->unpacked_path;
    return copied;
}

static bool is_compressed(int fd)
{
    unsigned char magic[MAGIC_SIZE] = {0};
    return pread(fd, magic, sizeof(magic), 0) >= 2 &&
           ((magic[0] == 0x1f && magic[1] == 0x8b) || memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0);
}

static bool map(struct source *self, char *message)
{
    struct stat status;
    if (fstat(self->fd, &status) != 0) {
        return source_complain(self, strerror(errno), message);
    }
    if (status.st_size == 0) {
        return source_complain(self, "not a capture: it is empty", message);
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, self->fd, 0);
    if (bytes == MAP_FAILED) {
        return source_complain(self, strerror(errno), message);
    }
    self->bytes = span_of(bytes, (size_t)status.st_size);
    return true;
}

bool source_open(struct source *self, const char *name, char message[SOURCE_MESSAGE_SIZE])
{
    struct stat status;
    *self = (struct source){.name = name, .path = name, .fd = -1};
    int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        return source_complain(self, strerror(errno), message);
    }
    if (S_ISDIR(status.st_mode)) {
        close(fd);
        return source_complain(self, strerror(EISDIR), message);
    }
    bool plain = S_ISREG(status.st_mode) && strcmp(name, "-") != 0 && !is_compressed(fd);
    if (plain) {
        self->fd = fd;
    }
    return (plain || source_unpack(self, fd, message)) && map(self, message);
}

void source_close(struct source *self)
{
    if (self->bytes.size > 0) {
        munmap((void *)(uintptr_t)self->bytes.data, self->bytes.size);
    }
    if (self->fd >= 0) {
        close(self->fd);
    }
}
