#include "capture/files.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool files_ends_with(const char *name, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size > length && strncasecmp(name + size - length, ending, length) == 0;
}

/* Takes the first of the endings that fits off the name. False: none fits. */
static bool take_ending(const char *name, size_t *size, const char *const *endings)
{
    for (; *endings != NULL; endings++) {
        if (files_ends_with(name, *size, *endings)) {
            *size -= strlen(*endings);
            return true;
        }
    }
    return false;
}

static bool named_like_capture(const char *name)
{
    static const char *const packings[] = {".gz",  ".zst", ".xz",   ".bz2", ".lz4",
                                           ".zip", ".7z",  ".lzma", ".z",   NULL};
    static const char *const endings[] = {".pcap", ".pcapng", ".cap", NULL};
    size_t size = strlen(name);
    take_ending(name, &size, packings);
    size_t numbered = size;
    while (size > 0 && name[size - 1] >= '0' && name[size - 1] <= '9') {
        size--;
    }
    if (size < numbered && size > 0 && name[size - 1] == '.') {
        size--;
    }
    return take_ending(name, &size, endings);
}

/* Takes over `path`; false with errno set if it or the list could not be had. */
static bool files_add(struct capture_files *files, char *path, const char *problem)
{
    struct capture_file *grown =
        path == NULL ? NULL : reallocarray(files->files, files->count + 1, sizeof(*files->files));
    if (grown == NULL) {
        free(path);
        errno = ENOMEM;
        return false;
    }
    files->files = grown;
    grown[files->count++] = (struct capture_file){.path = path, .problem = problem};
    return true;
}

static char *files_join(const char *folder, const char *name)
{
    char *path = NULL;
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

/* Opening one may wait for ever, or read without end. */
static const char *files_problem_of(mode_t mode)
{
    return S_ISREG(mode) ? NULL : "no regular file, which is read only if it is named itself";
}

static enum capture_files_result add_entry(struct capture_files *files, const char *folder,
                                           const char *name, bool *found)
{
    struct stat status = {.st_mode = S_IFREG};
    if (!named_like_capture(name)) {
        return CAPTURE_FILES_OK;
    }
    char *path = files_join(folder, name);
    /* What can't be looked at (a dangling link) is kept, so that opening it says so. */
    if (path != NULL && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        free(path);
        return CAPTURE_FILES_OK;
    }
    *found = true;
    return files_add(files, path, files_problem_of(status.st_mode)) ? CAPTURE_FILES_OK
                                                                    : CAPTURE_FILES_UNREADABLE;
}

static enum capture_files_result add_folder(struct capture_files *files, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        memory_note_errno();
        return CAPTURE_FILES_UNREADABLE;
    }
    bool found = false;
    enum capture_files_result result = CAPTURE_FILES_OK;
    for (int i = 0; i < count; i++) {
        if (result == CAPTURE_FILES_OK) {
            result = add_entry(files, folder, entries[i]->d_name, &found);
        }
        free(entries[i]);
    }
    free(entries);
    return result == CAPTURE_FILES_OK && !found ? CAPTURE_FILES_EMPTY : result;
}

enum capture_files_result capture_files_add(struct capture_files *files, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return add_folder(files, path);
    }
    return files_add(files, strdup(path), NULL) ? CAPTURE_FILES_OK : CAPTURE_FILES_UNREADABLE;
}

void capture_files_deinit(struct capture_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].path);
    }
    free(files->files);
    *files = (struct capture_files){0};
}

/* pcap in either byte order, in microseconds and nanoseconds; pcapng; gzip, zstd and xz. */
static bool begins_capture(const unsigned char magic[4])
{
    static const char magics[][4] = {
        {'\xa1', '\xb2', '\xc3', '\xd4'}, {'\xd4', '\xc3', '\xb2', '\xa1'},
        {'\xa1', '\xb2', '\x3c', '\x4d'}, {'\x4d', '\x3c', '\xb2', '\xa1'},
        {'\x0a', '\x0d', '\x0d', '\x0a'}, {'\x28', '\xb5', '\x2f', '\xfd'},
        {'\xfd', '7', 'z', 'X'},
    };
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (memcmp(magic, magics[i], sizeof(magics[i])) == 0) {
            return true;
        }
    }
    return magic[0] == 0x1f && magic[1] == 0x8b;
}

bool capture_files_is_capture(const char *path)
{
    struct stat status;
    unsigned char magic[4] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_file = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    bool is_capture = is_file && read(file, magic, sizeof(magic)) > 0 && begins_capture(magic);
    if (file >= 0) {
        close(file);
    }
    return is_capture;
}
