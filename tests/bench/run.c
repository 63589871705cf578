/*
 * Runs a command, its output thrown away, and prints what it took:
 *
 *   bench_run COMMAND [ARGUMENT...]
 *
 * microseconds of processor time (user and system), and the peak of its memory in KiB. The exit
 * status is the command's.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t microseconds(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void run(char **command)
{
    int null = open("/dev/null", O_WRONLY);
    if (null < 0 || dup2(null, STDOUT_FILENO) < 0) {
        _exit(126);
    }
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    int status;
    struct rusage usage;
    if (argc < 2) {
        fputs("usage: bench_run COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        run(argv + 1);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("bench_run");
        return 125;
    }
    printf("%" PRId64 " %ld\n", microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime),
           usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
