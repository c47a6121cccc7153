#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/kind.h"

#define BIT(sign)  (1u << VISOR_SIGN_##sign)
#define KIND(kind) (1u << VISOR_DISRUPTION_##kind)
#define ALL        ((1u << VISOR_SIGNS) - 1)

/* What this machine's witnesses can see, and what happens: the rest of what they look for is not
 * there. */
static uint32_t told(uint32_t can, uint32_t happens)
{
    struct visor_signs signs = {.seen = happens & can, .missed = can & ~happens};

    return visor_kind_possible(&signs);
}

/* An RTC, sources enough, CLOCK_BOOTTIME and both clocks read. */
#define PLAIN (BIT(PARTED) | BIT(SOURCE) | BIT(WITNESS) | BIT(SUSPENDED) | BIT(SET) | BIT(LATE))

static void test_kind__all_witnesses_tell_all_kinds(void **state)
{
    (void)state;
    assert_int_equal(told(ALL, BIT(PARTED)), KIND(PAUSE));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(MOVED)), KIND(MIGRATION));
    assert_int_equal(told(ALL, BIT(MOVED)), KIND(MIGRATION)); /* made up for */
    assert_int_equal(told(ALL, BIT(MOVED) | BIT(LATE)), KIND(MIGRATION));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(MOVED) | BIT(FORKED)), KIND(RESTORE));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(SUSPENDED) | BIT(SET)), KIND(SUSPEND));
    assert_int_equal(told(ALL, BIT(LATE) | BIT(STOLEN)), KIND(STARVATION));
    assert_int_equal(told(ALL, BIT(SET)), KIND(CLOCK_SET));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(SOURCE)), KIND(SERVER));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(WITNESS)), KIND(WITNESS));
}

static void test_kind__without_the_hypervisors_word_three_look_alike(void **state)
{
    uint32_t still = KIND(PAUSE) | KIND(MIGRATION) | KIND(RESTORE);
    uint32_t marker = PLAIN | BIT(MOVED), generation = PLAIN | BIT(FORKED);

    (void)state;
    assert_int_equal(told(PLAIN, BIT(PARTED)), still);
    assert_int_equal(told(marker, BIT(PARTED)), KIND(PAUSE));
    assert_int_equal(told(marker, BIT(PARTED) | BIT(MOVED)), KIND(MIGRATION) | KIND(RESTORE));
    assert_int_equal(told(generation, BIT(PARTED)), KIND(PAUSE) | KIND(MIGRATION));
    assert_int_equal(told(generation, BIT(PARTED) | BIT(FORKED)), KIND(RESTORE));
}

static void test_kind__a_jump_is_ours_or_the_servers(void **state)
{
    uint32_t alone = ALL & ~(BIT(SOURCE) | BIT(MOVED) | BIT(FORKED));

    (void)state;
    assert_int_equal(told(PLAIN, BIT(PARTED) | BIT(SOURCE)), KIND(SERVER));
    assert_true(!(told(PLAIN, BIT(PARTED)) & KIND(SERVER)));
    /* one source, and nobody else to say which of the two it was */
    assert_int_equal(told(alone, BIT(PARTED)),
                     KIND(PAUSE) | KIND(MIGRATION) | KIND(RESTORE) | KIND(SERVER));
}

static void test_kind__who_ran_instead_of_us(void **state)
{
    (void)state;
    assert_int_equal(told(PLAIN | BIT(STOLEN), BIT(LATE) | BIT(STOLEN)), KIND(STARVATION));
    /* not the host's accounts: another process of this machine, or a machine that was stopped */
    assert_int_equal(told(ALL, BIT(LATE)), KIND(PAUSE) | KIND(STARVATION));
    assert_int_equal(told(PLAIN, BIT(LATE)), KIND(PAUSE) | KIND(MIGRATION) | KIND(STARVATION));
}

static void test_kind__a_clock_that_is_set_after_a_pause_does_not_hide_it(void **state)
{
    (void)state;
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(SET)), KIND(PAUSE));
    assert_int_equal(told(ALL, BIT(PARTED) | BIT(SET) | BIT(LATE) | BIT(STOLEN)), KIND(PAUSE));
}

static void test_kind__nothing_is_told_by_silence(void **state)
{
    struct visor_signs none = {0}, silent = {.missed = ALL};

    (void)state;
    assert_int_equal(visor_kind_possible(&none), 0);
    assert_int_equal(visor_kind_possible(&silent), 0);
    assert_int_equal(visor_kind_of(&silent), VISOR_DISRUPTION_UNKNOWN);
}

static void test_kind__what_contradicts_itself_is_unknown(void **state)
{
    struct visor_signs signs = {.seen = BIT(SUSPENDED) | BIT(FORKED), .missed = 0};

    (void)state;
    assert_int_equal(visor_kind_possible(&signs), 0);
    assert_int_equal(visor_kind_of(&signs), VISOR_DISRUPTION_UNKNOWN);
    signs = (struct visor_signs){.seen = BIT(FORKED)};
    assert_int_equal(visor_kind_of(&signs), VISOR_DISRUPTION_RESTORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind__all_witnesses_tell_all_kinds),
        cmocka_unit_test(test_kind__without_the_hypervisors_word_three_look_alike),
        cmocka_unit_test(test_kind__a_jump_is_ours_or_the_servers),
        cmocka_unit_test(test_kind__who_ran_instead_of_us),
        cmocka_unit_test(test_kind__a_clock_that_is_set_after_a_pause_does_not_hide_it),
        cmocka_unit_test(test_kind__nothing_is_told_by_silence),
        cmocka_unit_test(test_kind__what_contradicts_itself_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
