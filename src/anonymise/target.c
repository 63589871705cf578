#include "anonymise/target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const struct target *self, const char *why, char *message)
{
    snprintf(message, SOURCE_MESSAGE_SIZE, "%s: can't be written: %s", self->path, why);
    return false;
}

enum {
    LINK_SIZE = 32,
    RANDOM_SIZE = 6, /* of the X at the end of a temporary name */
    NAMES_TRIED = 10000,
};

/* Where the file is found while it has no name. */
static const char *descriptor_path(const struct target *self, char path[LINK_SIZE])
{
    snprintf(path, LINK_SIZE, "/proc/self/fd/%d", self->fd);
    return path;
}

/* One that is gone when the program is killed. False: there is none here, or it could not be named
 * later. */
static bool open_nameless(struct target *self)
{
    char link[LINK_SIZE];
    const char *slash = strrchr(self->path, '/');
    char *folder =
        slash == NULL ? strdup(".")
                      : strndup(self->path, slash == self->path ? 1 : (size_t)(slash - self->path));
    self->fd = folder == NULL ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    free(folder);
    if (self->fd >= 0 && access(descriptor_path(self, link), F_OK) != 0) {
        close(self->fd);
        self->fd = -1;
    }
    return self->fd >= 0;
}

static bool open_named(struct target *self)
{
    self->fd = mkostemp(self->temporary, O_CLOEXEC);
    self->named = self->fd >= 0;
    return self->named;
}

/* Room on the disk is taken at once: a mapped file that finds none later would end the program. */
static bool make_file(struct target *self, char *message)
{
    if (!open_nameless(self) && !open_named(self)) {
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

/* Nothing can be replaced by a file without a name, so it is given one for a moment, in which no
 * signal but SIGKILL ends the program. */
static bool give_name(struct target *self)
{
    char link[LINK_SIZE];
    size_t size = strlen(self->temporary);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; !self->named && i < NAMES_TRIED; i++) {
        snprintf(self->temporary + size - RANDOM_SIZE, RANDOM_SIZE + 1, "%06u", i);
        self->named = linkat(AT_FDCWD, descriptor_path(self, link), AT_FDCWD, self->temporary,
                             AT_SYMLINK_FOLLOW) == 0;
        if (errno != EEXIST) {
            break;
        }
    }
    bool renamed = self->named && rename(self->temporary, self->path) == 0;
    int error = errno;
    self->named = self->named && !renamed;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return renamed;
}

bool target_publish(struct target *self, char message[SOURCE_MESSAGE_SIZE])
{
    if (msync(self->bytes, self->size, MS_SYNC) != 0 || fsync(self->fd) != 0 || !give_name(self)) {
        return complain(self, strerror(errno), message);
    }
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
    if (self->named) {
        unlink(self->temporary);
    }
    free(self->temporary);
}
