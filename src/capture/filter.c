#include "capture/filter.h"

#include "base/memory.h"
#include "capture/link_type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SNAP_LENGTH = 256 * 1024 };
enum { INSTRUCTIONS_MAX = 128 * 1024 }; /* the kernel takes 4,096 (linux/bpf_common.h) */

enum outcome {
    PROCESS_ENDED, /* libpcap has ended it */
    COMPILED,
    REFUSED, /* libpcap says why */
};

/* What the two processes share. */
struct compilation {
    enum outcome outcome;
    int error; /* errno's */
    u_int count;
    char why[PCAP_ERRBUF_SIZE];
    struct bpf_insn instructions[INSTRUCTIONS_MAX];
};

/* ------------------------------------------------------------------ in the new process */

/* libpcap calls exit. What our program does at its end is not to be done here. */
static void end_at_once(void)
{
    _exit(EXIT_FAILURE);
}

static void filter_refuse(struct compilation *compilation, const char *why)
{
    compilation->error = errno;
    snprintf(compilation->why, sizeof(compilation->why), "%s", why);
    compilation->outcome = REFUSED;
}

static void compile(struct compilation *compilation, pcap_t *pcap, const char *filter)
{
    struct bpf_program program;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a crash is reported; nobody needs a core file of it */
    if (atexit(end_at_once) != 0) {
        return;
    }
    errno = 0;
    if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        filter_refuse(compilation, pcap_geterr(pcap));
    } else if (program.bf_len > INSTRUCTIONS_MAX) {
        filter_refuse(compilation, "it takes too many instructions");
    } else {
        memcpy(compilation->instructions, program.bf_insns,
               program.bf_len * sizeof(*program.bf_insns));
        compilation->count = program.bf_len;
        compilation->outcome = COMPILED;
    }
}

/* ------------------------------------------------------------------ in the old process */

static bool filter_fail(const char *filter, const char *why, char problem[FILTER_PROBLEM_SIZE])
{
    memory_note_errno();
    snprintf(problem, FILTER_PROBLEM_SIZE, "filter '%.200s': %s", filter, why);
    return false;
}

/* False: there was no new process, and errno says why. */
static bool filter_run(struct compilation *compilation, pcap_t *pcap, const char *filter)
{
    pid_t process = fork();
    if (process == 0) {
        compile(compilation, pcap, filter);
        _exit(0);
    }
    while (process > 0 && waitpid(process, NULL, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return process > 0;
}

static bool has_compiled(struct compilation *compilation, pcap_t *pcap, const char *filter,
                         char problem[FILTER_PROBLEM_SIZE])
{
    if (!filter_run(compilation, pcap, filter)) {
        return filter_fail(filter, strerror(errno), problem);
    }
    if (compilation->outcome == PROCESS_ENDED) {
        errno = ENOMEM;
        return filter_fail(filter, "libpcap has ended while it compiled: out of memory", problem);
    }
    if (compilation->outcome == REFUSED) {
        errno = compilation->error;
        return filter_fail(filter, compilation->why, problem);
    }
    return true;
}

/* NULL: `problem` says why. */
static struct compilation *compilation_create(pcap_t *pcap, const char *filter,
                                              char problem[FILTER_PROBLEM_SIZE])
{
    struct compilation *compilation =
        mmap(NULL, sizeof(*compilation), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (compilation == MAP_FAILED) {
        filter_fail(filter, strerror(errno), problem);
        return NULL;
    }
    if (!has_compiled(compilation, pcap, filter, problem)) {
        munmap(compilation, sizeof(*compilation));
        return NULL;
    }
    return compilation;
}

bool filter_set(pcap_t *pcap, const char *filter, char problem[FILTER_PROBLEM_SIZE])
{
    struct compilation *compilation = compilation_create(pcap, filter, problem);
    if (compilation == NULL) {
        return false;
    }
    struct bpf_program program = {.bf_len = compilation->count,
                                  .bf_insns = compilation->instructions};
    errno = 0;
    bool is_set =
        pcap_setfilter(pcap, &program) == 0 || filter_fail(filter, pcap_geterr(pcap), problem);
    munmap(compilation, sizeof(*compilation));
    return is_set;
}

static bool suits(const char *filter, int datalink, char problem[FILTER_PROBLEM_SIZE])
{
    pcap_t *pcap = pcap_open_dead(datalink, SNAP_LENGTH);
    if (pcap == NULL) {
        return filter_fail(filter, strerror(ENOMEM), problem);
    }
    struct compilation *compilation = compilation_create(pcap, filter, problem);
    if (compilation != NULL) {
        munmap(compilation, sizeof(*compilation));
    }
    pcap_close(pcap);
    return compilation != NULL;
}

bool filter_check(const char *filter, char problem[FILTER_PROBLEM_SIZE])
{
    char other[FILTER_PROBLEM_SIZE];
    const struct link_type *type = link_type_at(0);
    bool checked = suits(filter, type->datalink, problem);
    for (size_t i = 1; !checked && (type = link_type_at(i)) != NULL; i++) {
        checked = suits(filter, type->datalink, other);
    }
    return checked;
}
