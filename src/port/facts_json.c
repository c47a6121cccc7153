/* The JSON form of the facts. Unknown texts are null, so that a reader need not know our "". */
#include "port/facts.h"

static json_t *text(const char *value)
{
    return value[0] ? json_string(value) : json_null();
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

static json_t *devices(const struct visor_facts_device *list, size_t count, bool rtc)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *device = json_object();

        set(device, "device", text(list[i].device));
        set(device, "name", text(list[i].name));
        set(device, "exists", json_boolean(list[i].exists));
        set(device, "readable", json_boolean(list[i].readable));
        if (rtc)
            set(device, "hctosys", json_boolean(list[i].hctosys));
        json_array_append_new(array, device);
    }
    return array;
}

static json_t *acpi(const struct visor_facts_acpi *found)
{
    json_t *object = json_object();

    set(object, "described", json_boolean(found->described));
    set(object, "driven", json_boolean(found->driven));
    set(object, "id", text(found->id));
    return object;
}

static json_t *virtualization(const struct visor_facts *facts)
{
    json_t *object = json_object();

    set(object, "hypervisor", text(visor_facts_hypervisor_name(facts->hypervisor)));
    set(object, "cpuid", text(facts->hypervisor_id));
    set(object, "cloud", text(visor_facts_cloud_name(facts->cloud)));
    set(object, "container", text(facts->container));
    set(object, "vendor", text(facts->vendor));
    set(object, "product", text(facts->product));
    set(object, "bios", text(facts->bios));
    set(object, "asset_tag", text(facts->asset_tag));
    set(object, "vmclock", acpi(&facts->vmclock_acpi));
    set(object, "vmgenid", acpi(&facts->vmgenid));
    set(object, "steal_s", facts->steal_known ? json_real(facts->steal_s) : NULL);
    set(object, "cpu_s", facts->steal_known ? json_real(facts->cpu_s) : NULL);
    return object;
}

static json_t *counters(const struct visor_facts *facts)
{
    json_t *object = json_object(), *available = json_array(), *tsc = json_object();

    for (size_t i = 0; i < facts->clocksource_count; i++)
        json_array_append_new(available, json_string(facts->clocksources[i]));
    set(object, "current", text(facts->clocksource));
    set(object, "available", available);
    set(tsc, "present", json_boolean(facts->tsc));
    set(tsc, "constant", json_boolean(facts->constant_tsc));
    set(tsc, "nonstop", json_boolean(facts->nonstop_tsc));
    set(tsc, "reliable", json_boolean(facts->tsc_reliable));
    set(tsc, "known_frequency", json_boolean(facts->tsc_known_frequency));
    set(tsc, "khz", facts->tsc_khz ? json_integer(facts->tsc_khz) : NULL);
    set(object, "tsc", tsc);
    return object;
}

static json_t *kernel(const struct visor_facts_kernel *state)
{
    json_t *object = state->known ? json_object() : NULL;

    if (!object)
        return NULL;
    set(object, "state", json_integer(state->state));
    set(object, "status", json_integer(state->status));
    set(object, "max_error_us", json_integer(state->max_error_us));
    set(object, "est_error_us", json_integer(state->est_error_us));
    set(object, "frequency_ppm", json_real(state->frequency_ppm));
    set(object, "tick_us", json_integer(state->tick_us));
    set(object, "tai_offset_s", json_integer(state->tai_offset_s));
    return object;
}

static json_t *daemons(const struct visor_facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->daemon_count; i++) {
        json_t *daemon = json_object();

        set(daemon, "name", text(facts->daemons[i].name));
        set(daemon, "pid", json_integer(facts->daemons[i].pid));
        set(daemon, "steers", json_boolean(facts->daemons[i].steers));
        json_array_append_new(array, daemon);
    }
    return array;
}

static json_t *sources(const struct visor_facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->source_count; i++) {
        const struct visor_facts_source *one = &facts->sources[i];
        json_t *source = json_object();

        set(source, "origin", text(visor_facts_origin_name(one->origin)));
        set(source, "directive", text(one->directive));
        set(source, "name", text(one->name));
        set(source, "options", text(one->options));
        set(source, "file", text(one->file));
        set(source, "line", json_integer(one->line));
        json_array_append_new(array, source);
    }
    return array;
}

static json_t *network(const struct visor_facts *facts)
{
    json_t *object = json_object(), *servers = json_array();

    for (size_t i = 0; i < facts->nameserver_count; i++)
        json_array_append_new(servers, json_string(facts->nameservers[i]));
    set(object, "known", json_boolean(facts->network_known));
    set(object, "default_route_ipv4", text(facts->route4));
    set(object, "default_route_ipv6", text(facts->route6));
    set(object, "nameservers", servers);
    return object;
}

static json_t *system_of(const struct visor_facts *facts)
{
    json_t *object = json_object();

    set(object, "distribution", text(facts->distribution));
    set(object, "kernel", text(facts->release));
    set(object, "command_line", text(facts->command_line));
    set(object, "cpu", text(facts->cpu));
    set(object, "cpus", json_integer(facts->cpus));
    set(object, "cap_sys_time", json_boolean(facts->cap_sys_time));
    return object;
}

static json_t *chronyd(const struct visor_facts *facts)
{
    json_t *object = facts->chronyd.answers ? json_object() : NULL;

    if (!object)
        return NULL;
    set(object, "stratum", json_integer(facts->chronyd.stratum));
    set(object, "leap", json_integer(facts->chronyd.leap));
    set(object, "offset_s", json_real(facts->chronyd.offset_s));
    set(object, "root_distance_s", json_real(facts->chronyd.root_distance_s));
    return object;
}

static json_t *reach(const struct visor_facts *facts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < facts->reach_count; i++) {
        json_t *one = json_object();

        set(one, "name", text(facts->reach[i].name));
        set(one, "answer", json_integer(facts->reach[i].answer));
        set(one, "offset_ns", json_integer(facts->reach[i].offset_ns));
        set(one, "delay_ns", json_integer(facts->reach[i].delay_ns));
        set(one, "uncertainty_ns", json_integer(facts->reach[i].uncertainty_ns));
        set(one, "slowest_ns", json_integer(facts->reach[i].slowest_ns));
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *nodes(const struct visor_facts_nodes *seen)
{
    json_t *object = seen->count ? json_object() : NULL;

    if (!object)
        return NULL;
    set(object, "count", json_integer(seen->count));
    set(object, "known", json_integer(seen->known));
    set(object, "differ", json_integer(seen->differ));
    set(object, "first", text(seen->first));
    set(object, "zone", text(seen->zone));
    return object;
}

/* What the doctor gathers beside: null where it was not. */
static void add_more(json_t *object, const struct visor_facts *facts)
{
    set(object, "hz", facts->hz ? json_integer(facts->hz) : NULL);
    set(object, "tick", text(facts->tick));
    set(object, "timer_rate_hz",
        facts->timer_rate_hz > 0.0 ? json_real(facts->timer_rate_hz) : NULL);
    set(object, "vdso", facts->vdso_known ? json_boolean(facts->vdso) : NULL);
    set(object, "read_ns", facts->read_ns > 0.0 ? json_real(facts->read_ns) : NULL);
    set(object, "zone", text(facts->zone));
    set(object, "other_zone",
        facts->other_zone[0]
            ? json_pack("{s:s, s:s}", "process", facts->other_zone_of, "zone", facts->other_zone)
            : NULL);
    set(object, "nodes", nodes(&facts->nodes));
    set(object, "chronyd", chronyd(facts));
    set(object, "reach", reach(facts));
}

json_t *visor_facts_json(const struct visor_facts *facts)
{
    json_t *object = json_object();

    if (!object)
        return NULL;
    set(object, "version", json_integer(VISOR_FACTS_VERSION));
    set(object, "system", system_of(facts));
    set(object, "virtualization", virtualization(facts));
    set(object, "clocksource", counters(facts));
    set(object, "rtc", devices(facts->rtcs, facts->rtc_count, true));
    set(object, "phc", devices(facts->phcs, facts->phc_count, false));
    set(object, "pps", devices(facts->pps, facts->pps_count, false));
    set(object, "vmclock", devices(facts->vmclocks, facts->vmclock_count, false));
    set(object, "kernel_clock", kernel(&facts->kernel));
    set(object, "daemons", daemons(facts));
    set(object, "sources", sources(facts));
    set(object, "network", network(facts));
    add_more(object, facts);
    return object;
}
