#include "writer/plugin.h"

#include "base/memory.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool plugin_is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* Reports show the name, and a terminal would obey it. */
static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++) {
        if (iscntrl((unsigned char)*text)) {
            return true;
        }
    }
    return false;
}

/* What is wrong with what the symbol refers to; NULL if nothing is. */
static const char *plugin_fault(const struct kvr_plugin *plugin)
{
    const struct kvr_writer_type *type = plugin->type;
    if (plugin->abi > KVR_PLUGIN_ABI) {
        return "it was compiled with a newer kvresponse/plugin.h than kvreplay " KVR_VERSION " has";
    }
    if (plugin->size != sizeof(*plugin)) {
        return "its struct kvr_plugin is of another size: compiled with another header";
    }
    if (plugin->response_size != sizeof(struct kvr_response)) {
        return "its struct kvr_response is of another size: compiled with another header";
    }
    if (plugin->type_size != sizeof(*type)) {
        return "its struct kvr_writer_type is of another size: compiled with another header";
    }
    if (type == NULL || type->write == NULL) {
        return "it has no write function";
    }
    if (type->name == NULL || type->name[0] == '\0') {
        return "its writer has no name";
    }
    if (has_controls(type->name)) {
        return "its writer's name has control characters";
    }
    if ((type->create == NULL) != (type->destroy == NULL)) {
        return "its writer has only one of create and destroy";
    }
    return NULL;
}

const struct kvr_writer_type *plugin_load(const char *path, char problem[PLUGIN_PROBLEM_SIZE])
{
    errno = 0;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL && errno == ENOMEM) { /* of which dlerror does not always tell */
        memory_note_failure();
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "cannot load the writer: %s: %s", path,
                 strerror(ENOMEM));
        return NULL;
    }
    if (object == NULL) {
        /* dlerror's text begins with the path in nearly all cases */
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "cannot load the writer: %s", dlerror());
        return NULL;
    }
    const struct kvr_plugin *plugin = dlsym(object, "kvr_plugin_v1");
    const char *fault = plugin == NULL
                            ? "it has no symbol kvr_plugin_v1, so it is no writer of this version"
                            : plugin_fault(plugin);
    if (fault != NULL) {
        snprintf(problem, PLUGIN_PROBLEM_SIZE, "cannot use the writer: %s: %s", path, fault);
        dlclose(object);
        return NULL;
    }
    return plugin->type;
}
