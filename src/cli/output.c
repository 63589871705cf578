#include "cli/output.h"

#include <errno.h>
#include <string.h>

static bool complain(const struct output *output, int reason)
{
    fprintf(stderr, "kvreplay: %s: can't be written: %s\n", output->path,
            reason != 0 ? strerror(reason) : "output error");
    return false;
}

bool output_open(struct output *output, const char *path)
{
    *output = (struct output){.path = path};
    if (path == NULL) {
        return true;
    }
    output->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    return output->file != NULL || complain(output, errno);
}

bool output_close(struct output *output)
{
    FILE *file = output->file;
    output->file = NULL;
    if (file == NULL || file == stdout) {
        return true;
    }
    bool failed = ferror(file) != 0;
    errno = 0;
    if (failed) {
        fputc('\n', file); /* the reason is forgotten; at the end this fails again, with it */
    }
    return (fclose(file) == 0 && !failed) || complain(output, errno);
}
