#include "replay/servers.h"

#include "replay/overlap.h"
#include "replay/provisional.h"
#include "replay/restart.h"
#include "replay/unseen.h"

#include <stdlib.h>

void servers_init(struct models *models)
{
    *models = (struct models){.count = 0};
    list_init(&models->idle);
}

/* Every endpoint is the same one if all are one server. */
static struct net_endpoint server_of(const struct run *run, const struct connection *connection)
{
    static const struct net_endpoint any;
    return run->options->one_server ? any : connection->conversation->server;
}

static bool same_endpoint(const struct net_endpoint *a, const struct net_endpoint *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static struct model **servers_bucket_of(struct models *models, const struct net_endpoint *server)
{
    uint32_t hash = server->port;
    for (size_t i = 0; i < sizeof(server->address); i++) {
        hash = hash * 31 + server->address[i];
    }
    return &models->buckets[hash % MODEL_BUCKETS];
}

static struct model *servers_find(struct models *models, const struct net_endpoint *server)
{
    struct model *model = *servers_bucket_of(models, server);
    while (model != NULL && !same_endpoint(&model->server, server)) {
        model = model->next;
    }
    return model;
}

/* ------------------------------------------------------------------------ begin and end of one */

static void destroy(struct run *run, struct model *model)
{
    struct model **at = servers_bucket_of(&run->models, &model->server);
    while (*at != model) {
        at = &(*at)->next;
    }
    *at = model->next;
    list_remove(&model->idle);
    run->models.count--;
    run->model = model;
    overlap_deinit(run);
    cas_memory_deinit(&model->cas);
    unseen_deinit(&model->unseen);
    provisional_forget(&run->provisional, model);
    engine_destroy(model->engine);
    shadow_destroy(model->shadow);
    free(model);
    run->model = NULL;
}

/* The longest idle one. False: there is none. */
static bool destroy_idle(struct run *run)
{
    struct list_link *idle = &run->models.idle;
    if (list_is_empty(idle)) {
        return false;
    }
    destroy(run, LIST_MEMBER(idle->next, struct model, idle));
    return true;
}

static struct model *create(struct run *run, const struct net_endpoint *server)
{
    struct engine_options options = {.item_size_max = run->options->item_size_max};
    struct model *model = calloc(1, sizeof(*model));
    struct engine *engine = engine_create(&options);
    if (model == NULL || engine == NULL) {
        free(model);
        engine_destroy(engine);
        return NULL;
    }
    if (run->models.count >= MODELS_MAX) {
        destroy_idle(run);
    }
    struct model **bucket = servers_bucket_of(&run->models, server);
    model->server = *server;
    model->engine = engine;
    model->next = *bucket;
    *bucket = model;
    list_append(&run->models.idle, &model->idle);
    run->models.count++;
    run->capture->servers++;
    return model;
}

bool servers_select_endpoint(struct run *run, const struct net_endpoint *server)
{
    static const struct net_endpoint any;
    struct model *model = servers_find(&run->models, run->options->one_server ? &any : server);
    run->model = model != NULL ? model : run->model;
    return model != NULL;
}

/* --------------------------------------------------------------------------------- connections */

/* One side of each has ended it: a server that is gone has, but its clients may wait with that. */
static bool are_over(const struct model *model)
{
    const struct connection *connection = model->connections;
    while (connection != NULL && (connection->client_ended || connection->server_ended)) {
        connection = connection->next;
    }
    return connection == NULL;
}

bool servers_attach(struct run *run, struct connection *connection)
{
    struct net_endpoint server = server_of(run, connection);
    struct model *model = servers_find(&run->models, &server);
    if (model == NULL && (model = create(run, &server)) == NULL) {
        return false;
    }
    if (model->connections == NULL) {
        list_remove(&model->idle);
    } else {
        model->connections->previous = connection;
    }
    bool first = model->connections == NULL;
    if (model->shadow != NULL && connection->conversation->from_start && are_over(model)) {
        shadow_left(model->shadow);
    }
    connection->next = model->connections;
    model->connections = connection;
    connection->model = model;
    if (first) {
        restart_begin(run, connection);
    }
    return true;
}

void servers_detach(struct run *run, struct connection *connection)
{
    struct model *model = connection->model;
    *(connection->previous != NULL ? &connection->previous->next : &model->connections) =
        connection->next;
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    if (model->connections == NULL) {
        list_append(&run->models.idle, &model->idle);
    }
}

void servers_select(struct run *run, const struct connection *connection)
{
    run->model = connection->model;
}

void servers_finish(struct run *run)
{
    for (size_t i = 0; i < MODEL_BUCKETS; i++) {
        for (struct model *model = run->models.buckets[i]; model != NULL; model = model->next) {
            run->model = model;
            overlap_finish_all(run);
        }
    }
}

void servers_deinit(struct run *run)
{
    while (destroy_idle(run)) {
    }
}
