#include "record/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool privileges_fail(char problem[PRIVILEGES_PROBLEM_SIZE], const char *what,
                            const char *why)
{
    snprintf(problem, PRIVILEGES_PROBLEM_SIZE, "%.300s: %s", what, why);
    return false;
}

/* Of the folder. */
static struct user *find_owner(const char *output, char problem[PRIVILEGES_PROBLEM_SIZE])
{
    char folder[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(output, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - output) + 1;
    if (size >= sizeof(folder)) {
        privileges_fail(problem, output, strerror(ENAMETOOLONG));
        return NULL;
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)size, output);
    if (stat(size == 0 ? "." : folder, &status) != 0) {
        privileges_fail(problem, output, strerror(errno));
        return NULL;
    }
    return user_look_up(NULL, status.st_uid, status.st_gid, problem);
}

static bool become(const struct user *user, char problem[PRIVILEGES_PROBLEM_SIZE])
{
    if (user->id == 0) {
        return true;
    }
    if (setgroups((size_t)user->groups_count, user->groups) != 0 || setgid(user->group) != 0 ||
        setuid(user->id) != 0) {
        return privileges_fail(problem, "can't give up root, which --user root keeps",
                               strerror(errno));
    }
    if (setuid(0) == 0) {
        return privileges_fail(problem, "can't give up root", "it can be had back");
    }
    return true;
}

static bool drop_capabilities(char problem[PRIVILEGES_PROBLEM_SIZE])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_capset, &header, none) != 0) {
        return privileges_fail(problem, "can't drop capabilities", strerror(errno));
    }
    return true;
}

static bool become_owner(const char *output, char problem[PRIVILEGES_PROBLEM_SIZE])
{
    struct user *owner = find_owner(output, problem);
    bool became = owner != NULL && become(owner, problem);
    user_free(owner);
    return became;
}

bool privileges_allow(const struct user *user)
{
    return geteuid() == 0 || user->id == geteuid();
}

bool privileges_drop(const struct user *user, const char *output,
                     char problem[PRIVILEGES_PROBLEM_SIZE])
{
    bool may_go_on = true;
    if (geteuid() == 0 && user != NULL) {
        may_go_on = become(user, problem);
    } else if (geteuid() == 0 && strcmp(output, "-") != 0) {
        may_go_on = become_owner(output, problem);
    }
    return may_go_on && drop_capabilities(problem);
}
