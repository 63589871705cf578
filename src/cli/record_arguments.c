#include "cli/record_arguments.h"

#include "cli/arguments.h"
#include "cli/diagnose.h"
#include "record/privileges.h"
#include "result/result.h"

#include <errno.h>

enum {
    FILTER = 0x500,
    BUFFER_SIZE,
    MAX_LOSS,
    TO,
    TLS_CERTIFICATE,
    TLS_KEY,
    TLS,
    TLS_AUTHORITIES,
    FORCE,
    ROTATE_SIZE,
    ROTATE_TIME,
    LIMIT,
    USER,
};

enum { SECONDS_MAX = 1 << 30 };

/* memcached's port and Couchbase's. */
static const char default_filter[] = "tcp port 11211 or tcp port 11210";

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "As a proxy, between clients and a server:", 1},
    {"listen", 'l', "ADDRESS", 0,
     "Where clients connect to: HOST:PORT (0: the kernel chooses) or unix:PATH", 1},
    {"to", TO, "ADDRESS", 0, "The server: HOST:PORT or unix:PATH", 1},
    {"tls-cert", TLS_CERTIFICATE, "FILE", 0, "Clients speak TLS, to this certificate (PEM)", 1},
    {"tls-key", TLS_KEY, "FILE", 0, "Its key (default: also in the certificate's file)", 1},
    {"tls", TLS, NULL, 0, "The server speaks TLS", 1},
    {"tls-ca", TLS_AUTHORITIES, "FILE", 0,
     "Who has to have signed its certificate (PEM; default: whom the system trusts)", 1},

    {NULL, 0, NULL, 0, "From a network interface:", 2},
    {"interface", 'i', "NAME", 0, "Record what passes there; 'any' is all of them", 2},
    {"filter", FILTER, "BPF", 0,
     "Only packets that match, as tcpdump(1) takes it (default 'tcp port 11211 or tcp port "
     "11210')",
     2},
    {"buffer-size", BUFFER_SIZE, "SIZE", 0, "The kernel's buffer for packets (default 64m)", 2},
    {"max-loss", MAX_LOSS, "N", 0, "Packets that may be dropped (default 0)", 2},

    {NULL, 0, NULL, 0, "What is written:", 3},
    {"output", 'o', "FILE", 0, "The capture, pcapng; '-' is standard output", 3},
    {"force", FORCE, NULL, 0, "Replace it if it exists", 3},
    {"rotate-size", ROTATE_SIZE, "SIZE", 0,
     "Go on in another file, FILE-00002, before it is larger", 3},
    {"rotate-time", ROTATE_TIME, "SECONDS", 0, "Likewise when it is so old", 3},
    {"user", USER, "NAME", 0,
     "Who to be instead of root, once the sockets are open (default: the owner of the file's "
     "folder)",
     3},
    {"limit", LIMIT, "WHAT:N", 0, "Stop after packets:N, bytes:SIZE or seconds:N", 3},
    {0},
};

static uint64_t seconds_of(const struct argp_state *state, const char *option, const char *text)
{
    return argument_number(state, option, text, 1, SECONDS_MAX);
}

static struct user *find_user(const struct argp_state *state, const char *name)
{
    char problem[USER_PROBLEM_SIZE];
    struct user *user = user_look_up(name, 0, 0, problem);
    if (user == NULL && errno == 0) {
        argp_error(state, "--user: there is no user '%s'", name);
    } else if (user == NULL) {
        diagnose_and_exit(VERIFY_INTERNAL, "--user: %s", problem);
    } else if (!privileges_allow(user)) {
        argp_error(state, "--user: can't become '%s': only root can change the user", name);
    }
    return user;
}

/* "packets:1000" */
static void record_arguments_parse_limit(const struct argp_state *state, const char *text,
                                         struct record_options *record)
{
    static const char *const words[] = {"packets", "bytes", "seconds", NULL};
    char word[16];
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    if (length == 0 || length >= sizeof(word)) {
        argp_error(state, "--limit: '%s' is not packets:N, bytes:SIZE or seconds:N", text);
        return;
    }
    snprintf(word, sizeof(word), "%.*s", (int)length, text);
    switch (argument_word(state, "--limit", word, words)) {
    case 0:
        record->tape.packets_max = argument_number(state, "--limit", colon + 1, 1, UINT64_MAX);
        break;
    case 1:
        record->tape.bytes_max = argument_size(state, "--limit", colon + 1, 1, UINT64_MAX);
        break;
    default:
        record->seconds_max = (unsigned)seconds_of(state, "--limit", colon + 1);
        break;
    }
}

static error_t parse_output(int key, char *argument, const struct argp_state *state,
                            struct record_options *record)
{
    switch (key) {
    case 'o':
        record->tape.path = argument_name(state, "--output", argument);
        return 0;
    case FORCE:
        record->tape.replace = true;
        return 0;
    case ROTATE_SIZE:
        record->tape.rotate_size = argument_size(state, "--rotate-size", argument, 1, UINT64_MAX);
        return 0;
    case ROTATE_TIME:
        record->tape.rotate_interval =
            (int64_t)seconds_of(state, "--rotate-time", argument) * 1000000000;
        return 0;
    case LIMIT:
        record_arguments_parse_limit(state, argument, record);
        return 0;
    case USER:
        user_free(record->user);
        record->user = find_user(state, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_tap(int key, char *argument, const struct argp_state *state,
                         struct record_options *record)
{
    switch (key) {
    case 'i':
        record->tap.interface = argument_name(state, "--interface", argument);
        return 0;
    case FILTER:
        record->tap.filter = argument;
        return 0;
    case BUFFER_SIZE:
        record->tap.buffer_size =
            (unsigned)argument_size(state, "--buffer-size", argument, 1 << 20, INT32_MAX);
        return 0;
    case MAX_LOSS:
        record->max_loss = argument_number(state, "--max-loss", argument, 0, UINT64_MAX);
        return 0;
    default:
        return parse_output(key, argument, state, record);
    }
}

static void check_proxy(const struct argp_state *state, struct proxy_options *proxy)
{
    if (proxy->listen == NULL || proxy->target == NULL) {
        argp_error(state, "--listen needs --to, and --to needs --listen");
    } else if (proxy->key != NULL && proxy->certificate == NULL) {
        argp_error(state, "--tls-key without --tls-cert");
    } else if (proxy->authorities != NULL && !proxy->target_tls) {
        argp_error(state, "--tls-ca without --tls");
    }
    if (proxy->key == NULL) {
        proxy->key = proxy->certificate;
    }
}

static void record_arguments_check_whole(const struct argp_state *state,
                                         struct record_options *record)
{
    const struct proxy_options *proxy = &record->proxy;
    const struct tape_options *tape = &record->tape;
    record->proxy_wanted = proxy->listen != NULL || proxy->target != NULL;
    if (record->proxy_wanted == (record->tap.interface != NULL)) {
        argp_error(state, "either --listen and --to, or --interface");
    } else if (!record->proxy_wanted && (proxy->certificate != NULL || proxy->key != NULL ||
                                         proxy->target_tls || proxy->authorities != NULL)) {
        argp_error(state, "TLS is for --listen and --to");
    } else if (tape->path == NULL) {
        argp_error(state, "-o FILE is required");
    } else if (strcmp(tape->path, "-") == 0 &&
               (tape->rotate_size > 0 || tape->rotate_interval > 0)) {
        argp_error(state, "standard output can't be rotated");
    }
    argument_keep_input(state, "--output", tape->path, proxy->certificate);
    argument_keep_input(state, "--output", tape->path, proxy->key);
    argument_keep_input(state, "--output", tape->path, proxy->authorities);
    if (record->proxy_wanted) {
        check_proxy(state, &record->proxy);
    }
}

static error_t record_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct record_options *record = state->input;
    switch (key) {
    case 'l':
        record->proxy.listen = argument_address(state, "--listen", argument);
        return 0;
    case TO:
        record->proxy.target = argument_address(state, "--to", argument);
        return 0;
    case TLS_CERTIFICATE:
        record->proxy.certificate = argument_name(state, "--tls-cert", argument);
        return 0;
    case TLS_KEY:
        record->proxy.key = argument_name(state, "--tls-key", argument);
        return 0;
    case TLS:
        record->proxy.target_tls = true;
        return 0;
    case TLS_AUTHORITIES:
        record->proxy.authorities = argument_name(state, "--tls-ca", argument);
        return 0;
    case ARGP_KEY_SUCCESS:
        record_arguments_check_whole(state, record);
        return 0;
    default:
        return parse_tap(key, argument, state, record);
    }
}

void record_arguments(int argc, char **argv, struct record_options *record)
{
    static const struct argp argp = {
        .options = options,
        .parser = record_arguments_parse,
        .doc = "Records what clients and a server say to each other, until SIGTERM or SIGINT, or a "
               "limit. Says on standard error when it is ready, and in the end what it has seen."
               "\vExit status: 0 everything was recorded, 2 wrong usage, 4 nothing was recorded, "
               "a client could not be connected, or more packets were dropped than --max-loss, 70 "
               "it can't listen or capture, or the file can't be "
               "written. kvreplay(1) has the rest.",
    };
    *record = (struct record_options){
        .tap = {.filter = default_filter, .buffer_size = 64 << 20},
    };
    diagnose_arguments(&argp, argc, argv, 0, record);
}
