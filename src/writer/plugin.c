#include "writer/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool plugin_is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* What is wrong with what the symbol refers to; NULL if nothing is. */
static const char *plugin_fault(const struct kvr_plugin *plugin)
{
    if (plugin->size != sizeof(*plugin)) {
        return "its struct kvr_plugin is of another size: compiled with another kvresponse.h";
    }
    if (plugin->response_size != sizeof(struct kvr_response)) {
        return "its struct kvr_response is of another size: compiled with another kvresponse.h";
    }
    if (plugin->writer_size != sizeof(struct kvr_writer)) {
        return "its struct kvr_writer is of another size: compiled with another kvresponse.h";
    }
    if (plugin->writer == NULL || plugin->writer->write == NULL) {
        return "it has no write function";
    }
    if (plugin->writer->name == NULL || plugin->writer->name[0] == '\0') {
        return "its writer has no name";
    }
    if ((plugin->writer->create == NULL) != (plugin->writer->destroy == NULL)) {
        return "its writer has only one of create and destroy";
    }
    return NULL;
}

const struct kvr_writer *plugin_load(const char *path, char problem[PLUGIN_PROBLEM_SIZE])
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
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
    return plugin->writer;
}
