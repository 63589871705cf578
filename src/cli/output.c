#include "cli/output.h"

#include "cli/diagnose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool output_complain(const struct output *output, int reason)
{
    diagnose("%s: can't be written: %s", output->path,
             reason != 0 ? strerror(reason) : "output error");
    return false;
}

/* The name to be given to a file of its own. NULL: what is there is no file, or a link to nothing.
 */
static char *find_real_path(const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return strdup(path);
    }
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, W_OK) == 0
               ? realpath(path, NULL)
               : NULL;
}

/* False: it has to be written in place. */
static bool open_whole(struct output *output)
{
    output->real_path = find_real_path(output->path);
    if (output->real_path == NULL || !whole_file_open(&output->whole, output->real_path)) {
        return false;
    }
    output->file = fdopen(output->whole.fd, "w");
    if (output->file == NULL) {
        whole_file_close(&output->whole);
        return false;
    }
    unlink(output->real_path);
    return true;
}

bool output_open(struct output *output, const char *path)
{
    *output = (struct output){.path = path, .whole.fd = -1};
    if (path == NULL) {
        return true;
    }
    errno = 0;
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
    } else if (!open_whole(output) && errno != ENOMEM) {
        output->file = fopen(path, "we");
    }
    return output->file != NULL || output_complain(output, errno);
}

/* All is with the kernel. False: errno says why not, 0: it is not known any more. */
static bool flush(FILE *file)
{
    bool failed = ferror(file) != 0;
    errno = 0;
    if (failed) {
        fputc('\n', file); /* the reason is forgotten; at the end this fails again, with it */
    }
    return fflush(file) == 0 && !failed;
}

bool output_close(struct output *output, bool whole)
{
    FILE *file = output->file;
    bool closed = true;
    if (file != NULL && file != stdout) {
        bool published =
            flush(file) && (!whole || output->whole.fd < 0 || whole_file_publish(&output->whole));
        int reason = errno;
        output->whole.fd = -1; /* the stream closes it */
        closed =
            (fclose(file) == 0 && published) || output_complain(output, published ? errno : reason);
        whole_file_close(&output->whole);
    }
    free(output->real_path);
    *output = (struct output){.whole.fd = -1};
    return closed;
}
