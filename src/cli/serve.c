/*
 * kvreplay serve: the response path as a server, in the foreground.
 */
#include "baseline/all_writers.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/libraries.h"
#include "report/printable.h"
#include "result/result.h"
#include "sasl/users.h"
#include "server/server.h"
#include "writer/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITER = 0x400,
    TLS_CERTIFICATE,
    TLS_KEY,
    IDLE_TIMEOUT,
    DIALECT,
    BUCKET,
    COLLECTION,
    USER,
    USER_FILE,
    VBUCKETS
};

enum {
    DEFAULT_PORT = 11211,
    DEFAULT_THREADS = 4,
    THREADS_MAX = 256,
    DEFAULT_CONNECTIONS = 1024,
    DEFAULT_VBUCKETS = 64,
    CONNECTIONS_MAX = 1 << 20,
    IDLE_MAX = 1 << 20, /* seconds */
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Where it listens:", 1},
    {"listen", 'l', "ADDRESSES", 0,
     "Addresses or names, separated by commas (default 127.0.0.1: this machine only)", 1},
    {"port", 'p', "PORT", 0, "TCP port (default 11211); 0: the kernel chooses", 1},
    {"socket", 's', "PATH", 0, "A UNIX socket instead of TCP", 1},
    {"tls-cert", TLS_CERTIFICATE, "FILE", 0, "Serve TLS, with this certificate (PEM)", 1},
    {"tls-key", TLS_KEY, "FILE", 0, "Its key (default: also in the certificate's file)", 1},

    {NULL, 0, NULL, 0, "What it may take:", 2},
    {"threads", 't', "N", 0, "Worker threads (default 4)", 2},
    {"connections", 'c', "N", 0,
     "Connections at the same time; more are closed at once (default 1024)", 2},
    {"memory", 'm', "SIZE", 0,
     "Memory for items and for what is being received; the least recently used items make room "
     "(default 64m)",
     2},
    {"item-size-max", 'I', "SIZE", 0, "The largest item (default 1m)", 2},
    {"idle-timeout", IDLE_TIMEOUT, "SECONDS", 0,
     "Close connections on which no request came to its end for so long (default 0: never)", 2},

    {NULL, 0, NULL, 0, "How it answers:", 3},
    {"writer", WRITER, "NAME", 0,
     "Writer that builds the responses (default batch), or a path (with a '/') to a plug-in", 3},
    {"dialect", DIALECT, "DIALECT", 0, "memcached (default) or couchbase", 3},

    {NULL, 0, NULL, 0, "With --dialect couchbase:", 4},
    {"bucket", BUCKET, "NAME", 0, "The name of its bucket (default: default)", 4},
    {"collection", COLLECTION, "SCOPE.COLLECTION", 0,
     "A collection beside the default one; may be repeated", 4},
    {"user", USER, "NAME:PASSWORD", 0,
     "Who may log in; may be repeated (default: anybody, with any password)", 4},
    {"user-file", USER_FILE, "FILE", 0, "The same, a line each; the file is its owner's alone", 4},
    {"vbuckets", VBUCKETS, "N", 0, "vbuckets, a power of two (default 64, at most 1024)", 4},
    {0},
};

static const struct kvr_writer_type *serve_writer_of(const struct argp_state *state,
                                                     const char *name)
{
    char problem[PLUGIN_PROBLEM_SIZE];
    const struct kvr_writer_type *writer =
        plugin_is_path(name) ? plugin_load(name, problem) : all_writers_find(name);
    if (writer == NULL && plugin_is_path(name)) {
        argp_error(state, "--writer: %s", problem);
    } else if (writer == NULL) {
        argp_error(state, "--writer: there is no writer '%s'; kvreplay verify --help lists them",
                   name);
    }
    return writer;
}

static error_t serve_parse_limit(int key, char *argument, const struct argp_state *state,
                                 struct server_options *server)
{
    switch (key) {
    case 't':
        server->threads = (unsigned)argument_number(state, "--threads", argument, 1, THREADS_MAX);
        return 0;
    case 'c':
        server->connections_max =
            (unsigned)argument_number(state, "--connections", argument, 1, CONNECTIONS_MAX);
        return 0;
    case 'm':
        server->memory_max = argument_size(state, "--memory", argument, 1 << 20, 1ull << 44);
        return 0;
    case 'I': /* memcached's own limits */
        server->item_size_max = argument_size(state, "--item-size-max", argument, 1024, 1 << 30);
        return 0;
    case IDLE_TIMEOUT:
        server->idle_timeout =
            (unsigned)argument_number(state, "--idle-timeout", argument, 0, IDLE_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What is served, and the options of the other dialect. */
struct serve_arguments {
    struct server_options server;
    struct couchbase_options couchbase;
    struct couchbase_collection *collections; /* each owns its scope, and its name is in it */
    struct sasl_users *users;
    bool is_couchbases; /* an option of that dialect was given */
};

/* Each name has 1 to 251 bytes. Source: docs/Collections.md in couchbase/kv_engine. */
static void add_collection(const struct argp_state *state, struct serve_arguments *arguments,
                           const char *path)
{
    enum { NAME_MAX_BYTES = 251 };
    struct couchbase_options *couchbase = &arguments->couchbase;
    const char *dot = strchr(path, '.');
    size_t scope = dot == NULL ? 0 : (size_t)(dot - path);
    size_t name = dot == NULL ? 0 : strlen(dot + 1);
    if (scope == 0 || scope > NAME_MAX_BYTES || name == 0 || name > NAME_MAX_BYTES ||
        strchr(dot + 1, '.') != NULL) {
        argp_error(state, "--collection: '%s' is not SCOPE.COLLECTION", path);
        return;
    }
    struct couchbase_collection *collections = reallocarray(
        arguments->collections, couchbase->collections_count + 1, sizeof(*collections));
    if (collections == NULL) {
        argp_failure(state, VERIFY_INTERNAL, errno, "--collection");
        return;
    }
    couchbase->collections = arguments->collections = collections;
    char *copy = strdup(path); /* others see the arguments as they were given */
    if (copy == NULL) {
        argp_failure(state, VERIFY_INTERNAL, errno, "--collection");
        return;
    }
    copy[scope] = '\0';
    collections[couchbase->collections_count].scope = copy;
    collections[couchbase->collections_count].name = copy + scope + 1;
    couchbase->collections_count++;
}

static void free_collections(struct serve_arguments *arguments)
{
    for (size_t i = 0; i < arguments->couchbase.collections_count; i++) {
        free((char *)arguments->collections[i].scope);
    }
    free(arguments->collections);
}

static bool has_users(const struct argp_state *state, struct serve_arguments *arguments)
{
    if (arguments->users == NULL) {
        arguments->users = sasl_users_create();
        arguments->couchbase.users = arguments->users;
    }
    if (arguments->users == NULL) {
        argp_failure(state, VERIFY_INTERNAL, errno, "--user");
    }
    return arguments->users != NULL;
}

/* The password does not stay among the arguments, where other users of the machine see it. */
static void add_user(const struct argp_state *state, struct serve_arguments *arguments, char *text)
{
    if (!has_users(state, arguments)) {
        return;
    }
    enum sasl_users_result result = sasl_users_add(arguments->users, span_of(text, strlen(text)));
    explicit_bzero(text + strcspn(text, ":"), strlen(text + strcspn(text, ":")));
    if (result != SASL_USERS_OK) {
        argp_error(state, "--user: %s", sasl_users_problem(result));
    }
}

static void load_users(const struct argp_state *state, struct serve_arguments *arguments,
                       const char *path)
{
    size_t line;
    if (!has_users(state, arguments)) {
        return;
    }
    enum sasl_users_result result = sasl_users_load(arguments->users, path, &line);
    if (result == SASL_USERS_UNREADABLE) {
        argp_error(state, "--user-file: %s: %s", path, strerror(errno));
    } else if (result != SASL_USERS_OK && line > 0) {
        argp_error(state, "--user-file: %s: line %zu: %s", path, line, sasl_users_problem(result));
    } else if (result != SASL_USERS_OK) {
        argp_error(state, "--user-file: %s: %s", path, sasl_users_problem(result));
    }
}

static unsigned vbuckets_of(const struct argp_state *state, const char *argument)
{
    unsigned count =
        (unsigned)argument_number(state, "--vbuckets", argument, 1, COUCHBASE_VBUCKETS_MAX);
    if ((count & (count - 1)) != 0) {
        argp_error(state, "--vbuckets: '%s' is not a power of two", argument);
    }
    return count;
}

static error_t serve_parse_couchbase(int key, char *argument, const struct argp_state *state,
                                     struct serve_arguments *arguments)
{
    static const char *const dialects[] = {"memcached", "couchbase", NULL};
    arguments->is_couchbases |= key >= BUCKET && key <= VBUCKETS;
    switch (key) {
    case DIALECT:
        arguments->server.couchbase = argument_word(state, "--dialect", argument, dialects) == 1
                                          ? &arguments->couchbase
                                          : NULL;
        return 0;
    case BUCKET:
        arguments->couchbase.bucket = argument_name(state, "--bucket", argument);
        return 0;
    case COLLECTION:
        add_collection(state, arguments, argument);
        return 0;
    case USER:
        add_user(state, arguments, argument);
        return 0;
    case USER_FILE:
        load_users(state, arguments, argument);
        return 0;
    case VBUCKETS:
        arguments->couchbase.vbuckets = vbuckets_of(state, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void serve_check_whole(const struct argp_state *state, struct serve_arguments *arguments)
{
    struct server_options *server = &arguments->server;
    if (arguments->is_couchbases && server->couchbase == NULL) {
        argp_error(state, "--bucket, --collection, --user, --user-file and --vbuckets need "
                          "--dialect couchbase");
    }
    if (server->key != NULL && server->certificate == NULL) {
        argp_error(state, "--tls-key without --tls-cert");
    } else if (server->item_size_max > server->memory_max / 2) {
        argp_error(state, "--item-size-max: more than half of --memory");
    }
    if (server->key == NULL) {
        server->key = server->certificate;
    }
}

static error_t serve_parse(int key, char *argument, struct argp_state *state)
{
    struct serve_arguments *arguments = state->input;
    struct server_options *server = &arguments->server;
    switch (key) {
    case 'l':
        server->listen = argument;
        return 0;
    case 'p':
        server->port = (uint16_t)argument_number(state, "--port", argument, 0, UINT16_MAX);
        return 0;
    case 's':
        server->unix_path = argument_name(state, "--socket", argument);
        return 0;
    case TLS_CERTIFICATE:
        server->certificate = argument_name(state, "--tls-cert", argument);
        return 0;
    case TLS_KEY:
        server->key = argument_name(state, "--tls-key", argument);
        return 0;
    case WRITER:
        server->writer = serve_writer_of(state, argument);
        return 0;
    case ARGP_KEY_SUCCESS:
        serve_check_whole(state, arguments);
        return 0;
    default:
        return serve_parse_couchbase(key, argument, state, arguments) == 0
                   ? 0
                   : serve_parse_limit(key, argument, state, server);
    }
}

static int serve_complain(const char *problem)
{
    diagnose("%s", problem);
    return VERIFY_INTERNAL;
}

/* Who waits for this line would wait for ever. */
static int serve_say_ready(const struct server *server)
{
    fputs("ready: ", stdout);
    printable_write_text(stdout, server_address(server));
    putchar('\n');
    return fflush(stdout) == 0 ? VERIFY_IDENTICAL : VERIFY_INTERNAL;
}

int command_serve(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = serve_parse,
        .doc = "A memcached-compatible server of the binary protocol, in the foreground, until "
               "SIGTERM or SIGINT. Says where it listens when it is ready."
               "\vExit status: 0 after such a signal, 2 wrong usage, 70 it can't listen, or "
               "another internal error. kvreplay(1) has the rest.",
    };
    struct serve_arguments arguments = {
        .server = {.listen = "127.0.0.1",
                   .port = DEFAULT_PORT,
                   .threads = DEFAULT_THREADS,
                   .connections_max = DEFAULT_CONNECTIONS,
                   .memory_max = 64 << 20,
                   .item_size_max = 1 << 20,
                   .writer = all_writers_find("batch")},
        .couchbase = {.bucket = "default", .vbuckets = DEFAULT_VBUCKETS},
    };
    char problem[SERVER_PROBLEM_SIZE];
    diagnose_arguments(&argp, argc, argv, 0, &arguments);
    struct server *server = server_create(&arguments.server, problem);
    free_collections(&arguments);
    if (server == NULL) {
        return serve_complain(problem);
    }
    libraries_let_openssl_go_on();
    int status = serve_say_ready(server);
    if (status == VERIFY_IDENTICAL && !server_run(server, problem)) {
        status = serve_complain(problem);
    }
    server_destroy(server);
    sasl_users_destroy(arguments.users);
    return status;
}
