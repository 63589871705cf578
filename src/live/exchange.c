#include "live/exchange.h"

#include <stdlib.h>

enum { RING_MIN = 16 };

struct answer *answer_keep(struct live_run *run, const struct mcbp_frame *frame,
                           const struct net_origin *origin)
{
    struct answer *answer = blocks_take(&run->sessions.blocks, sizeof(*answer) + frame->bytes.size);
    if (answer == NULL) {
        run->no_memory = true;
        return NULL;
    }
    answer->next = NULL;
    answer->origin = *origin;
    answer->size = frame->bytes.size;
    memcpy(answer->bytes, frame->bytes.data, frame->bytes.size);
    return answer;
}

void answer_append(struct answers *answers, struct answer *answer)
{
    if (answers->last != NULL) {
        answers->last->next = answer;
    } else {
        answers->first = answer;
    }
    answers->last = answer;
    answers->count++;
}

void answer_give_back(struct blocks *blocks, struct answer *answer)
{
    blocks_give(blocks, answer, sizeof(*answer) + answer->size);
}

void answer_give_back_all(struct blocks *blocks, struct answer *first)
{
    while (first != NULL) {
        struct answer *next = first->next;
        answer_give_back(blocks, first);
        first = next;
    }
}

static bool exchange_make_room(struct exchanges *exchanges)
{
    if (exchanges->end - exchanges->head < exchanges->room) {
        return true;
    }
    size_t room = exchanges->room == 0 ? RING_MIN : 2 * exchanges->room;
    struct exchange **ring = reallocarray(NULL, room, sizeof(struct exchange *));
    if (ring == NULL) {
        return false;
    }
    for (uint64_t i = exchanges->head; i < exchanges->end; i++) {
        ring[i & (room - 1)] = exchanges->ring[i & (exchanges->room - 1)];
    }
    free(exchanges->ring);
    exchanges->ring = ring;
    exchanges->room = room;
    return true;
}

struct exchange *exchange_push(struct session *session, const struct mcbp_header *header,
                               struct span key, bool sent)
{
    struct live_run *run = session->run;
    struct exchanges *exchanges = &session->exchanges;
    size_t key_size = key.size < DIFFERENCE_KEY_MAX ? key.size : DIFFERENCE_KEY_MAX;
    struct exchange *exchange = NULL;
    if (exchange_make_room(exchanges)) {
        exchange = blocks_take(&run->sessions.blocks, sizeof(*exchange) + key_size);
    }
    if (exchange == NULL) {
        run->no_memory = true;
        return NULL;
    }
    *exchange = (struct exchange){
        .opaque = header->opaque,
        .sent_opaque = header->opaque,
        .magic = header->magic,
        .opcode = header->opcode,
        .quiet = mcbp_opcode_is_quiet(header->opcode),
        .key_size = key_size,
    };
    if (key_size > 0) {
        memcpy(exchange->key, key.data, key_size);
    }
    exchange->answers[OTHER].done = !run_uses(run->options, OTHER);
    for (unsigned i = LIVE; i < TRACKS; i++) {
        exchange->answers[i].unknown = session->sides[i].cut || !sent;
        exchange->answers[i].done |= exchange->answers[i].unknown;
    }
    exchanges->ring[exchanges->end++ & (exchanges->room - 1)] = exchange;
    session->in_flight += !exchange->quiet && !exchange_is_answered(exchange);
    run->sessions.awaited++;
    return exchange;
}

static void exchange_drop(struct session *session)
{
    struct blocks *blocks = &session->run->sessions.blocks;
    struct exchange *exchange = exchange_at(session, session->exchanges.head++);
    for (unsigned i = 0; i < TRACKS; i++) {
        answer_give_back_all(blocks, exchange->answers[i].first);
    }
    blocks_give(blocks, exchange, sizeof(*exchange) + exchange->key_size);
}

void exchange_drop_settled(struct session *session)
{
    const struct exchanges *exchanges = &session->exchanges;
    while (exchanges->head < exchanges->end && exchange_at(session, exchanges->head)->settled) {
        exchange_drop(session);
    }
    for (unsigned i = 0; i < TRACKS; i++) {
        uint64_t *from = &session->sides[i].open_from;
        *from = *from < exchanges->head ? exchanges->head : *from;
    }
}

void exchange_drop_all(struct session *session)
{
    while (session->exchanges.head < session->exchanges.end) {
        exchange_drop(session);
    }
    free(session->exchanges.ring);
}
