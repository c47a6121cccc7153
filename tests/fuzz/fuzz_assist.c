/* Assist mode against any chronyd: its replies are any bytes, or real ones with any content, early,
 * late or missing, among disruptions and corrections. One question at a time, never a step that was
 * not allowed or that chronyd and we did not agree about, and never silence for good. */
#include "base/assert.h"
#include "engine/assist.h"
#include "engine/question.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzzed {
    const uint8_t *data;
    size_t size, at;
    struct visor_assist assist;
    struct visor_action_chronyd question;
    bool out, may_step;
    double remaining_s, error_s;
    visor_mono now;
};

static uint8_t next(struct fuzzed *f)
{
    return f->at < f->size ? f->data[f->at++] : 0;
}

static void check_step(const struct fuzzed *f)
{
    const struct visor_assist *a = &f->assist;
    double gap = fabs(a->remaining_s - a->correction_s);

    VISOR_ASSERT(f->may_step && a->heard);
    VISOR_ASSERT(gap <= f->error_s + 2e-3 + 1e-6 * fabs(a->remaining_s) + a->took_s);
}

static void ask(struct fuzzed *f)
{
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
    struct visor_action_chronyd again;

    if (!visor_assist_next(&f->assist, f->error_s, f->now, &f->question))
        return;
    VISOR_ASSERT(!f->out);
    f->out = true;
    VISOR_ASSERT(visor_question_write(&f->question, bytes, sizeof(bytes)) > 0);
    VISOR_ASSERT(!visor_assist_next(&f->assist, f->error_s, f->now, &again));
    if (f->question.command == VISOR_CMDMON_MAKESTEP)
        check_step(f);
}

static void take(struct fuzzed *f, const struct visor_event_chronyd *event)
{
    enum visor_assist_news news = visor_assist_take(&f->assist, event, f->remaining_s, f->now);

    if (news == VISOR_ASSIST_DEED)
        VISOR_ASSERT(f->assist.deed_count > 0);
    f->out = f->assist.waits;
}

/* Any bytes; with a header that fits if `near`. */
static void reply(struct fuzzed *f, bool near)
{
    uint8_t bytes[VISOR_CMDMON_MESSAGE_MAX];
    size_t length = next(f) * 4u, from = 0;
    struct visor_event_chronyd event;

    if (near) {
        struct visor_cmdmon_reply header = {.command = (uint16_t)f->question.command,
                                            .form = next(f),
                                            .status = next(f) & 3,
                                            .sequence = f->question.token};

        from = visor_cmdmon_write_reply(&header, bytes, sizeof(bytes));
        if (from > 28)
            from = 28;
    }
    for (size_t i = from; i < length; i++)
        bytes[i] = next(f);
    if (visor_question_read(&f->question, bytes, length < from ? from : length, &event)) {
        VISOR_ASSERT(event.token == f->question.token);
        VISOR_ASSERT(fabs(event.correction_s) <= 1e10);
        take(f, &event);
    }
}

static void fail(struct fuzzed *f)
{
    struct visor_event_chronyd event = {.token = f->question.token - (next(f) & 1),
                                        .error = next(f)};

    take(f, &event);
}

static void move(struct fuzzed *f)
{
    switch (next(f) % 7) {
    case 0:
        f->now = visor_mono_add(f->now, (int64_t)next(f) * 100000000);
        take(f, NULL);
        break;
    case 1:
        visor_assist_disrupted(&f->assist, f->now);
        f->may_step = false;
        break;
    case 2:
        f->may_step = next(f) & 1;
        visor_assist_correct(&f->assist, f->may_step, f->now);
        break;
    case 3:
        f->remaining_s = ((double)next(f) - 128.0) * exp2((double)(next(f) % 24) - 16.0);
        f->error_s = exp2((double)(next(f) % 20) - 20.0);
        break;
    case 4:
        reply(f, false);
        break;
    case 5:
        reply(f, true);
        break;
    default:
        fail(f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzzed f = {.data = data, .size = size, .now = {VISOR_NS_PER_S}};

    visor_assist_init(&f.assist, next(&f) & 1, f.now);
    while (f.at < f.size) {
        ask(&f);
        move(&f);
        VISOR_ASSERT(!f.assist.waits ||
                     visor_mono_diff(visor_assist_deadline(&f.assist), f.now) <= VISOR_NS_PER_S);
        VISOR_ASSERT(visor_mono_diff(visor_assist_deadline(&f.assist), f.now) <=
                     60 * VISOR_NS_PER_S);
    }
    return 0;
}
