#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "engine/interval.h"

/* A counter with a constant rate error behind a network whose queues are exponential. */
struct path {
    struct visor_rng rng;
    double t, offset, rate, base, queue, forward_share;
};

static struct visor_sample measure(struct path *path, double interval)
{
    double out, back;

    path->t += interval;
    out = path->base + 2.0 * path->forward_share * path->queue * visor_rng_exponential(&path->rng);
    back = path->base +
           2.0 * (1.0 - path->forward_share) * path->queue * visor_rng_exponential(&path->rng);
    return (struct visor_sample){
        .at = {(int64_t)(path->t * 1e9)},
        .reference = {(
            int64_t)((path->t + path->offset + path->rate * path->t + (out - back) / 2.0) * 1e9)},
        .delay_s = out + back,
        .dispersion_s = 1e-7,
        .stratum = 1,
    };
}

static struct path path_of(uint64_t seed)
{
    struct path path = {
        .offset = 0.1, .rate = 1e-4, .base = 1e-4, .queue = 1e-4, .forward_share = 0.5};

    visor_rng_init(&path.rng, seed);
    return path;
}

static double error_of(const struct visor_filter *filter, const struct path *path)
{
    visor_mono now = {(int64_t)(path->t * 1e9)};

    return (double)(visor_line_utc(&filter->line, now).ns - now.ns) * 1e-9 - path->offset -
           path->rate * path->t;
}

static enum visor_filter_verdict feed(struct visor_filter *filter, struct path *path, int n,
                                      double interval)
{
    enum visor_filter_verdict verdict = VISOR_FILTER_TAKEN;
    double jump;

    for (int i = 0; i < n; i++) {
        struct visor_sample sample = measure(path, interval);
        double drift = 1e-6 + 4.0 * sqrt(filter->line.p11);

        verdict = visor_filter_take(filter, &sample, drift, &jump);
    }
    return verdict;
}

static void test_take__beats_the_mean_of_its_samples(void **state)
{
    double square = 0.0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        double error;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 60, 64.0);
        error = error_of(&filter, &path);
        square += error * error;
    }
    /* One sample is off by 71 us; the mean of 60 with a slope would be by 18 us, one that is
     * weighted by the excess of the delay by 10. */
    assert_true(sqrt(square / 50.0) < 8e-6);
}

/* What it says of its own error is true on average. */
static void test_take__is_as_sure_as_it_is_right(void **state)
{
    double square = 0.0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        double error;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 50, 64.0);
        error = error_of(&filter, &path);
        square += error * error / filter.line.p00;
    }
    assert_true(square / 200.0 > 0.3 && square / 200.0 < 1.5);
}

/* A late sample says nothing as long as the line lies well between its walls, and much where it
 * does not. */
static void test_line__is_moved_by_walls_only(void **state)
{
    struct visor_noise noise = {
        .wander = 1e-9, .white = 1e-6, .coupling = 1.0 / sqrt(12.0), .walls = true};
    struct visor_line line = {.p00 = 1e-12, .p11 = 1e-16};
    struct visor_point point = {.offset_ns = 400000, .excess_s = 1e-3};
    struct visor_cost inside = visor_cost_begin(), outside = visor_cost_begin();

    (void)state;
    visor_line_take(&line, &point, &noise, &inside);
    assert_true(line.phase == 0.0 && line.p00 == 1e-12);
    point.offset_ns = 502000;
    visor_line_take(&line, &point, &noise, &outside);
    assert_true(line.phase > 5e-7 && line.phase < 2e-6);
    assert_true(line.p00 < 0.9e-12 && line.p00 > 0.3e-12);
    assert_true(visor_cost_value(&outside) > visor_cost_value(&inside) + 2.0);
}

/* With or without walls: a narrow uniform is as good as a normal distribution, and the likelihood
 * has no step between them, nor where the far tail is replaced. */
static void test_line__likelihood_has_no_steps(void **state)
{
    struct visor_noise noise = {.wander = 1e-9, .coupling = 1.0 / sqrt(12.0), .walls = true};
    double last = 0.0;

    (void)state;
    for (int width = 1; width < 40; width++) { /* narrow ones are normal */
        struct visor_line line = {.p00 = 1e-12};
        struct visor_point point = {.offset_ns = 1000, .excess_s = width * 5e-8};
        struct visor_cost cost = visor_cost_begin();

        visor_line_take(&line, &point, &noise, &cost);
        assert_true(width == 1 || fabs(visor_cost_value(&cost) - last) < 0.02);
        last = visor_cost_value(&cost);
    }
    for (int offset = 0; offset < 20000; offset += 100) { /* walls at 2 us, and normal noise of 1 */
        struct visor_line line = {.p00 = 1e-12};
        struct visor_point point = {.offset_ns = offset, .excess_s = 4e-6};
        struct visor_cost cost = visor_cost_begin();

        visor_line_take(&line, &point, &noise, &cost);
        assert_true(offset == 0 || fabs(visor_cost_value(&cost) - last) < 0.8);
        assert_true(offset == 0 || visor_cost_value(&cost) > last - 1e-6);
        assert_true(line.phase >= 0.0 && line.p00 > 0.0 && line.p00 <= 1e-12);
        last = visor_cost_value(&cost);
    }
}

static void test_take__finds_a_large_frequency_error(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(3);

    (void)state;
    path.rate = -5e-2;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 3, 64.0);
    assert_true(fabs(filter.line.rate + 5e-2) < 1e-4);
    feed(&filter, &path, 20, 64.0);
    assert_true(fabs(error_of(&filter, &path)) < 1e-4);
}

static void test_take__learns_a_one_sided_queue(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(4);

    (void)state;
    path.forward_share = 0.98;
    path.queue = 5e-4;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 24, 64.0);
    assert_true(filter.noise.asymmetry > 0.35);
    feed(&filter, &path, 40, 64.0);
    assert_true(filter.noise.asymmetry > 0.45);
    assert_true(filter.noise.hidden_s < 0.6 * 1.2533 / 8.0 * filter.mean_excess_s / 2.0);
    assert_true(fabs(error_of(&filter, &path)) < 4e-5);
}

/* Symmetric queues are not taken for one-sided ones by chance. */
static void test_take__learns_no_asymmetry_from_symmetric_queues(void **state)
{
    int mistaken = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 60, 64.0);
        mistaken += fabs(filter.noise.asymmetry) > 0.1;
    }
    assert_true(mistaken <= 5);
}

static void test_take__believes_a_jump_at_the_fourth_sample_and_keeps_the_rate(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(5);
    double rate, jump;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 30, 64.0);
    rate = filter.line.rate;
    path.offset += 0.2;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(feed(&filter, &path, 1, 2.0), VISOR_FILTER_SUSPECT);
        assert_true(filter.line.rate == rate);
    }
    struct visor_sample sample = measure(&path, 2.0);
    assert_int_equal(visor_filter_take(&filter, &sample, 1e-6, &jump), VISOR_FILTER_JUMPED);
    assert_true(fabs(jump - 0.2) < 1e-4);
    assert_true(fabs(filter.line.rate - rate) < 1e-6);
    assert_true(fabs(error_of(&filter, &path)) < 1e-4);
    assert_true(filter.count > 30);
}

static void test_take__one_wild_sample_changes_nothing(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(6);
    struct visor_sample sample;
    double jump;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 30, 64.0);
    sample = measure(&path, 64.0);
    sample.reference.ns += 1000000000;
    assert_int_equal(visor_filter_take(&filter, &sample, 1e-6, &jump), VISOR_FILTER_SUSPECT);
    assert_true(fabs(jump - 1.0) < 1e-3);
    assert_int_equal(feed(&filter, &path, 1, 64.0), VISOR_FILTER_TAKEN);
    assert_int_equal(filter.suspect_count, 0);
    assert_true(fabs(error_of(&filter, &path)) < 1e-4);
}

/* As an engine would: asked again at once where a sample does not fit. */
static void test_take__a_large_change_of_rate_is_no_series_of_jumps(void **state)
{
    struct path path = path_of(9);
    struct visor_filter filter;
    int jumps = 0;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 8, 64.0);
    path.offset += 2e-4 * path.t; /* from here on the reference runs 200 ppm slower */
    path.rate -= 2e-4;
    for (int i = 0; i < 60; i++) {
        enum visor_filter_verdict verdict =
            feed(&filter, &path, 1, filter.suspect_count ? 2.0 : 64.0);

        jumps += verdict == VISOR_FILTER_JUMPED;
    }
    assert_true(jumps <= 2);
    assert_true(fabs(error_of(&filter, &path)) < 3e-4);
    assert_true(fabs(filter.line.rate + 1e-4) < 1e-6);
}

/* The counter now runs faster by `change` from this moment on. */
/* It seems to have jumped by another amount; all that came later agree. */
static void test_take__a_reply_that_was_under_way_is_no_other_rate(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        enum visor_filter_verdict verdict = VISOR_FILTER_TAKEN;
        double jump;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 64, 1.0);
        path.offset -= 0.44;
        for (int i = 0; i < 5; i++) {
            struct visor_sample sample = measure(&path, 0.4);

            if (i == 0)
                sample.reference.ns += 20000000;
            assert_true(i == 0 || verdict == VISOR_FILTER_SUSPECT);
            verdict = visor_filter_take(&filter, &sample, 1e-6, &jump);
        }
        assert_int_equal(verdict, VISOR_FILTER_JUMPED);
        assert_true(fabs(jump + 0.44) < 1e-3);
        assert_true(fabs(filter.line.rate - path.rate) < 1e-6);
    }
}

static void turn(struct path *path, double change)
{
    path->offset -= change * path->t;
    path->rate += change;
}

/* Each miss is within the noise, but all are on one side. */
static void test_take__a_small_change_of_rate_is_found_by_its_bias(void **state)
{
    int found = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        bool restarted = false;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 100, 16.0);
        turn(&path, 3e-6);
        for (int i = 0; i < 12; i++)
            restarted |= feed(&filter, &path, 1, 16.0) == VISOR_FILTER_RESTARTED;
        found += restarted;
        feed(&filter, &path, 20, 16.0);
        assert_true(fabs(filter.line.rate - path.rate) < 1e-6);
    }
    assert_true(found >= 70); /* the others have followed it sample by sample */
}

/* A steady counter is left in peace. */
static void test_take__noise_alone_is_no_bias(void **state)
{
    int restarts = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 40, 16.0);
        for (int i = 0; i < 200; i++)
            restarts += feed(&filter, &path, 1, 16.0) == VISOR_FILTER_RESTARTED;
    }
    assert_true(restarts <= 8); /* of 4000 */
}

/* Started from a rate that is far off and believed to be good, as after a slew that was cut short:
 * the noise could be learnt to explain it for ever. */
static void test_take__noise_does_not_explain_a_wrong_rate(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(12);

    (void)state;
    path.queue = 2e-3;
    visor_filter_init(&filter, true, 64);
    visor_filter_expect(&filter, path.rate - 1.4e-3, 1e-4);
    feed(&filter, &path, 200, 1.0);
    assert_true(fabs(filter.line.rate - path.rate) < 5e-5);
}

/* A pause: the rate is kept, but until that is proven the bound must allow for another one. */
static void test_take__after_a_jump_the_rate_is_on_trial(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(5);
    double rate, calm;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 60, 64.0);
    rate = filter.line.rate;
    calm = visor_filter_unrest(&filter, 64.0);
    path.offset += 0.2;
    assert_int_equal(feed(&filter, &path, 4, 2.0), VISOR_FILTER_JUMPED);
    assert_true(filter.on_trial);
    assert_true(visor_filter_unrest(&filter, 64.0) > calm + 1e-5);
    feed(&filter, &path, 60, 64.0);
    assert_false(filter.on_trial);
    assert_true(fabs(filter.line.rate - rate) < 1e-7);
}

/* A leap second, or a step that the source has announced, is no rate. */
/* A busy machine holds packets up on one way or the other, and their delays do not tell. */
static void test_unrest__few_samples_know_their_noise_badly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct path path = path_of(seed);
        struct visor_filter filter;
        double drift;

        visor_filter_init(&filter, true, 64);
        for (int i = 0; i < 10; i++) {
            struct visor_sample sample = measure(&path, 0.3);
            double jump, late = 8e-6 * (visor_rng_uniform(&path.rng) - 0.5);

            sample.delay_s = 16e-6 + 2e-6 * visor_rng_exponential(&path.rng);
            sample.reference.ns =
                (int64_t)((path.t * (1.0 + path.rate) + path.offset + late) * 1e9);
            visor_filter_take(&filter, &sample, 1e-4, &jump);
            drift = 5.0 * sqrt(filter.line.p11) + visor_filter_unrest(&filter, 0.3);
            if (i >= 3)
                assert_true(fabs(filter.line.rate - path.rate) < drift);
        }
    }
}

/* A reference clock says how noisy its samples are: that they miss the line by as much is no
 * unrest. */
static void test_unrest__stated_noise_is_none(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        visor_filter_init(&filter, false, 64);
        for (int i = 0; i < 60; i++) {
            double jump, off = 3e-5 * visor_rng_normal(&path.rng);
            struct visor_sample sample = {.dispersion_s = 3e-5, .stratum = 1};

            path.t += 16.0;
            sample.at = (visor_mono){(int64_t)(path.t * 1e9)};
            sample.reference =
                (visor_wall){(int64_t)((path.t + path.offset + path.rate * path.t + off) * 1e9)};
            visor_filter_take(&filter, &sample, 1e-6, &jump);
        }
        assert_true(visor_filter_unrest(&filter, 16.0) < 0.5e-6);
    }
}

/* The second sample misses a line of unknown rate by whatever that rate is: which is no reason for
 * alarm a dozen samples later. */
static void test_unrest__an_unknown_rate_is_none(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        path.queue = 1e-6;
        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 12, 64.0);
        assert_true(filter.scatter_s < 1e-5);
    }
}

/* But not those of a rate that was thought to be known. */
static void test_unrest__misses_of_a_wrong_rate_are_kept(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(3);

    (void)state;
    visor_filter_init(&filter, true, 64);
    visor_filter_expect(&filter, path.rate - 1e-5, 1e-7);
    feed(&filter, &path, 3, 64.0);
    assert_true(filter.scatter_s > 2e-4);
}

/* One way was longer for a dozen samples, and is not any more: all of them were off by as much. */
static void test_take__the_old_way_back_is_no_other_rate(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        double jump, allowed;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 2, 64.0);
        for (int i = 0; i < 13; i++) {
            struct visor_sample sample = measure(&path, 64.0);

            sample.delay_s += 0.024;
            sample.reference.ns -= 12000000;
            visor_filter_take(&filter, &sample, 1e-6, &jump);
        }
        path.queue = 1e-5;
        feed(&filter, &path, 1, 64.0);
        allowed = 5.0 * sqrt(filter.line.p11) + visor_filter_unrest(&filter, 64.0);
        assert_true(fabs(filter.line.rate - path.rate) < allowed);
        assert_true(fabs(error_of(&filter, &path)) < 1e-4);
    }
}

/* A drift file was written before this machine was moved: the bound allows for that until enough
 * samples have said otherwise. */
static void test_unrest__a_rate_from_a_file_is_hearsay(void **state)
{
    int short_of = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter known, heard;
        struct path path = path_of(seed), same = path_of(seed);
        double allowed;

        visor_filter_init(&known, true, 64);
        visor_filter_expect(&known, path.rate - 46e-6, 1.1e-6);
        heard = known;
        heard.hearsay = true;
        feed(&known, &path, 4, 2.0);
        feed(&heard, &same, 4, 2.0);
        allowed = 5.0 * sqrt(heard.line.p11) + visor_filter_unrest(&heard, 2.0);
        assert_true(fabs(heard.line.rate - path.rate) < allowed);
        allowed = 5.0 * sqrt(known.line.p11) + visor_filter_unrest(&known, 2.0);
        short_of += fabs(known.line.rate - path.rate) >= allowed;
    }
    assert_true(short_of > 10); /* so much for what is really known */
}

static void test_shift__moves_the_trial_too(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(5);

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 60, 64.0);
    path.offset += 0.2;
    assert_int_equal(feed(&filter, &path, 4, 2.0), VISOR_FILTER_JUMPED);
    path.offset += 1.0;
    visor_filter_shift(&filter, 1.0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(feed(&filter, &path, 1, 64.0), VISOR_FILTER_TAKEN);
    assert_true(fabs(filter.line.rate - path.rate) < 1e-6);
}

/* A migration: the trial finds the other rate. */
static void test_take__after_a_jump_another_rate_is_found_out(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(5);
    enum visor_filter_verdict verdict = VISOR_FILTER_JUMPED;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 60, 64.0);
    path.offset += 0.2;
    turn(&path, 2e-5);
    assert_int_equal(feed(&filter, &path, 4, 2.0), VISOR_FILTER_JUMPED);
    for (int i = 0; i < 4 && verdict != VISOR_FILTER_RESTARTED; i++)
        verdict = feed(&filter, &path, 1, 64.0);
    assert_int_equal(verdict, VISOR_FILTER_RESTARTED);
    feed(&filter, &path, 10, 64.0);
    assert_true(fabs(filter.line.rate - path.rate) < 5e-7);
}

/* Four samples that were held up alike by chance look quiet: the trial must not believe them. */
static void test_trial__few_samples_know_their_noise_badly(void **state)
{
    int wrong = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 24, 64.0);
        visor_filter_rebase(&filter);
        path.offset += 0.2;
        turn(&path, 2e-5);
        feed(&filter, &path, 4, 2.0);
        wrong += fabs(filter.line.rate - path.rate) >
                 5.0 * sqrt(filter.line.p11) + visor_filter_trial(&filter);
    }
    assert_true(wrong <= 1); /* 5 deviations, where those are known */
}

/* A reply came while the machine stood still: by its counter it was fast. */
static void test_take__a_sample_that_spans_the_jump_is_dropped(void **state)
{
    (void)state;
    for (unsigned int before = 1; before <= 40; before += 13) {
        struct visor_filter filter;
        struct path path = path_of(before);
        struct visor_sample spanning;
        double jump;

        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, (int)before, 16.0);
        spanning = measure(&path, 16.0);
        spanning.delay_s = 1e-5;
        visor_filter_take(&filter, &spanning, 1e-6, &jump);
        path.offset += 6.0;
        assert_int_equal(feed(&filter, &path, filter.count < 3 ? 2 : 4, 2.0), VISOR_FILTER_JUMPED);
        assert_true(filter.min_delay_s >= 2.0 * path.base);
    }
}

/* A starved machine has held up a fifth of them, all on their way back: the quickest were held up
 * by the network's queues alone, and the line lies where they say. */
static void test_take__what_no_queue_explains_tells_nothing_of_queues(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        path.queue = 1e-5;
        path.rate = 0.0;
        visor_filter_init(&filter, true, 64);
        feed(&filter, &path, 40, 64.0);
        for (int i = 0; i < 60; i++) {
            bool starved = i < 40 && i % 3 == 0;

            path.queue = starved ? 0.05 : 1e-5;
            path.forward_share = starved ? 0.0 : 0.5;
            feed(&filter, &path, 1, 64.0);
        }
        assert_true(fabs(error_of(&filter, &path)) < 2e-5);
        assert_true(filter.high - filter.low > 2.0 * path.base);
    }
}

/* A machine that is paused again and again keeps its rate. */
static void test_take__pauses_in_a_row_are_jumps(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(14);

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 60, 64.0);
    for (int i = 0; i < 8; i++) {
        path.offset += 2.0;
        assert_int_equal(feed(&filter, &path, 4, 2.0), VISOR_FILTER_JUMPED);
        feed(&filter, &path, 9, 64.0);
        assert_true(fabs(filter.line.rate - path.rate) < 1e-6);
    }
}

/* Three samples say that it jumped; the fourth waited so long in a queue that it fits both stories.
 */
static void test_take__a_noisy_sample_does_not_acquit_the_suspects(void **state)
{
    struct visor_filter filter;
    struct path path = path_of(15);
    struct visor_sample sample;
    double jump;

    (void)state;
    visor_filter_init(&filter, true, 64);
    feed(&filter, &path, 60, 64.0);
    path.offset += 0.02;
    assert_int_equal(feed(&filter, &path, 3, 2.0), VISOR_FILTER_SUSPECT);
    sample = measure(&path, 2.0);
    sample.delay_s += 0.012;
    sample.reference.ns -= 6000000;
    assert_int_equal(visor_filter_take(&filter, &sample, 1e-6, &jump), VISOR_FILTER_JUMPED);
    assert_true(fabs(jump - 0.02) < 1e-3);
}

/* What is only extended by the newest sample is what all samples give when they are gone through.
 */
static void test_take__extends_what_a_run_over_all_gives(void **state)
{
    struct visor_filter extended, anew;
    struct path path = path_of(11);
    double jump;

    (void)state;
    visor_filter_init(&extended, true, 16);
    visor_filter_init(&anew, true, 16);
    for (int i = 0; i < 200; i++) {
        struct visor_sample sample = measure(&path, 16.0);

        anew.stale = true;
        visor_filter_take(&extended, &sample, 1e-6, &jump);
        visor_filter_take(&anew, &sample, 1e-6, &jump);
        assert_true(fabs(extended.line.phase - anew.line.phase) < 1e-12);
        assert_true(fabs(extended.line.rate - anew.line.rate) < 1e-14);
        assert_true(fabs(extended.cost - anew.cost) < 1e-6);
    }
}

static void test_interval__contains_the_truth(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);

        visor_filter_init(&filter, true, 64);
        for (int i = 0; i < 40; i++) {
            double low, high, error;

            feed(&filter, &path, 1, 64.0);
            error = error_of(&filter, &path);
            visor_interval_at(&filter, filter.line.at,
                              &(struct visor_growth){filter.until, 0.0, 0.0}, &low, &high);
            assert_true(low <= -error && -error <= high);
        }
    }
}

/* A device that may be wrong by what it states, and almost is: only its noise averages out. */
static void test_interval__of_a_device_is_narrower_than_its_samples(void **state)
{
    const double stated = 1e-3, wrong = 0.499e-3, noise = 3e-5;
    int narrow = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct visor_filter filter;
        struct path path = path_of(seed);
        double low, high;

        visor_filter_init(&filter, false, 64);
        for (int i = 0; i < 60; i++) {
            double jump, error, off = wrong + noise * visor_rng_normal(&path.rng);
            struct visor_sample sample = {.delay_s = stated, .dispersion_s = noise, .stratum = 1};

            path.t += 16.0;
            sample.at = (visor_mono){(int64_t)(path.t * 1e9)};
            sample.reference =
                (visor_wall){(int64_t)((path.t + path.offset + path.rate * path.t + off) * 1e9)};
            visor_filter_take(&filter, &sample, 1e-6, &jump);
            error = error_of(&filter, &path);
            visor_interval_at(&filter, filter.line.at,
                              &(struct visor_growth){filter.until, 0.0, 0.0}, &low, &high);
            assert_true(low <= -error && -error <= high);
        }
        narrow += high - low < stated + 2.0 * 2.5 * noise; /* a sample's: 2.0 * 5.0 */
        assert_true(high - low > stated);
    }
    assert_true(narrow > 40); /* others have just been surprised by a sample */
}

static bool near(double a, double b)
{
    return a - b < 1e-15 && b - a < 1e-15;
}

static void test_wander__what_others_have_seen_counts(void **state)
{
    struct visor_filter filter;
    double alone, shared;

    (void)state;
    visor_filter_init(&filter, true, 64);
    filter.noise.wander = 1e-9;
    filter.learnt = 15;
    filter.count = 1;
    alone = visor_filter_cautious_wander(&filter);
    assert_true(near(alone - visor_filter_shared_wander(&filter, 1e-9, 60.0), 1.5e-9));
    assert_true(near(visor_filter_shared_wander(&filter, 1e-9, 15.0), alone));
    /* never more than by itself, never less than it has seen itself */
    assert_true(near(visor_filter_shared_wander(&filter, 1e-6, 60.0), alone));
    shared = visor_filter_shared_wander(&filter, 1e-12, 1000.0);
    assert_true(near(alone - shared, 1.5e-9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take__learns_no_asymmetry_from_symmetric_queues),
        cmocka_unit_test(test_line__likelihood_has_no_steps),
        cmocka_unit_test(test_line__is_moved_by_walls_only),
        cmocka_unit_test(test_take__is_as_sure_as_it_is_right),
        cmocka_unit_test(test_take__beats_the_mean_of_its_samples),
        cmocka_unit_test(test_take__finds_a_large_frequency_error),
        cmocka_unit_test(test_take__learns_a_one_sided_queue),
        cmocka_unit_test(test_take__believes_a_jump_at_the_fourth_sample_and_keeps_the_rate),
        cmocka_unit_test(test_take__one_wild_sample_changes_nothing),
        cmocka_unit_test(test_take__a_large_change_of_rate_is_no_series_of_jumps),
        cmocka_unit_test(test_take__a_reply_that_was_under_way_is_no_other_rate),
        cmocka_unit_test(test_take__a_small_change_of_rate_is_found_by_its_bias),
        cmocka_unit_test(test_take__noise_alone_is_no_bias),
        cmocka_unit_test(test_take__noise_does_not_explain_a_wrong_rate),
        cmocka_unit_test(test_take__after_a_jump_the_rate_is_on_trial),
        cmocka_unit_test(test_unrest__few_samples_know_their_noise_badly),
        cmocka_unit_test(test_take__the_old_way_back_is_no_other_rate),
        cmocka_unit_test(test_unrest__a_rate_from_a_file_is_hearsay),
        cmocka_unit_test(test_unrest__stated_noise_is_none),
        cmocka_unit_test(test_unrest__an_unknown_rate_is_none),
        cmocka_unit_test(test_unrest__misses_of_a_wrong_rate_are_kept),
        cmocka_unit_test(test_shift__moves_the_trial_too),
        cmocka_unit_test(test_trial__few_samples_know_their_noise_badly),
        cmocka_unit_test(test_take__a_sample_that_spans_the_jump_is_dropped),
        cmocka_unit_test(test_take__what_no_queue_explains_tells_nothing_of_queues),
        cmocka_unit_test(test_take__after_a_jump_another_rate_is_found_out),
        cmocka_unit_test(test_take__pauses_in_a_row_are_jumps),
        cmocka_unit_test(test_take__a_noisy_sample_does_not_acquit_the_suspects),
        cmocka_unit_test(test_take__extends_what_a_run_over_all_gives),
        cmocka_unit_test(test_wander__what_others_have_seen_counts),
        cmocka_unit_test(test_interval__contains_the_truth),
        cmocka_unit_test(test_interval__of_a_device_is_narrower_than_its_samples),
    };

    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
