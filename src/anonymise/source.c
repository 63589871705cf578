#include "anonymise/source.h"

#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, MAGIC_SIZE = 4 };

static bool complain(const struct source *self, const char *why, char *message)
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
static int open_nameless(void)
{
    char path[256];
    int size = snprintf(path, sizeof(path), "%s/kvreplay-XXXXXX", temporary_folder());
    if (size < 0 || (size_t)size >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
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

/* Copies all of the stream. NULL: it has worked. */
static const char *copy(FILE *stream, const struct unpacker *unpacker, int fd)
{
    char *chunk = malloc(CHUNK);
    const char *problem = chunk == NULL ? strerror(ENOMEM) : NULL;
    size_t got;
    while (problem == NULL && (got = fread(chunk, 1, CHUNK, stream)) > 0) {
        if (!write_all(fd, chunk, got)) {
            problem = strerror(errno);
        }
    }
    free(chunk);
    if (problem == NULL && unpacker != NULL && unpacker_error(unpacker) != NULL) {
        return unpacker_error(unpacker);
    }
    if (problem == NULL && unpacker != NULL && unpacker_is_truncated(unpacker)) {
        return "the packed file ends in the middle";
    }
    return problem == NULL && ferror(stream) != 0 ? strerror(errno) : problem;
}

/* Unpacks what `fd`, which is taken over, holds. */
static bool unpack(struct source *self, int fd, char *message)
{
    struct unpacker *unpacker;
    FILE *stream = stream_open(fd, &unpacker);
    if (stream == NULL) {
        return complain(self, strerror(errno), message);
    }
    self->fd = open_nameless();
    const char *problem = NULL;
    if (self->fd < 0) {
        snprintf(message, SOURCE_MESSAGE_SIZE, "%s: can't be unpacked in %s: %s", self->name,
                 temporary_folder(), strerror(errno));
    } else if ((problem = copy(stream, unpacker, self->fd)) != NULL) {
        complain(self, problem, message);
    }
    bool copied = self->fd >= 0 && problem == NULL;
    fclose(stream);
    snprintf(self->unpacked_path, sizeof(self->unpacked_path), "/proc/self/fd/%d", self->fd);
    self->path = self->unpacked_path;
    return copied;
}

static bool is_packed(int fd)
{
    unsigned char magic[MAGIC_SIZE] = {0};
    return pread(fd, magic, sizeof(magic), 0) >= 2 &&
           ((magic[0] == 0x1f && magic[1] == 0x8b) || memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0);
}

static bool map(struct source *self, char *message)
{
    struct stat status;
    if (fstat(self->fd, &status) != 0) {
        return complain(self, strerror(errno), message);
    }
    if (status.st_size == 0) {
        return complain(self, "not a capture: it is empty", message);
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, self->fd, 0);
    if (bytes == MAP_FAILED) {
        return complain(self, strerror(errno), message);
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
        return complain(self, strerror(errno), message);
    }
    if (S_ISDIR(status.st_mode)) {
        close(fd);
        return complain(self, strerror(EISDIR), message);
    }
    self->device = status.st_dev;
    self->inode = status.st_ino;
    bool plain = S_ISREG(status.st_mode) && strcmp(name, "-") != 0 && !is_packed(fd);
    if (plain) {
        self->fd = fd;
    }
    return (plain || unpack(self, fd, message)) && map(self, message);
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
