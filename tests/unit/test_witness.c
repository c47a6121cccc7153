#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "engine/witness.h"

/* An RTC and our two clocks, s. */
struct chip {
    struct visor_witness witness;
    struct visor_rng rng;
    double t;     /* true time */
    double lost;  /* by our counter */
    double real;  /* CLOCK_REALTIME - raw */
    double set;   /* RTC - true time */
    bool derived; /* the RTC shows CLOCK_REALTIME */
    bool synchronized;
    double unknown; /* part of `lost` that no source has told of */
    double jump, error;
};

static struct chip chip_of(bool derived)
{
    struct chip chip = {.t = 1e6, .real = 0.25, .derived = derived};

    visor_rng_init(&chip.rng, 1);
    return chip;
}

static double raw(const struct chip *chip)
{
    return chip->t - chip->lost;
}

static double shows(const struct chip *chip)
{
    return chip->derived ? raw(chip) + chip->real : chip->t + chip->set;
}

static enum visor_witness_verdict read(struct chip *chip, double earliest, double latest,
                                       double late)
{
    struct visor_reading now = {.raw = {(int64_t)((raw(chip) + late) * 1e9)},
                                .real = {(int64_t)((raw(chip) + late + chip->real) * 1e9)}};
    struct visor_event_witness event = {.kind = VISOR_WITNESS_RTC,
                                        .stamp = {.raw = now.raw},
                                        .earliest = {(int64_t)(earliest * 1e9)},
                                        .latest = {(int64_t)(latest * 1e9)}};

    /* The sources' estimate of UTC is right until something is lost, and again when that is known.
     */
    struct visor_trusted utc = {
        .line = {.at = now.raw, .offset_ns = (int64_t)((chip->lost - chip->unknown) * 1e9)},
        .bound_ns = 1000};

    return visor_witness_take(&chip->witness, &event, &now, chip->synchronized ? &utc : NULL,
                              &chip->jump, &chip->error);
}

/* The next edge, told `late` seconds too late and with some noise. */
static enum visor_witness_verdict edge(struct chip *chip, double late)
{
    double second = floor(shows(chip)) + 1.0;

    chip->t += second - shows(chip);
    return read(chip, second, second, late + 1e-4 * visor_rng_uniform(&chip->rng));
}

static enum visor_witness_verdict coarse(struct chip *chip)
{
    chip->t += 0.01;
    return read(chip, floor(shows(chip)), floor(shows(chip)) + 1.0, 0.0);
}

/* Its kernel copies its clock to the RTC from now on. */
static void synchronize(struct chip *chip)
{
    chip->synchronized = true;
    assert_int_equal(edge(chip, 0.0), VISOR_WITNESS_NOTHING);
}

static void stall(struct chip *chip, double seconds)
{
    chip->t += seconds;
    chip->lost += seconds;
}

static void learn(struct chip *chip)
{
    for (int i = 0; i < 60; i++) {
        assert_int_equal(edge(chip, 0.0), VISOR_WITNESS_NOTHING);
        assert_int_equal(coarse(chip), VISOR_WITNESS_NOTHING);
    }
}

static void test_take__a_stall_shows_at_once_and_is_measured_at_the_next_edge(void **state)
{
    static const double stalls[] = {1.2, 5.0, 60.0, 86400.0};

    (void)state;
    for (size_t i = 0; i < sizeof(stalls) / sizeof(stalls[0]); i++) {
        struct chip chip = chip_of(false);

        learn(&chip);
        chip.t += stalls[i];
        chip.lost += stalls[i];
        assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
        assert_true(fabs(chip.jump - stalls[i]) <= chip.error);
        assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
        assert_true(fabs(chip.jump - stalls[i]) < 1e-3);
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
        assert_int_equal(visor_witness_class(&chip.witness), VISOR_WITNESS_INDEPENDENT);
    }
}

static void test_take__a_short_stall_shows_at_the_next_edge(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    chip.t += 0.05;
    chip.lost += 0.05;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING); /* it cannot */
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 0.05) <= chip.error);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 0.05) < 1e-3);
}

/* The edge of the second in which we were stopped is told when we go on. */
static void test_take__an_edge_after_a_stall_may_be_late(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    chip.lost += 0.3;
    assert_int_equal(edge(&chip, 0.2), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 0.3) <= chip.error);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 0.3) < 1e-3);
}

static void test_take__late_edges_are_no_jump(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    for (int i = 0; i < 300; i++)
        assert_int_equal(edge(&chip, i % 3 ? 0.4 * visor_rng_uniform(&chip.rng) : 0.0),
                         VISOR_WITNESS_NOTHING);
    chip.lost -= 0.3; /* our counter was set forward */
    for (int i = 0; i < 4; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump + 0.3) < 1e-3);
}

static void test_take__one_that_follows_our_clock_is_believed_nothing(void **state)
{
    struct chip chip = chip_of(true);

    (void)state;
    learn(&chip);
    chip.t += 60.0; /* it stands still with us */
    chip.lost += 60.0;
    learn(&chip);
    for (int i = 0; i < 5; i++) {
        chip.real += i % 2 ? 3.0 : -1.5; /* stepped */
        assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    }
    assert_int_equal(visor_witness_class(&chip.witness), VISOR_WITNESS_DERIVED);
    for (int i = 0; i < 100; i++) { /* slewed */
        chip.real += 0.08;
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    }
}

static void test_take__our_own_steps_prove_that_it_is_independent(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    assert_int_equal(visor_witness_class(&chip.witness), VISOR_WITNESS_UNPROVEN);
    chip.real += 60.0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    assert_int_equal(visor_witness_class(&chip.witness), VISOR_WITNESS_INDEPENDENT);
}

static void test_take__it_is_set_to_our_clock(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = 7.0;
    learn(&chip);
    chip.set = chip.real;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
    for (int i = 0; i < 4; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
}

/* A machine that is busy with its disks, now and then. */
static void test_take__edges_of_a_busy_machine_are_no_jumps(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    for (int i = 0; i < 300; i++) {
        learn(&chip);
        for (int j = 0; j < 30; j++)
            assert_int_equal(edge(&chip, 0.06 * visor_rng_exponential(&chip.rng)),
                             VISOR_WITNESS_NOTHING);
    }
}

static void test_take__a_timely_edge_after_late_ones_is_no_jump(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.synchronized = true;
    learn(&chip);
    chip.t += 5.0;
    chip.lost += 5.0; /* the line begins anew with an edge that is late */
    chip.unknown = 5.0;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    chip.synchronized = false;
    assert_int_equal(edge(&chip, 0.19), VISOR_WITNESS_MEASURED);
    chip.synchronized = true;
    chip.unknown = 0.0;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    for (int i = 0; i < 5; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    chip.t += 0.19; /* one that is as large is seen as ever */
    chip.lost += 0.19;
    chip.unknown = 0.19;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 0.19) < 1e-3);
}

/* Where nothing tells how far ahead it was, a timely edge after late ones may be a jump or not. */
static void test_take__on_a_busy_machine_the_error_covers_what_edges_are_late_by(void **state)
{
    for (int busy = 0; busy < 2; busy++) {
        struct chip chip = chip_of(false);

        (void)state;
        learn(&chip);
        for (int i = 0; i < 4; i++)
            edge(&chip, busy ? 0.3 + 0.02 * i : 0.0);
        chip.t += 0.2;
        chip.lost += 0.2;
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
        assert_true(fabs(chip.jump - 0.2) <= chip.error);
        assert_int_equal(chip.error < chip.jump, !busy);
        for (int i = 0; i < 70; i++)
            edge(&chip, 0.0);
        chip.t += 0.2;
        chip.lost += 0.2;
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
        assert_true(chip.error < chip.jump); /* it is busy no more */
    }
}

/* A kernel that copies the clock to an RTC whose seconds begin when they will. */
static void test_take__it_is_set_to_the_nearest_second(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = chip.real - 0.92;
    learn(&chip);
    synchronize(&chip);
    chip.set += 1.0;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
    chip.t += 5.0; /* a stall by whole seconds is one all the same */
    chip.lost += 5.0;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
}

/* … and the first edge after it is late, of which a reading between edges or earlier ones tell. */
static void test_take__it_is_set_to_the_nearest_second_and_read_late(void **state)
{
    for (int busy = 0; busy < 2; busy++) {
        struct chip chip = chip_of(false);

        (void)state;
        chip.set = chip.real - 12.4;
        learn(&chip);
        synchronize(&chip);
        for (int i = 0; i < 4 && busy; i++)
            assert_int_equal(edge(&chip, 0.3 + 0.02 * i), VISOR_WITNESS_NOTHING);
        chip.set += 12.0;
        if (!busy)
            assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
        assert_int_equal(edge(&chip, 0.4), VISOR_WITNESS_SET);
        if (busy) /* where it is since then nobody knows yet: a quicker edge shows no jump */
            assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    }
}

/* … is set when it is just more than half a second off, whenever the kernel copies. */
static void test_take__it_is_set_to_the_nearest_second_when_due(void **state)
{
    static const struct {
        double behind, moved;
        enum visor_witness_verdict verdict;
    } cases[] = {{0.505, 1.0, VISOR_WITNESS_SET},
                 {0.52, 1.0, VISOR_WITNESS_SET},
                 {0.7, 1.0, VISOR_WITNESS_UNSURE}, /* a stall, perhaps */
                 {0.505, 1.2, VISOR_WITNESS_JUMPED}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct chip chip = chip_of(false);

        chip.set = chip.real - cases[i].behind;
        learn(&chip);
        synchronize(&chip);
        for (int j = 0; j < 9; j++)
            learn(&chip);
        chip.set += cases[i].moved;
        assert_int_equal(edge(&chip, 0.0), cases[i].verdict);
    }
}

/* Every eleven minutes, by what it has drifted since. */
static void test_take__it_is_set_by_a_little(void **state)
{
    static const double away[] = {0.003, 0.008, 0.012, 0.022, 0.029, 0.045};

    (void)state;
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
        for (int direction = -1; direction <= 1; direction += 2) {
            struct chip chip = chip_of(false);

            chip.set = chip.real + direction * away[i];
            learn(&chip);
            chip.set = chip.real + direction * away[i] / 3.0; /* the copy was late */
            for (int j = 0; j < 6; j++)
                assert_int_not_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
            learn(&chip);
            stall(&chip, 0.05);
            assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
        }
}

static void drift(struct chip *chip, int edges)
{
    for (int i = 0; i < edges; i++) {
        chip->t += 0.5;
        chip->set -= 0.065 / 659.0;
        assert_int_equal(edge(chip, 0.0), VISOR_WITNESS_NOTHING);
    }
}

/* … by more than an RTC should drift: it may be a stall, until others have denied it once. */
static void test_take__what_was_denied_tells_when_it_is_set(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.synchronized = true;
    chip.set = chip.real - 0.03;
    drift(&chip, 400); /* not when it is expected to be set */
    chip.set = chip.real;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_UNSURE);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_UNSURE);
    visor_witness_told(&chip.witness, 0.0, 1e-4);
    drift(&chip, 657);
    for (int copy = 0; copy < 2; copy++) {
        chip.set = chip.real;
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
        drift(&chip, 658);
    }
}

/* … while our clock was being slewed, and went on. */
static void test_take__it_is_set_during_a_slew(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    synchronize(&chip);
    chip.set = chip.real + 0.02; /* where our clock was half a second ago */
    chip.real += 0.06;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
}

/* … as fast as a kernel can, to long ago: edges that may only be late are waited for, but the next
 * time is counted from the first of them. */
static void test_take__it_is_set_back_during_a_slew(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.real -= 19.8;
    learn(&chip);
    synchronize(&chip);
    chip.set = -20.0; /* the nearest second */
    for (int i = 0; i < 4; i++) {
        chip.real += 0.083;
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    }
    chip.real += 0.083;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    for (int i = 0; i < 654; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    chip.set += 1.0;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
}

/* That it was set shows in when it is: else we were stopped for as long as it was behind, unless
 * others know better. */
static void test_take__a_stall_by_as_much_as_it_is_behind(void **state)
{
    static const double behind[] = {0.06, 0.3, 0.49, 0.7, 5.0, 86400.0};

    (void)state;
    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        struct chip chip = chip_of(false);

        chip.set = chip.real - behind[i];
        learn(&chip);
        synchronize(&chip);
        for (int j = 0; j < 9; j++)
            learn(&chip);
        stall(&chip, behind[i]);
        chip.unknown = behind[i];
        if (behind[i] > 1.0)
            assert_int_equal(coarse(&chip), VISOR_WITNESS_UNSURE);
        else
            assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_UNSURE);
        assert_true(fabs(chip.jump - behind[i]) <= chip.error);
        visor_witness_told(&chip.witness, behind[i], 1e-3);
        chip.real += behind[i];
        chip.unknown = 0.0;
        learn(&chip);

        chip.set = chip.real - behind[i] - chip.lost;
        chip.witness = (struct visor_witness){0};
        for (int j = 0; j < 661; j++) /* the first one begins it */
            edge(&chip, 0.0);
        chip.set += behind[i];
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    }
}

/* The first synchronisation stepped our clock, and the kernel copied it, between two edges. */
static void test_take__it_is_set_right_after_a_step(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = chip.real + 0.4;
    for (int i = 0; i < 8; i++)
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    chip.synchronized = true;
    chip.real += 1.2;
    chip.set += 1.0;
    for (int i = 0; i < 4; i++) /* it may go with our clock, and be told late */
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
    stall(&chip, 0.3);
    chip.unknown = 0.3;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 0.3) < 1e-3);
}

/* The kernel, who says so, has added whole seconds to our clock: nobody set the witness. */
static void test_take__a_suspend_is_no_set(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = chip.real;
    learn(&chip);
    stall(&chip, 4.023);
    visor_witness_doubt(&chip.witness);
    chip.real += 4.0;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 4.023) < 3e-3);
}

/* Set by hand, as the sources tell. */
static void test_take__it_was_set_after_all(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = chip.real - 0.3;
    learn(&chip);
    synchronize(&chip);
    learn(&chip);
    chip.set = chip.real;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_UNSURE);
    visor_witness_told(&chip.witness, 0.0, 1e-3);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
}

/* Within one second we were stopped and the kernel copied our clock to it: what it then is ahead
 * by, beside what the sources have told, is no second stall. */
static void test_take__it_is_set_to_the_nearest_second_in_a_stall(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    chip.set = chip.real - 0.8;
    learn(&chip);
    stall(&chip, 0.3);
    chip.set += 1.0;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 1.3) <= chip.error);
    visor_witness_told(&chip.witness, 0.3, 1e-3);
    chip.real += 0.3;
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_SET);
    learn(&chip);
    stall(&chip, 0.2);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
}

/* Its interrupts come some time into a second. */
static void test_take__edges_that_are_none(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    for (int i = 0; i < 200; i++) {
        double second = floor(shows(&chip)) + 1.75;

        chip.t += second - shows(&chip);
        assert_int_equal(read(&chip, floor(second), floor(second), 0.0), VISOR_WITNESS_NOTHING);
        for (int j = 0; j < 3; j++) {
            chip.t += 0.24;
            assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
        }
    }
}

/* Before the first was measured. */
static void test_take__a_second_stall_is_another(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    stall(&chip, 5.0);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    stall(&chip, 60.0);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 60.0) <= chip.error);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 60.0) <= chip.error);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
}

/* Since the sources have told what the first one came to, a small one shows too. */
static void test_take__a_second_stall_after_the_first_was_told(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    stall(&chip, 5.0);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    visor_witness_told(&chip.witness, 5.0, 1e-3);
    stall(&chip, 0.2);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 0.2) <= chip.error);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 0.2) < 3e-3);
}

/* The same after somebody else has said that our counter jumped. */
static void test_take__a_second_stall_after_a_marker(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    learn(&chip);
    visor_witness_doubt(&chip.witness);
    stall(&chip, 1.0);
    assert_int_equal(edge(&chip, 0.3), VISOR_WITNESS_JUMPED); /* it may be late */
    assert_true(fabs(chip.jump - 1.0) <= chip.error);
    visor_witness_told(&chip.witness, 1.0, 1e-3);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
    stall(&chip, 60.0);
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 60.0) <= chip.error);
    assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_MEASURED);
    assert_true(fabs(chip.jump - 60.0) < 3e-3);
}

/* A device of the host is read, not waited for: it is never late. */
static void test_take__a_device_that_falls_behind_is_no_late_one(void **state)
{
    struct visor_reading now = {.raw = {0}};
    struct visor_event_witness event = {.kind = VISOR_WITNESS_PHC, .independent = true};
    struct visor_witness witness = {0};
    double jump, error;

    (void)state;
    for (int i = 0; i < 100; i++) {
        now.raw.ns += VISOR_NS_PER_S / 4;
        now.real.ns = event.earliest.ns = event.latest.ns = now.raw.ns + 77;
        event.stamp.raw = now.raw;
        assert_int_equal(visor_witness_take(&witness, &event, &now, NULL, &jump, &error),
                         VISOR_WITNESS_NOTHING);
    }
    now.raw.ns += VISOR_NS_PER_S / 4 + 20000000; /* the counter is 20 ms ahead from now on */
    now.real.ns = now.raw.ns + 77;
    event.earliest.ns = event.latest.ns = now.raw.ns + 77 - 20000000;
    event.stamp.raw = now.raw;
    assert_int_equal(visor_witness_take(&witness, &event, &now, NULL, &jump, &error),
                     VISOR_WITNESS_JUMPED);
    assert_true(fabs(jump + 0.02) <= error);
}

static void test_take__it_drifts(void **state)
{
    struct chip chip = chip_of(false);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        chip.lost += 7e-4; /* our counter is 700 ppm slow */
        assert_int_equal(edge(&chip, 0.0), VISOR_WITNESS_NOTHING);
        assert_int_equal(coarse(&chip), VISOR_WITNESS_NOTHING);
    }
    chip.t += 5.0;
    chip.lost += 5.0;
    assert_int_equal(coarse(&chip), VISOR_WITNESS_JUMPED);
    assert_true(fabs(chip.jump - 5.0) <= chip.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take__a_stall_shows_at_once_and_is_measured_at_the_next_edge),
        cmocka_unit_test(test_take__a_short_stall_shows_at_the_next_edge),
        cmocka_unit_test(test_take__an_edge_after_a_stall_may_be_late),
        cmocka_unit_test(test_take__late_edges_are_no_jump),
        cmocka_unit_test(test_take__one_that_follows_our_clock_is_believed_nothing),
        cmocka_unit_test(test_take__our_own_steps_prove_that_it_is_independent),
        cmocka_unit_test(test_take__it_is_set_to_our_clock),
        cmocka_unit_test(test_take__edges_of_a_busy_machine_are_no_jumps),
        cmocka_unit_test(test_take__a_timely_edge_after_late_ones_is_no_jump),
        cmocka_unit_test(test_take__on_a_busy_machine_the_error_covers_what_edges_are_late_by),
        cmocka_unit_test(test_take__it_is_set_to_the_nearest_second),
        cmocka_unit_test(test_take__it_is_set_to_the_nearest_second_and_read_late),
        cmocka_unit_test(test_take__it_is_set_back_during_a_slew),
        cmocka_unit_test(test_take__it_is_set_to_the_nearest_second_when_due),
        cmocka_unit_test(test_take__it_is_set_by_a_little),
        cmocka_unit_test(test_take__what_was_denied_tells_when_it_is_set),
        cmocka_unit_test(test_take__it_is_set_during_a_slew),
        cmocka_unit_test(test_take__a_stall_by_as_much_as_it_is_behind),
        cmocka_unit_test(test_take__it_is_set_right_after_a_step),
        cmocka_unit_test(test_take__a_suspend_is_no_set),
        cmocka_unit_test(test_take__it_was_set_after_all),
        cmocka_unit_test(test_take__it_is_set_to_the_nearest_second_in_a_stall),
        cmocka_unit_test(test_take__edges_that_are_none),
        cmocka_unit_test(test_take__a_second_stall_is_another),
        cmocka_unit_test(test_take__a_second_stall_after_the_first_was_told),
        cmocka_unit_test(test_take__a_second_stall_after_a_marker),
        cmocka_unit_test(test_take__a_device_that_falls_behind_is_no_late_one),
        cmocka_unit_test(test_take__it_drifts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
