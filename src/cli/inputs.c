#include "cli/inputs.h"

#include "capture/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool push(struct inputs *inputs, const char *path, enum verify_status status,
                 const char *problem)
{
    struct input *grown = reallocarray(inputs->inputs, inputs->count + 1, sizeof(*inputs->inputs));
    if (grown == NULL) {
        return false;
    }
    inputs->inputs = grown;
    struct input *input = &grown[inputs->count++];
    *input = (struct input){.path = strdup(path), .status = status};
    if (problem != NULL) {
        input->problem = strdup(problem);
    }
    return input->path != NULL && (problem == NULL || input->problem != NULL);
}

bool inputs_add(struct inputs *inputs, const char *path)
{
    struct capture_files files = {0};
    enum capture_files_result result = capture_files_add(&files, path);
    int reason = errno;
    bool added = true;
    for (size_t i = 0; i < files.count; i++) {
        const struct capture_file *file = &files.files[i];
        added = added &&
                push(inputs, file->path,
                     file->problem == NULL ? VERIFY_IDENTICAL : VERIFY_UNREADABLE, file->problem);
    }
    if (result == CAPTURE_FILES_UNREADABLE) {
        added = added && push(inputs, path, VERIFY_UNREADABLE, strerror(reason));
    } else if (result == CAPTURE_FILES_EMPTY) {
        added = added && push(inputs, path, VERIFY_NO_EVIDENCE,
                              "a folder without captures (.pcap, .pcapng, .cap, also .gz, .zst)");
    }
    capture_files_deinit(&files);
    return added;
}

void inputs_deinit(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->inputs[i].path);
        free(inputs->inputs[i].problem);
    }
    free(inputs->inputs);
    *inputs = (struct inputs){0};
}
