#include "record/user.h"

#include "base/memory.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRY_SIZE = 64 * 1024 }; /* of a user's strings */

/* What the two processes share. */
struct look_up {
    struct user user; /* first: user_free frees the whole */
    bool found;
    int error; /* errno's; with 0 and not found, there is no such user */
};

/* ---------------------------------------------------------------------------- in the new process
 */

static void fill(struct look_up *look_up, const char *name, uid_t id)
{
    char entry[ENTRY_SIZE];
    struct passwd passwd, *found = NULL;
    struct user *user = &look_up->user;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a crash is reported; nobody needs a core file of it */
    look_up->error = name != NULL ? getpwnam_r(name, &passwd, entry, sizeof(entry), &found)
                                  : getpwuid_r(id, &passwd, entry, sizeof(entry), &found);
    if (found == NULL) {
        return;
    }
    user->id = found->pw_uid;
    user->group = found->pw_gid;
    user->groups_count = NGROUPS_MAX;
    errno = 0;
    look_up->found =
        getgrouplist(found->pw_name, user->group, user->groups, &user->groups_count) >= 0;
    if (!look_up->found) {
        look_up->error = errno != 0 ? errno : EOVERFLOW;
    }
}

/* ---------------------------------------------------------------------------- in the old process
 */

static const char no_such_user[] = "there is no such user";

static struct user *user_fail(struct look_up *look_up, const char *name, const char *why,
                              char problem[USER_PROBLEM_SIZE])
{
    bool none = why == no_such_user;
    user_free(&look_up->user);
    snprintf(problem, USER_PROBLEM_SIZE, "%.200s: %s", name, why);
    errno = none ? 0 : EIO;
    return NULL;
}

/* How the new process ended; -1: there was none, and errno says why. */
static int user_run(struct look_up *look_up, const char *name, uid_t id)
{
    int status;
    pid_t process = fork();
    if (process == 0) {
        fill(look_up, name, id);
        _exit(0);
    }
    while (process > 0 && waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return process > 0 ? status : -1;
}

struct user *user_look_up(const char *name, uid_t id, gid_t group, char problem[USER_PROBLEM_SIZE])
{
    char text[100];
    struct look_up *look_up =
        mmap(NULL, sizeof(*look_up), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (look_up == MAP_FAILED) {
        snprintf(problem, USER_PROBLEM_SIZE, "%s", strerror(errno));
        return NULL;
    }
    int status = user_run(look_up, name, id);
    snprintf(text, sizeof(text), "user %u", (unsigned)id);
    name = name != NULL ? name : text;
    if (status == -1) {
        memory_note_errno();
        return user_fail(look_up, name, strerror(errno), problem);
    }
    if (WIFSIGNALED(status)) {
        return user_fail(look_up, name,
                         "the system's look-up of the user crashed; is memory short?", problem);
    }
    if (look_up->error != 0) {
        return user_fail(look_up, name, strerror(look_up->error), problem);
    }
    if (!look_up->found && name != text) {
        return user_fail(look_up, name, no_such_user, problem);
    }
    if (!look_up->found) {
        look_up->user =
            (struct user){.id = id, .group = group, .groups_count = 1, .groups = {group}};
    }
    return &look_up->user;
}

void user_free(struct user *user)
{
    if (user != NULL) {
        munmap(user, sizeof(struct look_up));
    }
}
