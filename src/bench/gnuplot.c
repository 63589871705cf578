#include "bench/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(pid_t *process, int in, int out)
{
    char name[] = "gnuplot";
    char *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem != 0) {
        return problem;
    }
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_t attributes; /* of a terminal's signals it gets none */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    problem = posix_spawnp(process, name, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

bool gnuplot_start(struct gnuplot *gnuplot)
{
    int ends[2];
    gnuplot->drawing = memfd_create("drawing", MFD_CLOEXEC);
    if (gnuplot->drawing < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        return false;
    }
    int problem = spawn(&gnuplot->process, ends[0], gnuplot->drawing);
    close(ends[0]);
    gnuplot->script = problem == 0 ? fdopen(ends[1], "w") : NULL;
    if (gnuplot->script == NULL) {
        close(ends[1]);
        errno = problem == 0 ? errno : problem;
        return false;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &gnuplot->before);
    return true;
}

/* False: it can't be read. */
static bool gnuplot_copy(int drawing, FILE *out)
{
    char bytes[4096];
    ssize_t size = -1;
    if (lseek(drawing, 0, SEEK_SET) == 0) {
        while ((size = read(drawing, bytes, sizeof(bytes))) > 0) {
            fwrite(bytes, 1, (size_t)size, out);
        }
    }
    return size == 0;
}

bool gnuplot_finish(struct gnuplot *gnuplot, FILE *out)
{
    int status = 0;
    bool written = ferror(gnuplot->script) == 0;
    written = fclose(gnuplot->script) == 0 && written;
    sigaction(SIGPIPE, &gnuplot->before, NULL);
    pid_t ended;
    do {
        ended = waitpid(gnuplot->process, &status, 0);
    } while (ended < 0 && errno == EINTR);
    bool drawn = written && ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                 gnuplot_copy(gnuplot->drawing, out);
    close(gnuplot->drawing);
    return drawn;
}
