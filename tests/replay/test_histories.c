/*
 * Orders of execution: short histories of a few connections on one key, run by a model server in a
 * random order, as they are and with one answer changed. A plain checker tries every order there
 * is. verify finds no difference where one of them is right, and one where none is. KVREPLAY_SEED
 * repeats a run.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CONNECTIONS = 3, EACH = 3, ALL = CONNECTIONS * EACH, VALUE_ROOM = 64, HISTORIES = 400 };

struct item {
    bool present;
    char value[VALUE_ROOM];
    uint64_t cas;
};

struct operation {
    uint8_t opcode;
    char text[8];
    bool answered; /* or silent */
    uint16_t status;
    char value[VALUE_ROOM];
    uint64_t cas;
    uint64_t number; /* that a change gets before it runs; 0: when it runs */
    int asked;       /* when */
    int told;
};

struct history {
    struct operation operations[CONNECTIONS][EACH];
    unsigned random;
};

static unsigned pick(struct history *history, unsigned count)
{
    return (unsigned)rand_r(&history->random) / 7 % count;
}

/* ------------------------------------------------------------------------------------- the model
 */

static bool carries_value(uint8_t opcode)
{
    uint8_t loud = mcbp_opcode_loud(opcode);
    return loud == MCBP_SET || loud == MCBP_ADD || loud == MCBP_APPEND;
}

/* What the request does to the item, but for its CAS, and its status. */
static uint16_t run(struct item *item, const struct operation *operation)
{
    char joined[2 * VALUE_ROOM];
    switch (mcbp_opcode_loud(operation->opcode)) {
    case MCBP_SET:
        snprintf(item->value, VALUE_ROOM, "%s", operation->text);
        item->present = true;
        return MCBP_STATUS_SUCCESS;
    case MCBP_ADD:
        if (item->present) {
            return MCBP_STATUS_KEY_EXISTS;
        }
        snprintf(item->value, VALUE_ROOM, "%s", operation->text);
        item->present = true;
        return MCBP_STATUS_SUCCESS;
    case MCBP_APPEND:
        if (!item->present) {
            return MCBP_STATUS_NOT_STORED;
        }
        snprintf(joined, sizeof(joined), "%s%s", item->value, operation->text);
        snprintf(item->value, VALUE_ROOM, "%.*s", VALUE_ROOM - 1, joined);
        return MCBP_STATUS_SUCCESS;
    default: /* GET, DELETE */
        if (!item->present) {
            return MCBP_STATUS_KEY_NOT_FOUND;
        }
        item->present = mcbp_opcode_loud(operation->opcode) == MCBP_GET;
        return MCBP_STATUS_SUCCESS;
    }
}

static bool is_silent(uint8_t opcode, uint16_t status)
{
    bool get = mcbp_opcode_loud(opcode) == MCBP_GET;
    return mcbp_opcode_is_quiet(opcode) && get == (status != MCBP_STATUS_SUCCESS);
}

static void execute(struct item *item, struct operation *operation, uint64_t *counter)
{
    uint64_t number = operation->number;
    operation->status = run(item, operation);
    operation->answered = !is_silent(operation->opcode, operation->status);
    if (operation->status == MCBP_STATUS_SUCCESS && carries_value(operation->opcode)) {
        item->cas = number != 0 ? number : ++*counter;
    }
    if (operation->status == MCBP_STATUS_SUCCESS && operation->answered &&
        mcbp_opcode_loud(operation->opcode) != MCBP_DELETE) {
        operation->cas = item->cas;
    }
    if (mcbp_opcode_loud(operation->opcode) == MCBP_GET) {
        snprintf(operation->value, VALUE_ROOM, "%s", item->present ? item->value : "");
    }
}

/* ------------------------------------------------------------------------------- the plain checker
 */

/* What ran so far, in an order that is tried. */
struct order {
    struct item item;
    int maker; /* of the item, in `ran` */
    int count;
    struct {
        const struct operation *operation;
        int connection;
        uint64_t cas; /* of the version that it made; 0: not known, or none */
    } ran[ALL];
};

/* The version made by ran[index] may have that CAS: it got it at some time since it was asked for
 * and its connection's last request ran, and so did those with higher ones that ran before it. */
static bool may_get(const struct order *order, int index, uint64_t cas)
{
    bool higher = false;
    for (int i = 0; i < index; i++) {
        higher |= order->ran[i].cas > cas;
        if (order->ran[i].cas == cas ||
            (higher && (order->ran[i].connection == order->ran[index].connection ||
                        order->ran[i].operation->told < order->ran[index].operation->asked))) {
            return false;
        }
    }
    return true;
}

/* A change's answer, or what a read shows, tells the CAS of the version that ran[index] made. */
static bool tell(struct order *order, int index, uint64_t cas)
{
    bool fits =
        order->ran[index].cas == 0 ? may_get(order, index, cas) : order->ran[index].cas == cas;
    order->ran[index].cas = cas;
    return fits;
}

/* Runs it as the next. False: that is not what was recorded. */
static bool agrees(struct order *order, const struct operation *operation, int connection)
{
    int index = order->count++;
    uint16_t status = run(&order->item, operation);
    bool get = mcbp_opcode_loud(operation->opcode) == MCBP_GET;
    order->ran[index].operation = operation;
    order->ran[index].connection = connection;
    order->ran[index].cas = 0;
    if (is_silent(operation->opcode, status) == operation->answered ||
        (operation->answered && status != operation->status)) {
        return false;
    }
    if (status != MCBP_STATUS_SUCCESS) {
        return true;
    }
    if (get) {
        return strcmp(order->item.value, operation->value) == 0 &&
               tell(order, order->maker, operation->cas);
    }
    if (carries_value(operation->opcode)) {
        order->maker = index;
        return !operation->answered || tell(order, index, operation->cas);
    }
    return true;
}

static bool may_be_next(const struct history *history, const int done[CONNECTIONS], int next)
{
    if (done[next] >= EACH) {
        return false;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        for (int j = done[i]; j < EACH; j++) {
            if (i != next &&
                history->operations[i][j].told < history->operations[next][done[next]].asked) {
                return false;
            }
        }
    }
    return true;
}

/* Some order of what is not done is right. */
static bool has_order(const struct history *history, int done[CONNECTIONS],
                      const struct order *order)
{
    bool all = true;
    for (int i = 0; i < CONNECTIONS; i++) {
        struct order after = *order;
        all &= done[i] == EACH;
        if (!may_be_next(history, done, i) ||
            !agrees(&after, &history->operations[i][done[i]], i)) {
            continue;
        }
        done[i]++;
        bool found = has_order(history, done, &after);
        done[i]--;
        if (found) {
            return true;
        }
    }
    return all;
}

static bool is_right(const struct history *history)
{
    int done[CONNECTIONS] = {0};
    return has_order(history, done, &(struct order){.count = 0});
}

/* ------------------------------------------------------------------------------------ histories */

static void compose(struct history *history)
{
    static const uint8_t opcodes[] = {MCBP_GET,     MCBP_GET,    MCBP_GETQ,   MCBP_SET,
                                      MCBP_SETQ,    MCBP_ADD,    MCBP_APPEND, MCBP_DELETE,
                                      MCBP_DELETEQ, MCBP_APPENDQ};
    for (int i = 0; i < CONNECTIONS; i++) {
        for (int j = 0; j < EACH; j++) {
            struct operation *operation = &history->operations[i][j];
            *operation = (struct operation){.opcode = opcodes[pick(history, sizeof(opcodes))]};
            operation->text[0] = (char)('a' + i);
            operation->text[1] = (char)('0' + j);
        }
    }
}

/* Asks, numbers, runs and answers in a random order; half of the servers number changes when they
 * run. Silence is known once a later answer has come. */
static void play(struct history *history)
{
    int asked[CONNECTIONS] = {0};
    int ran[CONNECTIONS] = {0};
    int told[CONNECTIONS] = {0};
    uint64_t counter = 0;
    struct item item = {.present = false};
    bool early = pick(history, 2) == 0;
    for (int time = 1, left = ALL; left > 0; time++) {
        unsigned i = pick(history, CONNECTIONS);
        struct operation *operations = history->operations[i];
        unsigned what = pick(history, early ? 4 : 3);
        if (what == 0 && asked[i] < EACH) {
            operations[asked[i]++].asked = time;
        } else if (what == 1 && ran[i] < asked[i]) {
            execute(&item, &operations[ran[i]++], &counter);
        } else if (what == 2 && told[i] < ran[i]) {
            operations[told[i]++].told = time;
            left--;
        } else if (what == 3 && ran[i] < asked[i] && operations[ran[i]].number == 0) {
            operations[ran[i]].number = ++counter;
        }
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        int later = 1 << 20; /* the NOOP's at the end */
        for (int j = EACH - 1; j >= 0; j--) {
            struct operation *operation = &history->operations[i][j];
            operation->told = operation->answered ? operation->told : later;
            later = operation->told;
        }
    }
}

/* The answer to a change has told the CAS: a read that shows another is wrong whatever came later.
 */
static bool is_told(const struct history *history, uint64_t cas)
{
    for (int i = 0; i < ALL; i++) {
        const struct operation *operation = &history->operations[i / EACH][i % EACH];
        if (carries_value(operation->opcode) && operation->answered && operation->cas == cas) {
            return true;
        }
    }
    return false;
}

/* Changes one answer. False: there is none to be changed. */
static bool lie(struct history *history)
{
    struct operation *operation =
        &history->operations[pick(history, CONNECTIONS)][pick(history, EACH)];
    bool get = mcbp_opcode_loud(operation->opcode) == MCBP_GET;
    if (!operation->answered || operation->status != MCBP_STATUS_SUCCESS || !get) {
        return false;
    }
    switch (pick(history, 3)) {
    case 0:
        operation->value[0] ^= 1;
        return true;
    case 1:
        operation->cas += 1000;
        return is_told(history, operation->cas - 1000);
    default:
        snprintf(operation->value, VALUE_ROOM, "%c%u", 'a' + (int)pick(history, CONNECTIONS),
                 pick(history, EACH));
        return true;
    }
}

/* -------------------------------------------------------------------------------------- the scene
 */

static void say(struct scene *scene, int person, int number, const struct operation *operation,
                bool request)
{
    bool value = request ? carries_value(operation->opcode)
                         : operation->status == MCBP_STATUS_SUCCESS &&
                               mcbp_opcode_loud(operation->opcode) == MCBP_GET;
    scene_say(scene, (enum person)person, request,
              &(struct said){.opcode = operation->opcode,
                             .opaque = (uint32_t)number,
                             .key = request ? "k" : NULL,
                             .status = request ? 0 : operation->status,
                             .cas = request ? 0 : operation->cas,
                             .value = !value    ? NULL
                                      : request ? operation->text
                                                : operation->value});
}

static const struct capture_result *verify(struct scene *scene, const struct history *history)
{
    scene_restart(scene);
    asks(scene, DAN, 99, GET, .key = "k");
    answers(scene, DAN, 99, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    for (int time = 1, left = 2 * ALL; left > 0; time++) {
        for (int i = 0; i < ALL; i++) {
            const struct operation *operation = &history->operations[i / EACH][i % EACH];
            if (operation->asked == time) {
                say(scene, i / EACH, i % EACH, operation, true);
            }
            if (operation->told == time && operation->answered) {
                say(scene, i / EACH, i % EACH, operation, false);
            }
            left -= (operation->asked == time) + (operation->told == time);
        }
        if (time > 1 << 16) {
            break; /* only silence is left */
        }
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        asks(scene, (enum person)i, EACH, NOOP);
        answers(scene, (enum person)i, EACH, NOOP);
    }
    return scene_verify(scene);
}

static unsigned first_seed(void)
{
    const char *given = getenv("KVREPLAY_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : (unsigned)time(NULL);
    print_message("KVREPLAY_SEED=%u\n", seed);
    return seed;
}

static uint64_t wrong(const struct capture_result *found)
{
    return found->executed.check.different + found->executed.missing;
}

static void what_a_server_ran_in_any_order_is_right(void **state)
{
    unsigned seed = first_seed();
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct history history = {.random = seed + i};
        compose(&history);
        play(&history);
        assert_true(is_right(&history));
        const struct capture_result *found = verify(*state, &history);
        if (wrong(found) + found->executed.undecided > 0) {
            print_error("KVREPLAY_SEED=%u\n", seed + i);
        }
        assert_int_equal(wrong(found), 0);
        assert_int_equal(found->executed.undecided, 0);
    }
}

static void an_answer_that_no_order_makes_right_is_found(void **state)
{
    unsigned seed = first_seed();
    unsigned lies = 0;
    unsigned guesses = 0;
    for (unsigned i = 0; i < HISTORIES; i++) {
        struct history history = {.random = seed + i};
        compose(&history);
        play(&history);
        if (!lie(&history)) {
            continue;
        }
        bool right = is_right(&history);
        const struct capture_result *found = verify(*state, &history);
        uint64_t undecided =
            right ? found->executed.undecided : 0; /* what follows a lie is a guess */
        if ((wrong(found) == 0) != right || undecided > 0) {
            print_error("KVREPLAY_SEED=%u: %s\n", seed + i, right ? "right" : "a lie");
        }
        assert_int_equal(wrong(found) == 0, right);
        assert_int_equal(undecided, 0);
        lies += !right;
        guesses += found->executed.undecided > 0;
    }
    print_message("%u lies\n", lies);
    assert_true(lies > HISTORIES / 20);
    assert_true(guesses <= lies / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(what_a_server_ran_in_any_order_is_right),
        scene_test(an_answer_that_no_order_makes_right_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
