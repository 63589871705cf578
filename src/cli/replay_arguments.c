#include "cli/replay_arguments.h"

#include "base/private_file.h"
#include "cli/arguments.h"
#include "cli/diagnose.h"
#include "cli/dissect_arguments.h"
#include "sasl/client.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TO = 0x700,
    AGAINST,
    TLS,
    TLS_CA,
    USER,
    PASSWORD_FILE,
    BUCKET,
    SPEED,
    RATE,
    PIPELINE,
    LOOP,
    LIMIT,
    REWRITE_OPAQUE,
    TIMEOUT,
};

#define PASSWORD_VARIABLE "KVREPLAY_PASSWORD"

enum {
    RATE_MAX = 1000000000,
    PIPELINE_MAX = 1 << 16,
    TIMEOUT_MAX = 86400, /* seconds */
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Where requests go:", 1},
    {"to", TO, "SERVER", 0, "HOST:PORT, [IPV6]:PORT or unix:PATH", 1},
    {"against", AGAINST, "SERVER", 0,
     "Send them to this server too, and compare with its answers, not with the recorded ones", 1},
    {"tls", TLS, NULL, 0, "Over TLS", 1},
    {"tls-ca", TLS_CA, "FILE", 0,
     "Certificates (PEM) that the server's has to be signed by (default: the system's)", 1},
    {"user", USER, "NAME", 0,
     "Log in (SASL) on every connection, in place of the recorded logins, with the password in the "
     "environment variable " PASSWORD_VARIABLE,
     1},
    {"password-file", PASSWORD_FILE, "FILE", 0,
     "That has the password of --user as its first line; the file is its owner's alone", 1},
    {"bucket", BUCKET, "NAME", 0,
     "Select that bucket where a recorded connection had selected its own before the capture, "
     "which "
     "does not tell which one",
     1},
    {"timeout", TIMEOUT, "SECONDS", 0, "Give up after so long without an answer (default 10)", 1},

    {NULL, 0, NULL, 0, "Which requests, and when:", 2},
    {"pipeline", PIPELINE, "N", 0,
     "Keep N requests in flight on each connection, in no order between connections (default: the "
     "order of causes over all)",
     2},
    {"speed", SPEED, "SPEED", 0,
     "max (default), original for the recorded times, or a multiple of that like 2x", 2},
    {"rate", RATE, "N", 0, "At most N requests a second, over all connections", 2},
    {"loop", LOOP, "N", 0, "Play the captures N times; only the first time is compared", 2},
    {"limit", LIMIT, "N", 0, "Only the first N requests of each capture", 2},
    {"rewrite-opaque", REWRITE_OPAQUE, NULL, 0,
     "Number the requests of a connection, for clients whose opaques are all the same", 2},
    {0},
};

static double speed_of(const struct argp_state *state, const char *text)
{
    char *end;
    if (strcmp(text, "max") == 0) {
        return 0;
    }
    if (strcmp(text, "original") == 0) {
        return 1;
    }
    errno = 0;
    double speed = strtod(text, &end);
    bool digits = text[0] >= '0' && text[0] <= '9';
    if (!digits || strcmp(end, "x") != 0 || !isfinite(speed) || speed < 1e-3 || speed > 1e6) {
        argp_error(state,
                   "--speed: '%s' is neither max, original, nor a multiple like 2x (0.001x to "
                   "1000000x)",
                   text);
    }
    return speed;
}

static error_t parse_pace(int key, char *argument, const struct argp_state *state,
                          struct live_options *live)
{
    switch (key) {
    case SPEED:
        live->speed = speed_of(state, argument);
        return 0;
    case RATE:
        live->rate = argument_number(state, "--rate", argument, 1, RATE_MAX);
        return 0;
    case PIPELINE:
        live->pipeline = (uint32_t)argument_number(state, "--pipeline", argument, 1, PIPELINE_MAX);
        return 0;
    case LOOP:
        live->loops = argument_number(state, "--loop", argument, 1, INT64_MAX);
        return 0;
    case LIMIT:
        live->limit = argument_number(state, "--limit", argument, 1, INT64_MAX);
        return 0;
    case REWRITE_OPAQUE:
        live->rewrite_opaque = true;
        return 0;
    case TIMEOUT:
        live->timeout =
            1000 * (unsigned)argument_number(state, "--timeout", argument, 1, TIMEOUT_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What is wrong with the file, or NULL. */
static const char *read_password(FILE *file, struct replay_arguments *arguments, size_t *size)
{
    if (private_file_is_exposed(file)) {
        return "others can read or write it; chmod 600";
    }
    setvbuf(file, NULL, _IONBF, 0); /* nothing of it stays behind */
    int byte = getc(file);
    for (*size = 0; byte != EOF && byte != '\n'; byte = getc(file)) {
        if (*size == sizeof(arguments->password)) {
            return "its first line is too long for a password";
        }
        arguments->password[(*size)++] = (uint8_t)byte;
    }
    return ferror(file) != 0 ? strerror(errno) : NULL;
}

static void load_password(const struct argp_state *state, struct replay_arguments *arguments)
{
    const char *path = arguments->password_file;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    const char *problem = file == NULL ? strerror(errno) : read_password(file, arguments, &size);
    if (file != NULL) {
        fclose(file);
    }
    if (problem != NULL) {
        argp_error(state, "--password-file: %s: %s", path, problem);
    }
    arguments->login.password = span_of(arguments->password, size);
}

static void check_login(const struct argp_state *state, struct replay_arguments *arguments)
{
    const char *password = getenv(PASSWORD_VARIABLE);
    if (arguments->user == NULL) {
        if (arguments->password_file != NULL) {
            argp_error(state, "--password-file without --user");
        } else if (arguments->bucket != NULL) {
            argp_error(state, "--bucket without --user");
        }
        return;
    }
    if (arguments->password_file != NULL) {
        load_password(state, arguments);
    } else if (password != NULL) {
        arguments->login.password = span_of(password, strlen(password));
    } else {
        argp_error(state,
                   "--user: no password, neither by --password-file nor in " PASSWORD_VARIABLE);
    }
    arguments->login.user = span_of(arguments->user, strlen(arguments->user));
    if (!sasl_client_accepts(arguments->login.user, arguments->login.password)) {
        argp_error(state, "--user: name or password is empty, too long, or has a NUL in it");
    }
    if (arguments->bucket != NULL) {
        arguments->login.bucket = span_of(arguments->bucket, strlen(arguments->bucket));
    }
    arguments->options.login = &arguments->login;
}

static void replay_arguments_check_whole(const struct argp_state *state,
                                         struct replay_arguments *arguments)
{
    check_login(state, arguments);
    if (arguments->to == NULL) {
        argp_error(state, "--to SERVER is required");
    } else if (arguments->authorities != NULL && !arguments->tls) {
        argp_error(state, "--tls-ca without --tls");
    }
    report_arguments_keep_all(state, &arguments->report, &arguments->inputs);
    report_arguments_keep(state, &arguments->report, arguments->authorities);
    report_arguments_keep(state, &arguments->report, arguments->password_file);
    for (size_t i = 0; i < arguments->inputs.count; i++) {
        if (arguments->options.loops > 1 && strcmp(arguments->inputs.inputs[i].path, "-") == 0) {
            argp_error(state, "--loop: standard input can be read only once");
        }
    }
}

static error_t replay_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct replay_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->report;
        state->child_inputs[1] = &arguments->options.verify.dissect;
        return 0;
    case TO:
        arguments->to = argument_address(state, "--to", argument);
        return 0;
    case AGAINST:
        arguments->against = argument_address(state, "--against", argument);
        return 0;
    case TLS:
        arguments->tls = true;
        return 0;
    case TLS_CA:
        arguments->authorities = argument_name(state, "--tls-ca", argument);
        return 0;
    case USER:
        arguments->user = argument_name(state, "--user", argument);
        return 0;
    case PASSWORD_FILE:
        arguments->password_file = argument_name(state, "--password-file", argument);
        return 0;
    case BUCKET:
        arguments->bucket = argument_name(state, "--bucket", argument);
        return 0;
    case ARGP_KEY_ARG:
        argument_capture(state, &arguments->inputs, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "missing operand: CAPTURE");
        return 0;
    case ARGP_KEY_SUCCESS:
        replay_arguments_check_whole(state, arguments);
        return 0;
    default:
        return parse_pace(key, argument, state, &arguments->options);
    }
}

void replay_arguments_init(struct replay_arguments *arguments, int argc, char **argv)
{
    struct argp_child children[] = {{&report_argp, 0, NULL, 3}, {&dissect_argp, 0, NULL, 4}, {0}};
    struct argp argp = {
        .options = options,
        .parser = replay_arguments_parse,
        .args_doc = "CAPTURE...",
        .doc = "Sends the requests in the captures (files, folders, - for standard input) to a "
               "live server, over as many connections as were recorded, and compares its answers "
               "with the recorded ones."
               "\vExit status: 0 identical, 1 different, 2 wrong usage, 3 a capture can't be read, "
               "4 not enough evidence (also: the server is not there, or goes away), 70 internal "
               "error or output that can't be written. kvreplay(1) has the rest.",
        .children = children,
    };
    *arguments = (struct replay_arguments){0};
    live_options_init(&arguments->options);
    report_arguments_init(&arguments->report, &arguments->options.verify);
    diagnose_arguments(&argp, argc, argv, 0, arguments);
}

void replay_arguments_deinit(struct replay_arguments *arguments)
{
    explicit_bzero(arguments->password, sizeof(arguments->password));
    inputs_deinit(&arguments->inputs);
    report_arguments_deinit(&arguments->report);
}
