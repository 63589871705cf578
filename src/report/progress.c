#include "report/progress.h"

#include "base/clock.h"
#include "report/printable.h"

#include <unistd.h>

enum { PATH_WIDTH = 20 }; /* the whole line stays within 80 columns */
/* Seconds: a run that takes no longer shows nothing at all; the eye does not follow more often. */
static const double show_after = 0.5;
static const double show_every = 0.1;

static double now(void)
{
    return (double)clock_now(CLOCK_MONOTONIC) / 1e9;
}

void progress_init(struct progress *progress, FILE *out)
{
    *progress = (struct progress){.out = isatty(fileno(out)) ? out : NULL, .started = now()};
}

void progress_show(struct progress *progress, const char *path, uint64_t bytes_read,
                   uint64_t bytes_total, uint64_t frames)
{
    progress->bytes = bytes_read;
    progress->frames = frames;
    if (progress->out == NULL) {
        return;
    }
    double time = now();
    double elapsed = time - progress->started;
    if (elapsed < show_after || time - progress->shown < show_every) {
        return;
    }
    progress->shown = time;
    fputs("\r\033[K", progress->out);
    printable_write_shortened(progress->out, path, PATH_WIDTH);
    fprintf(progress->out, ": %.0f", (double)bytes_read / 1e6);
    if (bytes_total > 0) {
        fprintf(progress->out, " of %.0f MB, %.0f %%", (double)bytes_total / 1e6,
                100 * (double)bytes_read / (double)bytes_total);
    } else {
        fputs(" MB", progress->out);
    }
    fprintf(progress->out, ", %.0f MB/s, %.2f M server frames/s",
            (double)(progress->bytes_done + bytes_read) / 1e6 / elapsed,
            (double)(progress->frames_done + frames) / 1e6 / elapsed);
    fflush(progress->out);
}

void progress_next(struct progress *progress)
{
    progress->bytes_done += progress->bytes;
    progress->frames_done += progress->frames;
    progress->bytes = progress->frames = 0;
}

void progress_end(struct progress *progress)
{
    if (progress->out != NULL && progress->shown > 0) {
        fputs("\r\033[K", progress->out);
        fflush(progress->out);
    }
}
