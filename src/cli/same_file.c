#include "cli/same_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool is_null_device(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static bool are_one(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && !is_null_device(a);
}

static const char *same_file_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The name that the file will get once it is made: of what is missing, realpath tells the first.
 * False: it can't be made, since there is no folder for it. */
static bool find_future_name(const char *path, char name[PATH_MAX])
{
    struct stat status;
    return realpath(path, name) == NULL && errno == ENOENT &&
           (lstat(path, &status) == 0 ||
            strcmp(same_file_last_part(path), same_file_last_part(name)) == 0);
}

bool same_file(const char *a, const char *b)
{
    struct stat status_a;
    struct stat status_b;
    char name_a[PATH_MAX];
    char name_b[PATH_MAX];
    if (stat(a, &status_a) == 0 && stat(b, &status_b) == 0) {
        return are_one(&status_a, &status_b);
    }
    return find_future_name(a, name_a) && find_future_name(b, name_b) &&
           strcmp(name_a, name_b) == 0;
}

bool same_file_as_standard_output(const char *path)
{
    struct stat status;
    struct stat output;
    return stat(path, &status) == 0 && fstat(STDOUT_FILENO, &output) == 0 &&
           are_one(&status, &output);
}

bool same_file_as_input(const char *output, const char *input)
{
    struct stat status;
    const char *path = strcmp(input, "-") == 0 ? "/dev/stdin" : input;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && same_file(output, path);
}
