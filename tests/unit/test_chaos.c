#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/chaos.h"
#include "sim/script.h"

/* Every random world is a good scenario, long enough, and with fewer than half of its servers ever
 * false. */
static void test_chaos_write__makes_good_scenarios(void **state)
{
    char text[VISOR_CHAOS_TEXT_MAX];

    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        size_t size = visor_chaos_write(seed, text), liars = 0;
        struct visor_scenario s;
        struct visor_diagnoses diagnoses;

        assert_true(size == strlen(text) && size < VISOR_CHAOS_TEXT_MAX - 1);
        visor_scenario_init(&s);
        visor_diagnoses_init(&diagnoses);
        assert_true(visor_script_read(&s, "x", text, size, &diagnoses));
        assert_true(s.duration >= 6 * 3600 && s.server_count >= 3 && s.expect_count == 2);
        for (size_t i = 0; i < s.server_count; i++) {
            bool lies = s.servers[i].model.offset != 0.0;

            for (size_t m = 0; m < s.mishap_count; m++)
                lies |= s.mishaps[m].target == VISOR_TARGET_SERVER && s.mishaps[m].index == i &&
                        (s.mishaps[m].kind == VISOR_MISHAP_SERVER_STEP ||
                         s.mishaps[m].kind == VISOR_MISHAP_SERVER_FREQUENCY ||
                         s.mishaps[m].kind == VISOR_MISHAP_SERVER_FREEZE);
            liars += lies;
        }
        assert_true(liars * 2 < s.server_count);
        visor_scenario_done(&s);
        visor_diagnoses_done(&diagnoses);
    }
}

static void test_chaos_write__is_the_seeds(void **state)
{
    char one[VISOR_CHAOS_TEXT_MAX], again[VISOR_CHAOS_TEXT_MAX], other[VISOR_CHAOS_TEXT_MAX];

    (void)state;
    visor_chaos_write(5, one);
    visor_chaos_write(5, again);
    visor_chaos_write(6, other);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chaos_write__makes_good_scenarios),
        cmocka_unit_test(test_chaos_write__is_the_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
