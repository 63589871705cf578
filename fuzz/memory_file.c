#include "memory_file.h"

#include "target.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

const char *memory_file_open(struct memory_file *file, struct span bytes)
{
    if (file->path[0] == '\0') {
        file->fd = memfd_create("input", MFD_CLOEXEC);
        CHECK(file->fd >= 0);
        snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
    }
    CHECK(ftruncate(file->fd, (off_t)bytes.size) == 0);
    CHECK(pwrite(file->fd, bytes.data, bytes.size, 0) == (ssize_t)bytes.size);
    return file->path;
}
