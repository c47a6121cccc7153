#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/assist.h"
#include "engine/question.h"
#include "puppet.h"

#define MS 1000000

/* A chronyd, and a clock that it keeps: `wrong_s` is what UTC is ahead of it. */
struct other {
    struct visor_assist assist;
    visor_mono now;
    double wrong_s, correction_s;
    bool synchronized, obstinate; /* it refuses to step, as with -x */
    bool old;                     /* before 4.1 */
    int asked[128];
    uint32_t sources;
    bool authenticates;
    int error;
};

static void other_init(struct other *o, bool wants_sources)
{
    *o = (struct other){.now = {VISOR_NS_PER_S}, .synchronized = true};
    visor_assist_init(&o->assist, wants_sources, o->now);
}

static void obey(struct other *o, const struct visor_action_chronyd *question,
                 struct visor_event_chronyd *event)
{
    o->asked[question->command]++;
    event->token = question->token;
    event->error = o->error;
    if (o->error)
        return;
    switch (question->command) {
    case VISOR_CMDMON_TRACKING:
        event->correction_s = o->correction_s;
        event->leap = o->synchronized ? VISOR_LEAP_NONE : VISOR_LEAP_UNSYNCHRONIZED;
        break;
    case VISOR_CMDMON_RESET_SOURCES:
        o->synchronized = false;
        o->correction_s = 0.0;
        break;
    case VISOR_CMDMON_DOFFSET2:
        if (o->old)
            event->status = VISOR_CMDMON_INVALID;
        else
            o->correction_s -= question->number;
        break;
    case VISOR_CMDMON_MAKESTEP:
        if (o->obstinate) {
            event->status = VISOR_CMDMON_FAILED;
        } else {
            o->wrong_s -= o->correction_s;
            o->correction_s = 0.0;
        }
        break;
    case VISOR_CMDMON_N_SOURCES:
        event->count = o->sources;
        break;
    case VISOR_CMDMON_SOURCE_DATA:
        visor_address_parse("192.0.2.1", &event->address);
        event->address.bytes[3] = (uint8_t)(question->index + 1);
        event->client = true;
        break;
    case VISOR_CMDMON_AUTH_DATA:
        event->authenticated = o->authenticates;
        break;
    case VISOR_CMDMON_NTP_DATA:
        event->port = 123;
        break;
    default:
        break;
    }
}

/* Questions and answers until there are no more now; the last news that was any. */
static enum visor_assist_news talk(struct other *o)
{
    enum visor_assist_news news, last = VISOR_ASSIST_NO_NEWS;
    struct visor_action_chronyd question;

    while (visor_assist_next(&o->assist, 0.0, o->now, &question)) {
        struct visor_event_chronyd event = {.token = 0};

        assert_false(visor_assist_next(&o->assist, 0.0, o->now, &question)); /* one at a time */
        obey(o, &question, &event);
        o->now = visor_mono_add(o->now, MS);
        news = visor_assist_take(&o->assist, &event, o->wrong_s, o->now);
        last = news ? news : last;
    }
    return last;
}

static void wait_for(struct other *o, double seconds)
{
    visor_mono end = visor_mono_add(o->now, visor_ns_from_seconds(seconds));

    while (visor_mono_before(o->now, end)) {
        o->now = visor_mono_add(o->now, 100 * MS);
        visor_assist_take(&o->assist, NULL, o->wrong_s, o->now);
        talk(o);
    }
}

static void ready(struct other *o, bool wants_sources)
{
    other_init(o, wants_sources);
    talk(o);
    assert_int_equal(o->assist.state, VISOR_ASSIST_READY);
}

static double size_of(double x)
{
    return x < 0.0 ? -x : x;
}

static void test_next__a_stall_is_forgotten_measured_corrected_and_stepped(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.wrong_s = 60.0;
    visor_assist_disrupted(&o.assist, o.now);
    talk(&o);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_DOFFSET2], 0); /* nothing is known yet */
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 0);
    visor_assist_correct(&o.assist, true, o.now);
    talk(&o);
    assert_int_equal(o.asked[VISOR_CMDMON_DOFFSET2], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_true(size_of(o.wrong_s) < 1e-9);
    assert_true(size_of(o.correction_s) < 1e-9);
    o.synchronized = true;
    wait_for(&o, 100.0);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_int_equal(o.assist.deed_count, 4);
    assert_true(size_of(o.assist.deeds[2].number - 60.0) < 1e-9);
}

/* A burst that comes while another one is going on has no effect. */
static void test_next__a_burst_that_was_in_vain_is_asked_for_again(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.synchronized = false;
    wait_for(&o, 60.0);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 0); /* without a disruption that is its affair */
    visor_assist_disrupted(&o.assist, o.now);
    wait_for(&o, 25.0);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 3);
    o.synchronized = true;
    wait_for(&o, 100.0);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 3);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1);
}

static void test_next__an_emergency_takes_all_its_sources_once(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.synchronized = true;
    visor_assist_rescue(&o.assist, false, o.now);
    talk(&o);
    wait_for(&o, 100.0);
    assert_int_equal(o.asked[VISOR_CMDMON_ONLINE], 0);
    assert_int_equal(o.asked[VISOR_CMDMON_REFRESH], 1);
    visor_assist_rescue(&o.assist, true, o.now);
    wait_for(&o, 100.0);
    assert_int_equal(o.asked[VISOR_CMDMON_ONLINE], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_REFRESH], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 2);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 0);
    visor_assist_forget(&o.assist, o.now);
    talk(&o);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_BURST], 3);
    assert_int_equal(o.asked[VISOR_CMDMON_DOFFSET2] + o.asked[VISOR_CMDMON_MAKESTEP], 0);
}

static void test_next__without_the_leave_to_step_it_slews(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.wrong_s = -3.0;
    visor_assist_disrupted(&o.assist, o.now);
    visor_assist_correct(&o.assist, false, o.now);
    talk(&o);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 0);
    assert_true(size_of(o.correction_s + 3.0) < 1e-9);
    assert_false(o.assist.correct);
}

static void test_next__what_chronyd_has_found_by_itself_is_only_stepped(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.wrong_s = 5.0;
    visor_assist_disrupted(&o.assist, o.now);
    talk(&o);
    o.correction_s = 5.0002;
    visor_assist_correct(&o.assist, true, o.now);
    talk(&o);
    assert_int_equal(o.asked[VISOR_CMDMON_DOFFSET2], 0);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_true(size_of(o.wrong_s) < 1e-3);
}

static void test_next__chronyd_may_differ_within_our_bound(void **state)
{
    struct visor_action_chronyd question;
    struct visor_event_chronyd event = {.correction_s = 0.28};
    struct other o;

    (void)state;
    ready(&o, false);
    o.wrong_s = 0.3;
    visor_assist_disrupted(&o.assist, o.now);
    talk(&o);
    visor_assist_correct(&o.assist, true, o.now);
    assert_true(visor_assist_next(&o.assist, 0.05, o.now, &question));
    assert_int_equal(question.command, VISOR_CMDMON_TRACKING);
    event.token = question.token;
    visor_assist_take(&o.assist, &event, o.wrong_s, o.now);
    assert_true(visor_assist_next(&o.assist, 0.05, o.now, &question));
    assert_int_equal(question.command, VISOR_CMDMON_MAKESTEP);
}

static void test_next__an_older_one_is_waited_for(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.old = true;
    o.wrong_s = 60.0;
    visor_assist_disrupted(&o.assist, o.now);
    visor_assist_correct(&o.assist, true, o.now);
    wait_for(&o, 3.0);
    assert_int_equal(o.asked[VISOR_CMDMON_DOFFSET2], 1);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 0); /* it would step nowhere */
    o.correction_s = 60.0;
    o.synchronized = true;
    wait_for(&o, 1.0);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_true(size_of(o.wrong_s) < 1e-9);
}

static void test_next__one_that_never_agrees_is_left_alone(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.old = true;
    o.wrong_s = 60.0;
    visor_assist_disrupted(&o.assist, o.now);
    visor_assist_correct(&o.assist, true, o.now);
    wait_for(&o, 120.0);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 0);
    assert_false(o.assist.correct);
}

static void test_take__a_step_that_is_refused_is_not_asked_for_again(void **state)
{
    struct other o;

    (void)state;
    ready(&o, false);
    o.obstinate = true;
    o.wrong_s = 60.0;
    visor_assist_disrupted(&o.assist, o.now);
    visor_assist_correct(&o.assist, true, o.now);
    wait_for(&o, 10.0);
    assert_int_equal(o.asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_true(size_of(o.correction_s - 60.0) < 1e-6); /* it slews there */
    assert_false(o.assist.correct);
    assert_int_equal(o.assist.state, VISOR_ASSIST_READY);
}

static void test_take__one_that_is_away_is_asked_when_it_is_back(void **state)
{
    struct other o;

    (void)state;
    other_init(&o, false);
    o.error = ECONNREFUSED;
    talk(&o);
    assert_int_equal(o.assist.state, VISOR_ASSIST_ABSENT);
    assert_int_equal(o.assist.error, ECONNREFUSED);
    wait_for(&o, 60.0);
    assert_in_range(o.asked[VISOR_CMDMON_TRACKING], 5, 9); /* ever more seldom */
    visor_assist_disrupted(&o.assist, o.now);
    o.wrong_s = 60.0;
    visor_assist_correct(&o.assist, true, o.now);
    wait_for(&o, 5.0);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 0);
    o.error = 0;
    wait_for(&o, 20.0);
    assert_int_equal(o.assist.state, VISOR_ASSIST_READY);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1);
    assert_true(size_of(o.wrong_s) < 1e-9);
}

static void test_take__without_the_right_it_is_refused(void **state)
{
    struct visor_action_chronyd question;
    struct visor_event_chronyd event = {.error = EACCES};
    struct other o;

    (void)state;
    other_init(&o, false);
    assert_true(visor_assist_next(&o.assist, 0.0, o.now, &question));
    event.token = question.token;
    assert_int_equal(visor_assist_take(&o.assist, &event, 0.0, o.now), VISOR_ASSIST_STATE);
    assert_int_equal(o.assist.state, VISOR_ASSIST_REFUSED);
    o.now = visor_mono_add(o.now, 2 * VISOR_NS_PER_S);
    assert_true(visor_assist_next(&o.assist, 0.0, o.now, &question));
    event.token = question.token; /* the same again is no news */
    assert_int_equal(visor_assist_take(&o.assist, &event, 0.0, o.now), VISOR_ASSIST_NO_NEWS);
    o.now = visor_mono_add(o.now, 4 * VISOR_NS_PER_S);
    assert_true(visor_assist_next(&o.assist, 0.0, o.now, &question));
    event =
        (struct visor_event_chronyd){.token = question.token, .status = VISOR_CMDMON_UNAUTHORISED};
    visor_assist_take(&o.assist, &event, 0.0, o.now);
    assert_int_equal(o.assist.state, VISOR_ASSIST_REFUSED);
}

static void test_take__an_answer_that_does_not_come_is_waited_for_a_second(void **state)
{
    struct visor_action_chronyd question;
    struct visor_event_chronyd event = {.token = 0};
    struct other o;

    (void)state;
    ready(&o, false);
    visor_assist_disrupted(&o.assist, o.now);
    assert_true(visor_assist_next(&o.assist, 0.0, o.now, &question));
    event.token = question.token;
    o.now = visor_mono_add(o.now, 900 * MS);
    assert_int_equal(visor_assist_take(&o.assist, NULL, 0.0, o.now), VISOR_ASSIST_NO_NEWS);
    assert_true(o.assist.waits);
    o.now = visor_assist_deadline(&o.assist);
    assert_int_equal(visor_assist_take(&o.assist, NULL, 0.0, o.now), VISOR_ASSIST_STATE);
    assert_int_equal(o.assist.error, ETIMEDOUT);
    assert_int_equal(o.assist.deeds[0].error, ETIMEDOUT);
    assert_int_equal(visor_assist_take(&o.assist, &event, 0.0, o.now), VISOR_ASSIST_NO_NEWS);
    assert_int_equal(o.assist.state, VISOR_ASSIST_ABSENT); /* too late */
    wait_for(&o, 3.0);
    assert_int_equal(o.asked[VISOR_CMDMON_RESET_SOURCES], 1); /* what was wished is still wished */
}

static void test_next__its_sources_are_told_unless_it_authenticates_them(void **state)
{
    struct other o;

    (void)state;
    ready(&o, true);
    wait_for(&o, 1.0);
    assert_int_equal(o.asked[VISOR_CMDMON_N_SOURCES], 1);
    o.sources = 3;
    wait_for(&o, 61.0);
    assert_int_equal(o.asked[VISOR_CMDMON_SOURCE_DATA], 3);
    assert_int_equal(o.asked[VISOR_CMDMON_NTP_DATA], 3);
    assert_int_equal(o.assist.candidate.bytes[3], 3);
    o.authenticates = true;
    o.now = o.assist.sources_at;
    assert_int_equal(talk(&o), VISOR_ASSIST_LOCKED);
    assert_int_equal(o.asked[VISOR_CMDMON_NTP_DATA], 3);
}

/* ---- the codec ---- */

static void test_question__and_its_reply(void **state)
{
    struct visor_action_chronyd question = {
        .token = 77, .command = VISOR_CMDMON_DOFFSET2, .number = -60.5};
    struct visor_cmdmon_request request;
    struct visor_cmdmon_reply reply = {.command = VISOR_CMDMON_DOFFSET2,
                                       .form = VISOR_CMDMON_FORM_NULL,
                                       .status = VISOR_CMDMON_FAILED,
                                       .sequence = 77};
    struct visor_event_chronyd event;
    uint8_t data[VISOR_CMDMON_MESSAGE_MAX];
    size_t size = visor_question_write(&question, data, sizeof(data));

    (void)state;
    assert_int_equal(visor_cmdmon_read_request(data, size, &request), VISOR_CMDMON_ACCEPTED);
    assert_true(request.number == -60.5 && request.sequence == 77);
    size = visor_cmdmon_write_reply(&reply, data, sizeof(data));
    assert_true(visor_question_read(&question, data, size, &event));
    assert_int_equal(event.token, 77);
    assert_int_equal(event.status, VISOR_CMDMON_FAILED);
    question.token = 78;
    assert_false(visor_question_read(&question, data, size, &event)); /* of another question */
    question.command = VISOR_CMDMON_SHUTDOWN;
    assert_int_equal(visor_question_write(&question, data, sizeof(data)), 0);
}

static void test_question__tracking_that_makes_no_sense(void **state)
{
    struct visor_action_chronyd question = {.token = 5, .command = VISOR_CMDMON_TRACKING};
    struct visor_cmdmon_reply reply = {.command = VISOR_CMDMON_TRACKING,
                                       .form = VISOR_CMDMON_FORM_TRACKING,
                                       .sequence = 5,
                                       .tracking = {.correction = 0.25, .leap = 1}};
    struct visor_event_chronyd event;
    uint8_t data[VISOR_CMDMON_MESSAGE_MAX];
    size_t size = visor_cmdmon_write_reply(&reply, data, sizeof(data));

    (void)state;
    assert_true(visor_question_read(&question, data, size, &event));
    assert_true(event.correction_s == 0.25);
    assert_int_equal(event.leap, VISOR_LEAP_INSERT);
    reply.tracking.leap = 400;
    size = visor_cmdmon_write_reply(&reply, data, sizeof(data));
    assert_true(visor_question_read(&question, data, size, &event));
    assert_int_equal(event.leap, VISOR_LEAP_UNSYNCHRONIZED);
    reply.tracking.correction = 1e15;
    size = visor_cmdmon_write_reply(&reply, data, sizeof(data));
    assert_true(visor_question_read(&question, data, size, &event));
    assert_int_equal(event.error, EPROTO);
    reply.form = VISOR_CMDMON_FORM_NULL; /* yes, and nothing with it */
    size = visor_cmdmon_write_reply(&reply, data, sizeof(data));
    assert_true(visor_question_read(&question, data, size, &event));
    assert_int_equal(event.error, EPROTO);
}

/* ---- in the engine ---- */

static void witness(struct puppet *p, int64_t width_ns)
{
    struct visor_event event = {.kind = VISOR_EVENT_WITNESS};
    int64_t second = puppet_utc(p) / VISOR_NS_PER_S * VISOR_NS_PER_S;

    event.witness = (struct visor_event_witness){.kind = VISOR_WITNESS_RTC,
                                                 .stamp = {.raw = {p->now}},
                                                 .earliest = {second},
                                                 .latest = {second + width_ns}};
    puppet_give(p, &event);
}

static void run(struct puppet *p, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        int64_t wait = VISOR_NS_PER_S - puppet_utc(p) % VISOR_NS_PER_S;

        puppet_run(p, (double)(p->now + wait) * 1e-9);
        witness(p, 0);
        puppet_run(p, (double)p->now * 1e-9 + 0.25);
        witness(p, VISOR_NS_PER_S);
    }
}

static void start(struct puppet *p, double wrong_s)
{
    struct visor_config *config = puppet_config(1);

    config->mode = VISOR_MODE_ASSIST;
    puppet_init(p, config, 1700000000, wrong_s);
    run(p, 200);
    assert_int_equal(p->view.trust, VISOR_TRUST_SYNCHRONIZED);
}

static void stall(struct puppet *p, double seconds)
{
    p->utc_at_0 += (int64_t)(seconds * 1e9);
    p->gap -= (int64_t)(seconds * 1e9);
}

static void test_engine__a_stall_is_chronyds_to_correct(void **state)
{
    struct visor_status *status = malloc(sizeof(*status));
    struct visor_reading now;
    struct puppet p;

    (void)state;
    start(&p, 1e-4);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_RESET_SOURCES], 0);
    stall(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    assert_int_equal(p.view.trust, VISOR_TRUST_DISRUPTED);            /* said at once, … */
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_RESET_SOURCES], 1); /* … and chronyd is told */
    run(&p, 5);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_MAKESTEP], 1);
    assert_true(size_of(puppet_error(&p)) < 1e-3);
    assert_int_equal(p.steps, 0); /* not by us, … */
    assert_int_equal(p.statuses + p.frequencies, 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_FOREIGN_STEP], 0); /* … and by no stranger */
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_REFRESH], 1);  /* it was orange for a moment */
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_ONLINE], 0);
    assert_int_equal(p.messages[VISOR_MESSAGE_ASSIST_ASKED], 5);
    assert_non_null(status);
    now = puppet_reading(&p);
    visor_engine_status(p.engine, &now, status);
    assert_int_equal(status->assist.state, VISOR_ASSIST_READY);
    assert_int_equal(status->assist.deed_count, 5);
    assert_int_equal(status->assist.deeds[0].command, VISOR_CMDMON_MAKESTEP);
    free(status);
    puppet_done(&p);
}

/* None of our sources answers: chronyd is to do what it can, and then to say that it does not know.
 */
static void test_engine__an_emergency_is_chronyds_too(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, 1e-4);
    p.config->emergency_limit = 1e-6; /* which its bound soon exceeds */
    p.silent = true;
    run(&p, 400);
    assert_true(p.chronyd_asked[VISOR_CMDMON_REFRESH] >= 1);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_ONLINE], 1);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_RESET_SOURCES], 1);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_DOFFSET2], 0);
    assert_int_equal(p.steps + p.statuses + p.frequencies, 0);
    puppet_done(&p);
}

static void test_engine__the_estimate_is_right_while_chronyd_still_slews(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, 1e-4);
    p.config->stall = VISOR_STALL_SLEW;
    stall(&p, 60.0);
    witness(&p, VISOR_NS_PER_S);
    run(&p, 5);
    assert_int_equal(p.view.trust, VISOR_TRUST_SYNCHRONIZED);
    assert_true(size_of((double)(visor_view_utc(&p.view, (visor_mono){p.now}).ns - puppet_utc(&p)) *
                        1e-9) < 1e-3);
    assert_true(size_of(puppet_error(&p)) > 59.0);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_DOFFSET2], 1);
    assert_int_equal(p.chronyd_asked[VISOR_CMDMON_MAKESTEP], 0);
    puppet_done(&p);
}

/* chronyd is wrong for a reason of its own: that is its affair. */
static void test_engine__without_a_disruption_nothing_is_asked_for(void **state)
{
    struct puppet p;

    (void)state;
    start(&p, 0.7);
    assert_int_equal(p.messages[VISOR_MESSAGE_ASSIST_ASKED], 0);
    assert_int_equal(p.steps + p.statuses + p.frequencies, 0);
    puppet_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next__a_stall_is_forgotten_measured_corrected_and_stepped),
        cmocka_unit_test(test_next__a_burst_that_was_in_vain_is_asked_for_again),
        cmocka_unit_test(test_next__an_emergency_takes_all_its_sources_once),
        cmocka_unit_test(test_next__without_the_leave_to_step_it_slews),
        cmocka_unit_test(test_next__what_chronyd_has_found_by_itself_is_only_stepped),
        cmocka_unit_test(test_next__chronyd_may_differ_within_our_bound),
        cmocka_unit_test(test_next__an_older_one_is_waited_for),
        cmocka_unit_test(test_next__one_that_never_agrees_is_left_alone),
        cmocka_unit_test(test_take__a_step_that_is_refused_is_not_asked_for_again),
        cmocka_unit_test(test_take__one_that_is_away_is_asked_when_it_is_back),
        cmocka_unit_test(test_take__without_the_right_it_is_refused),
        cmocka_unit_test(test_take__an_answer_that_does_not_come_is_waited_for_a_second),
        cmocka_unit_test(test_next__its_sources_are_told_unless_it_authenticates_them),
        cmocka_unit_test(test_question__and_its_reply),
        cmocka_unit_test(test_question__tracking_that_makes_no_sense),
        cmocka_unit_test(test_engine__a_stall_is_chronyds_to_correct),
        cmocka_unit_test(test_engine__an_emergency_is_chronyds_too),
        cmocka_unit_test(test_engine__the_estimate_is_right_while_chronyd_still_slews),
        cmocka_unit_test(test_engine__without_a_disruption_nothing_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
