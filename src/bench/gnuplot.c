#include "bench/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
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
    problem = posix_spawnp(process, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

bool gnuplot_start(struct gnuplot *gnuplot, int out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return false;
    }
    int problem = spawn(&gnuplot->process, ends[0], out);
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

bool gnuplot_finish(struct gnuplot *gnuplot)
{
    int status = 0;
    bool written = ferror(gnuplot->script) == 0;
    written = fclose(gnuplot->script) == 0 && written;
    sigaction(SIGPIPE, &gnuplot->before, NULL);
    pid_t ended;
    do {
        ended = waitpid(gnuplot->process, &status, 0);
    } while (ended < 0 && errno == EINTR);
    return written && ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
