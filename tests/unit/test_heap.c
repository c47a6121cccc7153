#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "sim/heap.h"

enum { MANY = 1000 };

static void test_heap_pop__gives_time_order_and_first_in_first_out(void **state)
{
    static struct visor_happening all[MANY];
    struct visor_happening *last = NULL, *next;
    struct visor_heap heap;
    struct visor_rng rng;

    (void)state;
    visor_heap_init(&heap);
    visor_rng_init(&rng, 3);
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct visor_happening){.slot = VISOR_HEAP_OUT, .kind = i};
        assert_true(visor_heap_push(&heap, &all[i], (int64_t)(visor_rng_next(&rng) % 50)));
    }
    for (int i = 0; i < MANY; i++) {
        next = visor_heap_pop(&heap);
        assert_non_null(next);
        if (last)
            assert_true(last->at < next->at || (last->at == next->at && last->kind < next->kind));
        last = next;
    }
    assert_null(visor_heap_pop(&heap));
    visor_heap_done(&heap);
}

/* Against a list that is searched: random pushes, moves and removals. */
static void test_heap_push__moves_and_removes_like_a_plain_list(void **state)
{
    static struct visor_happening all[64];
    struct visor_heap heap;
    struct visor_rng rng;
    size_t queued = 0;

    (void)state;
    visor_heap_init(&heap);
    visor_rng_init(&rng, 4);
    for (int i = 0; i < 64; i++)
        all[i].slot = VISOR_HEAP_OUT;
    for (int round = 0; round < 20000; round++) {
        struct visor_happening *one = &all[visor_rng_next(&rng) % 64], *first;

        queued -= one->slot != VISOR_HEAP_OUT;
        if (visor_rng_next(&rng) % 3) {
            assert_true(visor_heap_push(&heap, one, (int64_t)(visor_rng_next(&rng) % 1000)));
            queued++;
        } else {
            visor_heap_remove(&heap, one);
        }
        assert_int_equal(heap.count, queued);
        first = visor_heap_first(&heap);
        for (int i = 0; i < 64; i++)
            if (all[i].slot != VISOR_HEAP_OUT)
                assert_true(first->at <= all[i].at);
    }
    visor_heap_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_pop__gives_time_order_and_first_in_first_out),
        cmocka_unit_test(test_heap_push__moves_and_removes_like_a_plain_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
