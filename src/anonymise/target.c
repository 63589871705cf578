#include "anonymise/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const struct target *self, const char *why, char *message)
{
    snprintf(message, SOURCE_MESSAGE_SIZE, "%s: can't be written: %s", self->path, why);
    return false;
}

/* Room on the disk is taken at once: a mapped file that finds none later would end the program. */
static bool make_file(struct target *self, char *message)
{
    self->fd = mkostemp(self->temporary, O_CLOEXEC);
    if (self->fd < 0) {
        free(self->temporary);
        self->temporary = NULL;
        return complain(self, strerror(errno), message);
    }
    mode_t mask = umask(0);
    umask(mask);
    int error = fchmod(self->fd, 0666 & ~mask) != 0 ? errno : 0;
    error = error != 0 ? error : posix_fallocate(self->fd, 0, (off_t)self->size);
    if (error != 0) {
        return complain(self, strerror(error), message);
    }
    void *bytes = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
    if (bytes == MAP_FAILED) {
        return complain(self, strerror(errno), message);
    }
    self->bytes = bytes;
    return true;
}

bool target_check(const char *path, const struct source *source, char message[SOURCE_MESSAGE_SIZE])
{
    struct stat status;
    const struct target target = {.path = path};
    if (stat(path, &status) != 0) {
        return true;
    }
    if (status.st_dev == source->device && status.st_ino == source->inode) {
        return complain(&target, "it is the capture to be read", message);
    }
    return S_ISREG(status.st_mode) || complain(&target, "it is not a file", message);
}

bool target_open(struct target *self, const char *path, const struct source *source,
                 char message[SOURCE_MESSAGE_SIZE])
{
    *self = (struct target){.path = path, .fd = -1, .size = source->bytes.size};
    if (asprintf(&self->temporary, "%s.XXXXXX", path) < 0) {
        self->temporary = NULL;
        return complain(self, strerror(ENOMEM), message);
    }
    return make_file(self, message);
}

bool target_publish(struct target *self, char message[SOURCE_MESSAGE_SIZE])
{
    if (msync(self->bytes, self->size, MS_SYNC) != 0 || fsync(self->fd) != 0 ||
        rename(self->temporary, self->path) != 0) {
        return complain(self, strerror(errno), message);
    }
    free(self->temporary);
    self->temporary = NULL;
    return true;
}

void target_close(struct target *self)
{
    if (self->bytes != NULL) {
        munmap(self->bytes, self->size);
    }
    if (self->fd >= 0) {
        close(self->fd);
    }
    if (self->temporary != NULL) {
        unlink(self->temporary);
        free(self->temporary);
    }
}
