#include "anonymise/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool target_complain(const struct target *self, const char *why, char *message)
{
    snprintf(message, SOURCE_MESSAGE_SIZE, "%s: can't be written: %s", self->path, why);
    return false;
}

/* Room on the disk is taken at once: a mapped file that finds none later would end the program. */
static bool make_file(struct target *self, char *message)
{
    if (!whole_file_open(&self->file, self->path)) {
        return target_complain(self, strerror(errno), message);
    }
    int error = posix_fallocate(self->file.fd, 0, (off_t)self->size);
    if (error != 0) {
        return target_complain(self, strerror(error), message);
    }
    void *bytes = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->file.fd, 0);
    if (bytes == MAP_FAILED) {
        return target_complain(self, strerror(errno), message);
    }
    self->bytes = bytes;
    return true;
}

bool target_check(const char *path, char message[SOURCE_MESSAGE_SIZE])
{
    struct stat status;
    const struct target target = {.path = path};
    return stat(path, &status) != 0 || S_ISREG(status.st_mode) ||
           target_complain(&target, "it is not a file", message);
}

bool target_open(struct target *self, const char *path, const struct source *source,
                 char message[SOURCE_MESSAGE_SIZE])
{
    *self = (struct target){.path = path, .file.fd = -1, .size = source->bytes.size};
    return make_file(self, message);
}

bool target_publish(struct target *self, char message[SOURCE_MESSAGE_SIZE])
{
    if (msync(self->bytes, self->size, MS_SYNC) != 0 || fsync(self->file.fd) != 0 ||
        !whole_file_publish(&self->file)) {
        return target_complain(self, strerror(errno), message);
    }
    return true;
}

void target_close(struct target *self)
{
    if (self->bytes != NULL) {
        munmap(self->bytes, self->size);
    }
    whole_file_close(&self->file);
}
