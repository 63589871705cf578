#include "base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINK_SIZE = 32,
    RANDOM_SIZE = 6, /* of the X at the end of a temporary name */
    NAMES_TRIED = 10000,
};

/* Where the file is found while it has no name. */
static const char *descriptor_path(const struct whole_file *self, char path[LINK_SIZE])
{
    snprintf(path, LINK_SIZE, "/proc/self/fd/%d", self->fd);
    return path;
}

/* One that is gone when the program is killed. False: there is none here, or it could not be named
 * later. */
static bool whole_file_open_nameless(struct whole_file *self)
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

static bool open_named(struct whole_file *self)
{
    self->fd = mkostemp(self->temporary, O_CLOEXEC);
    self->named = self->fd >= 0;
    return self->named;
}

/* Links stay what they are, /dev/stdout for one: what they lead to is written. False: no memory. */
static bool whole_file_find_names(struct whole_file *self, const char *path)
{
    self->path = realpath(path, NULL);
    if (self->path == NULL) {
        self->path = strdup(path);
    }
    if (self->path == NULL || asprintf(&self->temporary, "%s.XXXXXX", self->path) < 0) {
        self->temporary = NULL;
        whole_file_close(self);
        errno = ENOMEM;
        return false;
    }
    return true;
}

bool whole_file_open(struct whole_file *self, const char *path)
{
    *self = (struct whole_file){.fd = -1};
    if (!whole_file_find_names(self, path)) {
        return false;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool opened =
        (whole_file_open_nameless(self) || open_named(self)) && fchmod(self->fd, 0666 & ~mask) == 0;
    int error = errno;
    if (!opened) {
        whole_file_close(self);
    }
    errno = error;
    return opened;
}

/* Nothing can be replaced by a file without a name, so it is given one for a moment, in which no
 * signal but SIGKILL ends the program. */
bool whole_file_publish(struct whole_file *self)
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

void whole_file_close(struct whole_file *self)
{
    if (self->fd >= 0) {
        close(self->fd);
    }
    if (self->named) {
        unlink(self->temporary);
    }
    free(self->temporary);
    free(self->path);
    *self = (struct whole_file){.fd = -1};
}
