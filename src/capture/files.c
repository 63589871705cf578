#include "capture/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *name, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size > length && memcmp(name + size - length, ending, length) == 0;
}

static bool named_like_capture(const char *name)
{
    static const char *const packings[] = {".gz", ".zst"};
    static const char *const endings[] = {".pcap", ".pcapng", ".cap"};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        if (ends_with(name, size, packings[i])) {
            size -= strlen(packings[i]);
            break;
        }
    }
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (ends_with(name, size, endings[i])) {
            return true;
        }
    }
    return false;
}

/* Takes over `path`; false with errno set if it or the list could not be had. */
static bool add(struct capture_files *files, char *path)
{
    char **paths =
        path == NULL ? NULL : reallocarray(files->paths, files->count + 1, sizeof(*files->paths));
    if (paths == NULL) {
        free(path);
        errno = ENOMEM;
        return false;
    }
    files->paths = paths;
    files->paths[files->count++] = path;
    return true;
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

static enum capture_files_result add_entry(struct capture_files *files, const char *folder,
                                           const char *name, bool *found)
{
    char *path = join(folder, name);
    struct stat status;
    /* What can't be looked at (a dangling link) is kept, so that opening it says so. */
    if (path != NULL && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        free(path);
        return CAPTURE_FILES_OK;
    }
    if (path != NULL && !named_like_capture(name)) {
        free(path);
        files->passed_over++;
        return CAPTURE_FILES_OK;
    }
    *found = true;
    return add(files, path) ? CAPTURE_FILES_OK : CAPTURE_FILES_UNREADABLE;
}

static enum capture_files_result add_folder(struct capture_files *files, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
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
    return add(files, strdup(path)) ? CAPTURE_FILES_OK : CAPTURE_FILES_UNREADABLE;
}

void capture_files_deinit(struct capture_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (struct capture_files){0};
}
