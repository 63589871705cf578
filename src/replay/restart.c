#include "replay/restart.h"

#include "mcbp/opcode.h"
#include "replay/cas.h"
#include "replay/overlap.h"
#include "replay/provisional.h"
#include "replay/run.h"

void restart_begin(const struct run *run, const struct connection *connection)
{
    struct model *model = connection->model;
    model->restart = (struct restart){
        .possible = connection->conversation->from_start && model->cas.known && model->cas.gives,
        .packet = run->packet,
    };
}

/* memcached counts FLUSH, too, and changes that fail. */
void restart_note_request(struct run *run, uint8_t opcode)
{
    struct restart *restart = &run->model->restart;
    restart->changes +=
        restart->possible && (mcbp_opcode_changes(opcode) || mcbp_opcode_empties(opcode));
}

bool restart_is_possible(const struct run *run)
{
    return run->model->restart.possible;
}

static void begin_anew(struct run *run)
{
    struct model *model = run->model;
    overlap_finish_all(run); /* what is wrong with it is withdrawn, too */
    provisional_withdraw_restart(&run->provisional, model, model->restart.packet);
    engine_forget_all(model->engine);
    model->forgotten = false;
    cas_memory_deinit(&model->cas);
    model->cas = (struct cas_memory){0};
    model->sasl = SASL_UNKNOWN;
    model->out_of_memory = false;
    run->capture->restarts++;
}

void restart_look(struct run *run, const struct trial *trial)
{
    struct restart *restart = &run->model->restart;
    if (!restart->possible || !cas_makes_version(trial) || trial->recorded->header.cas == 0) {
        return;
    }
    uint64_t cas = trial->recorded->header.cas;
    if (cas <= run->model->cas.highest && cas <= restart->changes) {
        begin_anew(run);
    }
    restart->possible = false;
}
