/* Facts of recorded machines (tests/data/facts), of this one, and of folders full of nonsense. */
#include "port/facts.h"
#include "port/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct visor_facts *gather(const char *tree)
{
    struct visor_facts *facts = malloc(sizeof(*facts));
    char root[256];

    assert_non_null(facts);
    snprintf(root, sizeof(root), "%s/tests/data/facts/%s", VISOR_SOURCE_ROOT, tree);
    visor_facts_gather(facts, root);
    return facts;
}

static const struct visor_facts_source *source_of(const struct visor_facts *facts, const char *name,
                                                  enum visor_facts_origin origin)
{
    for (size_t i = 0; i < facts->source_count; i++)
        if (strcmp(facts->sources[i].name, name) == 0 && facts->sources[i].origin == origin)
            return &facts->sources[i];
    return NULL;
}

static void test_gather__knows_the_machine(void **state)
{
    struct visor_facts *facts = gather("aws-chrony");

    (void)state;
    assert_int_equal(facts->cloud, VISOR_CLOUD_AWS);
    assert_int_equal(facts->hypervisor, VISOR_HYPERVISOR_KVM); /* by its clocksource */
    assert_string_equal(facts->product, "m6a.large");
    assert_string_equal(facts->distribution, "Debian GNU/Linux 12 (bookworm)");
    assert_string_equal(facts->release, "6.1.0-18-cloud-amd64");
    assert_int_equal(facts->cpus, 2);
    assert_string_equal(facts->cpu, "AMD EPYC 7R13 Processor");
    assert_string_equal(facts->container, "");
    assert_string_equal(facts->clocksource, "tsc");
    assert_int_equal(facts->clocksource_count, 3);
    assert_string_equal(facts->clocksources[2], "acpi_pm");
    assert_true(facts->tsc && facts->constant_tsc && facts->nonstop_tsc);
    assert_true(facts->tsc_known_frequency && !facts->tsc_reliable);
    assert_string_equal(facts->command_line, "clocksource=tsc tsc=reliable");
    assert_false(facts->cap_sys_time);
    assert_false(facts->kernel.known);
    free(facts);
}

static void test_gather__finds_devices(void **state)
{
    struct visor_facts *facts = gather("aws-chrony");

    (void)state;
    assert_int_equal(facts->rtc_count, 1);
    assert_string_equal(facts->rtcs[0].device, "/dev/rtc0");
    assert_string_equal(facts->rtcs[0].name, "rtc_cmos rtc_cmos");
    assert_true(facts->rtcs[0].hctosys && facts->rtcs[0].exists && facts->rtcs[0].readable);
    assert_int_equal(facts->phc_count, 2);
    assert_string_equal(facts->phcs[1].name, "KVM virtual PTP");
    assert_true(facts->phcs[0].exists && !facts->phcs[1].exists);
    assert_int_equal(facts->pps_count, 0);
    assert_true(facts->vmclock_acpi.described && !facts->vmclock_acpi.driven);
    assert_string_equal(facts->vmclock_acpi.id, "AMZNC10C:00");
    assert_true(facts->vmgenid.described && facts->vmgenid.driven);
    free(facts);
}

static void test_gather__finds_daemons_steal_and_network(void **state)
{
    struct visor_facts *facts = gather("aws-chrony");

    (void)state;
    assert_int_equal(facts->daemon_count, 3);
    assert_string_equal(facts->daemons[0].name, "hv_balloon");
    assert_false(facts->daemons[0].steers);
    assert_string_equal(facts->daemons[1].name, "systemd-timesyn");
    assert_string_equal(facts->daemons[2].name, "chronyd");
    assert_int_equal(facts->daemons[2].pid, 412);
    assert_true(facts->daemons[2].steers);
    assert_true(facts->steal_known);
    assert_true(facts->steal_s * (double)sysconf(_SC_CLK_TCK) == 43);
    assert_true(facts->cpu_s * (double)sysconf(_SC_CLK_TCK) == 1200);
    assert_true(facts->network_known);
    assert_string_equal(facts->route4, "ens5");
    assert_string_equal(facts->route6, "");
    assert_int_equal(facts->nameserver_count, 2);
    assert_string_equal(facts->nameservers[1], "fd00:ec2::253");
    free(facts);
}

static void test_gather__finds_chrony_sources_through_includes(void **state)
{
    struct visor_facts *facts = gather("aws-chrony");
    const struct visor_facts_source *source;

    (void)state;
    assert_int_equal(facts->source_count, 5);
    source = source_of(facts, "169.254.169.123", VISOR_ORIGIN_CHRONY);
    assert_non_null(source);
    assert_string_equal(source->options, "prefer iburst minpoll 4 maxpoll 4");
    assert_string_equal(source->file, "/etc/chrony/conf.d/10-aws.conf");
    assert_int_equal(source->line, 1);
    assert_non_null(source_of(facts, "169.254.169.123", VISOR_ORIGIN_DHCP));
    assert_non_null(source_of(facts, "ntp1.corp.example", VISOR_ORIGIN_CHRONY));
    source = source_of(facts, "2.debian.pool.ntp.org", VISOR_ORIGIN_CHRONY);
    assert_string_equal(source->directive, "pool");
    source = source_of(facts, "PHC /dev/ptp0", VISOR_ORIGIN_CHRONY);
    assert_string_equal(source->directive, "refclock");
    assert_string_equal(source->options, "poll 0 delay 0.000010 prefer");
    free(facts);
}

static void test_gather__follows_timesyncd_and_leases(void **state)
{
    struct visor_facts *facts = gather("azure-timesyncd");

    (void)state;
    assert_int_equal(facts->cloud, VISOR_CLOUD_AZURE);
    assert_int_equal(facts->hypervisor, VISOR_HYPERVISOR_HYPERV);
    assert_string_equal(facts->phcs[0].name, "hyperv");
    assert_true(facts->cap_sys_time);
    assert_int_equal(facts->cpus, 65);
    assert_true(facts->network_known);
    assert_string_equal(facts->route4, "");
    assert_null(source_of(facts, "vendor.example", VISOR_ORIGIN_TIMESYNCD)); /* taken back */
    assert_non_null(source_of(facts, "a.example", VISOR_ORIGIN_TIMESYNCD));
    assert_non_null(source_of(facts, "b.example", VISOR_ORIGIN_TIMESYNCD));
    assert_non_null(source_of(facts, "ntp.ubuntu.com", VISOR_ORIGIN_TIMESYNCD_FALLBACK));
    assert_non_null(source_of(facts, "10.0.0.2", VISOR_ORIGIN_DHCP));
    assert_non_null(source_of(facts, "10.9.9.9", VISOR_ORIGIN_DHCP));
    assert_int_equal(facts->source_count, 6);
    free(facts);
}

static void test_gather__sees_containers_and_two_writers(void **state)
{
    struct visor_facts *facts = gather("vmware-container");

    (void)state;
    assert_int_equal(facts->hypervisor, VISOR_HYPERVISOR_VMWARE);
    assert_int_equal(facts->cloud, VISOR_CLOUD_NONE);
    assert_string_equal(facts->container, "podman");
    assert_int_equal(facts->daemon_count, 2);
    assert_true(facts->daemons[0].steers && facts->daemons[1].steers);
    assert_non_null(source_of(facts, "0.centos.pool.ntp.org", VISOR_ORIGIN_NTP));
    assert_string_equal(source_of(facts, "10.1.1.1", VISOR_ORIGIN_NTP)->directive, "peer");
    assert_false(facts->network_known);
    free(facts);
}

static void test_gather__nothing_is_no_error(void **state)
{
    struct visor_facts *facts = gather("no-such-tree");
    static const struct visor_facts empty;

    (void)state;
    assert_memory_equal(facts, &empty, sizeof(empty));
    free(facts);
}

static void write_file(const char *root, const char *path, const void *data, size_t size)
{
    char full[256];
    FILE *file;

    snprintf(full, sizeof(full), "%s/%s", root, path);
    file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void test_gather__survives_nonsense(void **state)
{
    char root[] = "/tmp/visor-facts-XXXXXX", path[256], command[300];
    struct visor_facts *facts = malloc(sizeof(*facts));
    char *noise = malloc(200000);

    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < 200000; i++)
        noise[i] = (char)(i * 7919 >> 3);
    snprintf(command, sizeof(command), "mkdir -p %s/etc %s/proc/net %s/proc/9 %s/etc/chrony", root,
             root, root, root);
    assert_int_equal(system(command), 0);
    write_file(root, "proc/cpuinfo", noise, 200000);
    write_file(root, "proc/stat", noise, 4000);
    write_file(root, "proc/net/route", noise, 9000);
    write_file(root, "proc/9/comm", noise, 3000);
    write_file(root, "etc/chrony.conf", noise, 200000);
    memset(noise, 's', 200000);
    memcpy(noise, "server ", 7);
    write_file(root, "etc/ntp.conf", noise, 200000);
    snprintf(path, sizeof(path), "%s/etc/chrony/chrony.conf", root);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
    visor_facts_gather(facts, root);
    assert_string_equal(facts->clocksource, "");
    assert_int_equal(facts->daemon_count, 0);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
    free(facts);
    free(noise);
}

static void test_gather__this_machine_shows_itself(void **state)
{
    struct visor_facts *facts = malloc(sizeof(*facts));

    (void)state;
    visor_facts_gather(facts, "");
    assert_true(facts->release[0] && facts->clocksource[0] && facts->cpus > 0);
    assert_true(facts->clocksource_count > 0 && facts->steal_known);
    free(facts);
}

static void test_json__has_everything_and_null_for_unknown(void **state)
{
    struct visor_facts *facts = gather("aws-chrony");
    json_t *json = visor_facts_json(facts), *part;

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(json, "version")), VISOR_FACTS_VERSION);
    part = json_object_get(json, "virtualization");
    assert_string_equal(json_string_value(json_object_get(part, "cloud")), "AWS");
    assert_true(json_is_null(json_object_get(part, "container")));
    assert_true(json_is_null(json_object_get(json, "kernel_clock")));
    assert_int_equal(json_array_size(json_object_get(json, "sources")), 5);
    part = json_array_get(json_object_get(json, "phc"), 1);
    assert_string_equal(json_string_value(json_object_get(part, "name")), "KVM virtual PTP");
    json_decref(json);
    free(facts);
}

static void test_hypervisor_by_id__knows_the_signatures(void **state)
{
    (void)state;
    assert_int_equal(visor_facts_hypervisor_by_id("KVMKVMKVM"), VISOR_HYPERVISOR_KVM);
    assert_int_equal(visor_facts_hypervisor_by_id("Microsoft Hv"), VISOR_HYPERVISOR_HYPERV);
    assert_int_equal(visor_facts_hypervisor_by_id("strange"), VISOR_HYPERVISOR_UNKNOWN);
}

static void test_conclude__a_clocksource_says_more_than_a_signature(void **state)
{
    static const struct {
        enum visor_hypervisor told;
        const char *clocksource, *vendor;
        enum visor_hypervisor is;
    } cases[] = {
        {VISOR_HYPERVISOR_BHYVE, "kvm-clock", "", VISOR_HYPERVISOR_KVM},
        {VISOR_HYPERVISOR_NONE, "kvm-clock", "", VISOR_HYPERVISOR_KVM},
        {VISOR_HYPERVISOR_KVM, "kvm-clock", "innotek GmbH", VISOR_HYPERVISOR_VIRTUALBOX},
        {VISOR_HYPERVISOR_HYPERV, "xen", "Xen", VISOR_HYPERVISOR_XEN},
        {VISOR_HYPERVISOR_UNKNOWN, "hyperv_clocksource_tsc_page", "", VISOR_HYPERVISOR_HYPERV},
        {VISOR_HYPERVISOR_KVM, "hyperv_clocksource_tsc_page", "", VISOR_HYPERVISOR_KVM},
        {VISOR_HYPERVISOR_NONE, "tsc", "Dell Inc.", VISOR_HYPERVISOR_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visor_facts *facts = calloc(1, sizeof(*facts));

        assert_non_null(facts);
        facts->hypervisor = cases[i].told;
        strcpy(facts->clocksources[0], cases[i].clocksource);
        facts->clocksource_count = 1;
        strcpy(facts->vendor, cases[i].vendor);
        visor_facts_conclude(facts);
        assert_int_equal(facts->hypervisor, cases[i].is);
        assert_int_equal(facts->cloud, VISOR_CLOUD_NONE);
        strcpy(facts->vmclock_acpi.id, "AMZNC10C:00");
        visor_facts_conclude(facts);
        assert_int_equal(facts->cloud, VISOR_CLOUD_AWS);
        free(facts);
    }
}

static void test_tree__list_is_sorted_bounded_and_filtered(void **state)
{
    struct visor_tree_name names[2];
    size_t more = 0;
    char root[256];

    (void)state;
    snprintf(root, sizeof(root), "%s/tests/data/facts/aws-chrony", VISOR_SOURCE_ROOT);
    assert_int_equal(visor_tree_list(root, "/proc", "*", names, 2, &more), 2);
    assert_string_equal(names[0].text, "412");
    assert_string_equal(names[1].text, "413");
    assert_true(more > 3);
    assert_int_equal(visor_tree_list(root, "/etc/chrony/conf.d", "*.conf", names, 2, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather__knows_the_machine),
        cmocka_unit_test(test_gather__finds_devices),
        cmocka_unit_test(test_gather__finds_daemons_steal_and_network),
        cmocka_unit_test(test_gather__finds_chrony_sources_through_includes),
        cmocka_unit_test(test_gather__follows_timesyncd_and_leases),
        cmocka_unit_test(test_gather__sees_containers_and_two_writers),
        cmocka_unit_test(test_gather__nothing_is_no_error),
        cmocka_unit_test(test_gather__survives_nonsense),
        cmocka_unit_test(test_gather__this_machine_shows_itself),
        cmocka_unit_test(test_json__has_everything_and_null_for_unknown),
        cmocka_unit_test(test_hypervisor_by_id__knows_the_signatures),
        cmocka_unit_test(test_conclude__a_clocksource_says_more_than_a_signature),
        cmocka_unit_test(test_tree__list_is_sorted_bounded_and_filtered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
