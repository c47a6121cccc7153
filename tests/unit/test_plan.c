#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generate/generate.h"
#include "timevisor/plan.h"

static struct visor_plan_needs needs_of(int machines, int sites, unsigned platforms)
{
    return (struct visor_plan_needs){.machines = machines,
                                     .sites = sites,
                                     .platforms = platforms,
                                     .limit_s = 0.1,
                                     .outside_s = 0.03,
                                     .between_s = 0.005};
}

static struct visor_plan make(struct visor_plan_needs needs)
{
    struct visor_plan plan;

    assert_null(visor_plan_check(&needs));
    visor_plan_make(&needs, &plan);
    return plan;
}

static const struct visor_plan_layer *layer_of(const struct visor_plan *plan,
                                               enum visor_plan_kind kind)
{
    for (int i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].kind == kind)
            return &plan->layers[i];
    return NULL;
}

static void test_plan__the_decision_tree(void **state)
{
    const unsigned kvm = 1u << VISOR_PLAN_KVM, metal = 1u << VISOR_PLAN_METAL;
    struct visor_plan plan = make(needs_of(9, 1, kvm));

    (void)state;
    assert_int_equal(plan.size, VISOR_PLAN_SMALL);
    assert_null(layer_of(&plan, VISOR_PLAN_SERVER));
    assert_int_equal(layer_of(&plan, VISOR_PLAN_HOST)->count, 1);
    plan = make(needs_of(9, 1, metal));
    assert_null(layer_of(&plan, VISOR_PLAN_HOST));
    plan = make(needs_of(9, 2, kvm));
    assert_int_equal(plan.size, VISOR_PLAN_MEDIUM); /* sites can be cut off from each other */
    plan = make(needs_of(10, 1, kvm));
    assert_int_equal(plan.size, VISOR_PLAN_MEDIUM);
    assert_int_equal(layer_of(&plan, VISOR_PLAN_SERVER)->count, 4);
    plan = make(needs_of(101, 3, kvm));
    assert_int_equal(plan.size, VISOR_PLAN_LARGE);
    assert_int_equal(layer_of(&plan, VISOR_PLAN_SERVER)->count, 12);
    assert_int_equal(layer_of(&plan, VISOR_PLAN_HOST)->count, 6);
    assert_int_equal(layer_of(&plan, VISOR_PLAN_GUEST)->count, 101);
}

static void test_plan__clouds(void **state)
{
    struct visor_plan_needs needs = needs_of(50, 1, 0);
    struct visor_plan plan;

    (void)state;
    needs.clouds = 1u << VISOR_PLAN_GCP;
    plan = make(needs);
    assert_true(plan.cloud_only);
    assert_string_equal(layer_of(&plan, VISOR_PLAN_GUEST)->targets, "gcp");
    needs.clouds |= 1u << VISOR_PLAN_AWS; /* two that smear otherwise: the same servers for all */
    plan = make(needs);
    assert_false(plan.cloud_only);
    assert_string_equal(layer_of(&plan, VISOR_PLAN_GUEST)->targets, "hybrid");
    needs.air_gapped = true;
    assert_non_null(visor_plan_check(&needs));
}

static void test_plan__what_cannot_be_had_is_said(void **state)
{
    struct visor_plan_needs needs = needs_of(20, 1, 1u << VISOR_PLAN_KVM);
    struct visor_plan plan;

    (void)state;
    needs.limit_s = 1e-9;
    plan = make(needs);
    assert_int_equal(plan.reach, VISOR_PLAN_NOT);
    needs.limit_s = 1e-6;
    plan = make(needs);
    assert_int_equal(plan.reach, VISOR_PLAN_HARDWARE);
    assert_false(plan.own_reference);
    assert_true(plan.note_count >= 2);
    needs.limit_s = 1e-3;
    needs.receivers = true;
    plan = make(needs);
    assert_int_equal(plan.reach, VISOR_PLAN_REACHED);
    assert_true(plan.own_reference);
}

static void test_check__limits(void **state)
{
    const struct visor_plan_needs good = needs_of(20, 1, 1);
    struct visor_plan_needs needs = good;

    (void)state;
    assert_null(visor_plan_check(&needs));
    needs.machines = 0;
    assert_non_null(visor_plan_check(&needs));
    needs = good;
    needs.sites = 1001;
    assert_non_null(visor_plan_check(&needs));
    needs = good;
    needs.limit_s = 0.0;
    assert_non_null(visor_plan_check(&needs));
    needs = good;
    needs.outside_s = 6.0;
    assert_non_null(visor_plan_check(&needs));
}

/* Every target that a plan names exists. */
static void check_targets(const struct visor_plan *plan)
{
    for (int i = 0; i < plan->layer_count; i++) {
        char copy[160], *rest = copy, *word;

        snprintf(copy, sizeof(copy), "%s", plan->layers[i].targets);
        while ((word = strsep(&rest, " "))) {
            const struct visor_generated *file;
            bool found = !*word;

            for (size_t j = 0; (file = visor_generated_at(j)); j++)
                found |= strcmp(file->target, word) == 0;
            assert_true(found);
        }
    }
}

/* The simulated example of every branch: it runs, is settled, and the bound holds in it. */
static void test_simulate__every_branch(void **state)
{
    static const struct {
        int machines, sites;
        unsigned platforms, clouds;
        bool receivers, air_gapped, kept;
        double limit_s;
    } cases[] = {
        {5, 1, 1u << VISOR_PLAN_METAL, 0, false, false, true, 0.1},
        {5, 1, 1u << VISOR_PLAN_HYPERV, 0, false, false, true, 0.1},
        {50, 1, 1u << VISOR_PLAN_KVM, 0, false, false, true, 0.1},
        {50, 2, 1u << VISOR_PLAN_XEN, 0, false, false, false, 0.001}, /* outside is too far */
        {500, 3, 1u << VISOR_PLAN_VMWARE, 0, true, false, true, 0.001},
        {500, 1, 1u << VISOR_PLAN_PROXMOX, 0, true, true, true, 0.001},
        {50, 1, 1u << VISOR_PLAN_KVM, 0, false, true, false, 0.1}, /* nobody knows UTC */
        {50, 1, 0, 1u << VISOR_PLAN_AWS, false, false, true, 0.005},
        {50, 1, 0, 3, false, false, true, 0.1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_planned *planned = calloc(1, sizeof(*planned));
        struct visor_plan_needs needs =
            needs_of(cases[i].machines, cases[i].sites, cases[i].platforms);

        assert_non_null(planned);
        needs.clouds = cases[i].clouds;
        needs.receivers = cases[i].receivers;
        needs.air_gapped = cases[i].air_gapped;
        needs.limit_s = cases[i].limit_s;
        planned->plan = make(needs);
        check_targets(&planned->plan);
        assert_int_equal(visor_plan_simulate(planned, NULL), 0);
        assert_int_equal(visor_plan_holds(planned), cases[i].kept);
        for (int j = 0; j < planned->plan.layer_count; j++)
            assert_int_equal(planned->results[0].layers[j].known,
                             planned->plan.layers[j].machine[0] != '\0');
        free(planned);
    }
}

/* A part that fails must show: the example is not the same without it. */
static void test_simulate__failures_are_seen(void **state)
{
    struct visor_planned *planned = calloc(1, sizeof(*planned));
    bool seen = false;

    (void)state;
    assert_non_null(planned);
    planned->plan = make(needs_of(50, 1, 1u << VISOR_PLAN_KVM));
    assert_int_equal(visor_plan_simulate(planned, NULL), 0);
    for (int i = 0; i < planned->plan.failure_count; i++) {
        const int last = planned->plan.layer_count - 1;
        const struct visor_plan_figures *guest = &planned->results[i + 1].layers[last];

        if (strstr(planned->plan.failures[i].event, "pause"))
            assert_true(guest->wrong <= 5.0); /* right again within seconds */
        if (strcmp(planned->plan.failures[i].event, "link1 cut") != 0)
            continue;
        seen = true; /* the guest still has its host, which has nobody */
        assert_true(planned->results[i + 1].layers[last - 1].lost > 0.3);
        assert_true(guest->later_s > 1.3 * planned->results[0].layers[last].bound_s);
    }
    assert_true(seen);
    free(planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__the_decision_tree),
        cmocka_unit_test(test_plan__clouds),
        cmocka_unit_test(test_plan__what_cannot_be_had_is_said),
        cmocka_unit_test(test_check__limits),
        cmocka_unit_test(test_simulate__every_branch),
        cmocka_unit_test(test_simulate__failures_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
