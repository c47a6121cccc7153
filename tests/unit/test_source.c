#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/source.h"

static void init(struct visor_source *source, struct visor_config *config)
{
    visor_source_init(source, 1, config);
    source->association.minpoll = 6;
    source->association.maxpoll = 10;
}

static void test_thin__the_least_late_speaks_for_all_polls(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;
    struct visor_sample sample = {.delay_s = 3e-3};

    (void)state;
    init(&source, config);
    source.association.config.filter_length = 3;
    source.association.polls = 1;
    assert_false(visor_source_thin(&source, &sample));
    source.association.polls = 2;
    sample.delay_s = 1e-3;
    sample.stratum = 7;
    assert_false(visor_source_thin(&source, &sample));
    source.association.polls = 3;
    sample.delay_s = 2e-3;
    sample.stratum = 8;
    assert_true(visor_source_thin(&source, &sample));
    assert_true(sample.delay_s == 1e-3 && sample.stratum == 7);
    source.association.polls = 4;
    sample.delay_s = 2e-3;
    assert_false(visor_source_thin(&source, &sample));
    visor_config_free(config);
}

static void test_thin__a_poll_without_sample_counts(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;
    struct visor_sample sample = {.delay_s = 3e-3}, other;

    (void)state;
    init(&source, config);
    source.association.config.filter_length = 3;
    assert_false(visor_source_thin_end(&source, 1, &other));
    assert_false(visor_source_thin_end(&source, 2, &other));
    assert_false(visor_source_thin_end(&source, 3, &other)); /* three in vain: a new start */
    source.association.polls = 4;
    assert_false(visor_source_thin(&source, &sample));
    assert_false(visor_source_thin_end(&source, 5, &other));
    assert_true(visor_source_thin_end(&source, 6, &other));
    assert_true(other.delay_s == 3e-3);
    visor_config_free(config);
}

/* A smaller polltarget lets the interval grow sooner and further. */
static void test_adapt__fewer_samples_make_longer_intervals(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;
    struct visor_sample sample = {.delay_s = 1e-3, .stratum = 1};
    double jump, few, usual;

    (void)state;
    init(&source, config);
    for (int i = 0; i < 4; i++) {
        sample.at.ns = (int64_t)i * 64 * VISOR_NS_PER_S;
        sample.reference.ns = sample.at.ns;
        visor_filter_take(&source.filter, &sample, 1e-6, &jump);
    }
    usual = visor_source_adapt(&source, 64.0, 8);
    few = visor_source_adapt(&source, 64.0, 1);
    assert_true(usual <= 64.0 * 1.31);
    assert_true(few > 2.5 * usual);
    visor_config_free(config);
}

/* Requests that were lost were sent all the same: the interval grows with their number. */
static void test_adapt__lost_requests_count(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;
    struct visor_sample sample = {.delay_s = 1e-3, .dispersion_s = 1e-4, .stratum = 1};
    double jump, heard, lost;

    (void)state;
    init(&source, config);
    for (int i = 0; i < 12; i++) {
        sample.at.ns = (int64_t)i * 64 * VISOR_NS_PER_S;
        sample.reference.ns = sample.at.ns;
        visor_filter_take(&source.filter, &sample, 1e-6, &jump);
    }
    source.filter.noise.white = 1e-4;
    source.loss = 0.0;
    heard = visor_source_adapt(&source, 512.0, 8);
    source.loss = 0.5;
    lost = visor_source_adapt(&source, 512.0, 8);
    assert_true(heard > 128.0 && heard < 256.0);
    assert_true(lost > 1.5 * heard);
    visor_config_free(config);
}

static void answer(struct visor_source *source, int times)
{
    for (int i = 0; i < times; i++) {
        source->association.total_valid++;
        source->association.missed = 0;
        visor_source_judge(source, (visor_mono){0});
    }
}

static void miss(struct visor_source *source)
{
    source->association.missed++;
    visor_source_judge(source, (visor_mono){0});
}

/* How many misses in a row are strange depends on how many were seen before; while little is known,
 * a loss of a third is possible. */
static void test_judge__silence_is_what_loss_does_not_explain(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;

    (void)state;
    init(&source, config);
    answer(&source, 4);
    assert_in_range(visor_source_patience(&source), 6, 8);
    for (int i = 0; i < 5; i++) {
        miss(&source);
        assert_int_equal(visor_source_judge(&source, (visor_mono){0}), VISOR_FAULT_NONE);
    }
    while (source.association.missed < 8)
        miss(&source);
    assert_int_equal(visor_source_judge(&source, (visor_mono){0}), VISOR_FAULT_SILENT);

    init(&source, config);
    answer(&source, 200);
    assert_int_equal(visor_source_patience(&source), 2);

    init(&source, config);
    for (int i = 0; i < 40; i++) {
        miss(&source);
        answer(&source, 2);
    }
    assert_in_range(visor_source_patience(&source), 10, 13);

    init(&source, config); /* outages tell nothing of what is lost between them */
    answer(&source, 40);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 12; j++)
            miss(&source);
        answer(&source, 6);
    }
    assert_in_range(visor_source_patience(&source), 2, 8);
    visor_config_free(config);
}

/* Also the sample that waits for others of a `filter`. */
static void test_shift__moves_what_was_heard_before(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;
    struct visor_sample sample = {.delay_s = 1e-3, .stratum = 1};
    double jump;

    (void)state;
    init(&source, config);
    visor_filter_take(&source.filter, &sample, 1e-6, &jump);
    source.association.config.filter_length = 2;
    assert_false(visor_source_thin(&source, &sample));
    visor_source_shift(&source, 0.25);
    assert_int_equal(visor_line_utc(&source.filter.line, sample.at).ns, 250000000);
    assert_int_equal(source.thin.reference.ns, 250000000);
    visor_config_free(config);
}

static void test_reference__copied_or_its_own(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;

    (void)state;
    init(&source, config);
    visor_address_parse("192.0.2.7", &source.association.remote);
    source.resolved = true;
    source.association.valid.header.refid = 0x47505300;
    assert_int_equal(visor_source_reference(&source), 0xc0000207);
    source.association.config.copy = true;
    assert_int_equal(visor_source_reference(&source), 0x47505300);
    visor_config_free(config);
}

static visor_mono vouched(struct visor_source *source, const struct visor_config *config,
                          int64_t at_s, double claim_s)
{
    double jump;
    struct visor_sample sample = {.at = {at_s * VISOR_NS_PER_S},
                                  .until = {at_s * VISOR_NS_PER_S},
                                  .reference = {at_s * VISOR_NS_PER_S},
                                  .delay_s = 1e-4,
                                  .root_dispersion_s = claim_s};

    assert_int_equal(visor_filter_take(&source->filter, &sample, 1e-6, &jump), VISOR_FILTER_TAKEN);
    visor_source_vouch(source, config);
    return source->vouched_at;
}

static void test_vouch__the_claim_tells_how_long_ago(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_source source;

    (void)state;
    init(&source, config);
    assert_int_equal(vouched(&source, config, 1000, 50e-6).ns, 1000 * VISOR_NS_PER_S);
    assert_int_equal(vouched(&source, config, 1100, 50e-6).ns, 1100 * VISOR_NS_PER_S);
    /* nobody has measured it since then: its claim grows as its clock may run */
    for (int i = 1; i <= 20; i++)
        assert_in_range(vouched(&source, config, 1100 + 64 * i, (50.0 + 64.0 * i) * 1e-6).ns,
                        1100 * VISOR_NS_PER_S, 1100 * VISOR_NS_PER_S + 1000);
    /* it was measured again, though less well: after the sample before */
    assert_int_equal(vouched(&source, config, 2500, 500e-6).ns, 2380 * VISOR_NS_PER_S);
    assert_in_range(vouched(&source, config, 2600, 60e-6).ns, 2590 * VISOR_NS_PER_S - 1000,
                    2590 * VISOR_NS_PER_S + 1000);
    config->max_clock_error = 0.0; /* nothing happens to a clock that nobody measures */
    assert_int_equal(vouched(&source, config, 2700, 900e-6).ns, 2700 * VISOR_NS_PER_S);
    visor_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__silence_is_what_loss_does_not_explain),
        cmocka_unit_test(test_adapt__lost_requests_count),
        cmocka_unit_test(test_thin__the_least_late_speaks_for_all_polls),
        cmocka_unit_test(test_thin__a_poll_without_sample_counts),
        cmocka_unit_test(test_adapt__fewer_samples_make_longer_intervals),
        cmocka_unit_test(test_shift__moves_what_was_heard_before),
        cmocka_unit_test(test_vouch__the_claim_tells_how_long_ago),
        cmocka_unit_test(test_reference__copied_or_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
