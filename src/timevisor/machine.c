/* Facts as a table of words and their meaning; judging them is the doctor's. */
#include "timevisor/machine.h"

#include "port/facts.h"
#include "port/text.h"
#include "timevisor/quantity.h"
#include "timevisor/report.h"
#include "timevisor/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#define TEXT 512

struct visor_machine {
    struct visor_facts facts;
};

struct visor_machine *visor_machine_new(void)
{
    struct visor_machine *machine = calloc(1, sizeof(*machine));

    if (machine)
        visor_facts_gather(&machine->facts, "");
    return machine;
}

void visor_machine_free(struct visor_machine *machine)
{
    free(machine);
}

const struct visor_facts *visor_machine_facts(const struct visor_machine *machine)
{
    return machine ? &machine->facts : NULL;
}

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, TEXT - length, format, arguments);
    va_end(arguments);
}

static void add(struct visor_table *table, const char *name, enum visor_color color,
                const char *value)
{
    visor_table_add(table, VISOR_DIM, name);
    visor_table_add(table, color, value);
}

/* Without the blanks that fill it up. */
static int length_of(const char *id)
{
    int length = (int)strlen(id);

    while (length > 0 && id[length - 1] == ' ')
        length--;
    return length;
}

static void add_hypervisor(struct visor_table *table, const struct visor_facts *facts)
{
    const char *name = visor_facts_hypervisor_name(facts->hypervisor);
    const char *cloud = visor_facts_cloud_name(facts->cloud);
    char text[TEXT] = "";

    append(text, "%s", facts->hypervisor == VISOR_HYPERVISOR_NONE ? _("none seen") : name);
    if (*facts->hypervisor_id &&
        visor_facts_hypervisor_by_id(facts->hypervisor_id) != facts->hypervisor)
        append(text, _(" (CPUID says %.*s)"), length_of(facts->hypervisor_id),
               facts->hypervisor_id);
    if (*cloud)
        append(text, ", %s", cloud);
    if (*facts->vendor || *facts->product)
        append(text, ", %s %s", facts->vendor, facts->product);
    if (*facts->container)
        append(text, _(", in a container (%s)"), facts->container);
    add(table, _("Hypervisor"), VISOR_PLAIN, text);
}

static void add_clocksource(struct visor_table *table, const struct visor_facts *facts)
{
    char text[TEXT] = "", others[TEXT] = "";

    append(text, "%s", *facts->clocksource ? facts->clocksource : _("unknown"));
    for (size_t i = 0; i < facts->clocksource_count; i++)
        if (strcmp(facts->clocksources[i], facts->clocksource) != 0)
            append(others, "%s%s", *others ? " " : "", facts->clocksources[i]);
    if (*others)
        append(text, _(" (also there: %s)"), others);
    if (facts->tsc)
        append(text, _("; TSC: %s, %s"), facts->constant_tsc ? _("constant") : _("not constant"),
               facts->nonstop_tsc ? _("never stops") : _("may stop"));
    add(table, _("Clocksource"), VISOR_PLAIN, text);
}

static void add_devices(struct visor_table *table, const char *name,
                        const struct visor_facts_device *devices, size_t count)
{
    char text[TEXT] = "";

    for (size_t i = 0; i < count; i++) {
        append(text, "%s%s", i ? ", " : "", devices[i].device);
        if (*devices[i].name)
            append(text, " (%s)", devices[i].name);
        if (!devices[i].exists)
            append(text, "%s", _(" without a node in /dev"));
        else if (!devices[i].readable)
            append(text, "%s", _(" not readable for you"));
    }
    add(table, name, VISOR_PLAIN, count ? text : _("none"));
}

static void add_kernel(struct visor_table *table, const struct visor_facts *facts)
{
    const struct visor_facts_kernel *kernel = &facts->kernel;
    char text[TEXT] = "", bound[VISOR_QUANTITY_MAX];

    if (!kernel->known)
        return;
    if (kernel->status & STA_UNSYNC)
        append(text, "%s", _("calls its clock unsynchronized"));
    else
        append(text, _("calls its clock right to within ±%s"),
               visor_quantity_print((double)kernel->max_error_us * 1e-6, bound));
    append(text, _("; steered by %+.3f ppm"), kernel->frequency_ppm);
    add(table, _("Kernel"), VISOR_PLAIN, text);
}

static void add_daemons(struct visor_table *table, const struct visor_facts *facts)
{
    char text[TEXT] = "";
    int steering = 0;

    for (size_t i = 0; i < facts->daemon_count; i++) {
        append(text, "%s%s (%u)", i ? ", " : "", facts->daemons[i].name, facts->daemons[i].pid);
        steering += facts->daemons[i].steers;
    }
    if (facts->daemon_count)
        add(table, _("Time daemons"), steering > 1 ? VISOR_WARN : VISOR_PLAIN, text);
}

static void add_network(struct visor_table *table, const struct visor_facts *facts)
{
    char text[TEXT] = "";

    if (!facts->network_known)
        return;
    if (!*facts->route4 && !*facts->route6)
        append(text, "%s", _("no default route"));
    else
        append(text, _("default route by %s"), *facts->route4 ? facts->route4 : facts->route6);
    append(text, "%s", facts->nameserver_count ? _("; name servers:") : _("; no name server"));
    for (size_t i = 0; i < facts->nameserver_count; i++)
        append(text, " %s", facts->nameservers[i]);
    add(table, _("Network"),
        (*facts->route4 || *facts->route6) && facts->nameserver_count ? VISOR_PLAIN : VISOR_WARN,
        text);
}

static void add_configured(struct visor_table *table, const struct visor_facts *facts)
{
    char text[TEXT] = "";

    for (size_t i = 0; i < facts->source_count; i++)
        append(text, "%s%s", i ? ", " : "", facts->sources[i].name);
    if (facts->source_count)
        append(text, " (%s)", visor_facts_origin_name(facts->sources[0].origin));
    add(table, _("Configured"), VISOR_PLAIN,
        facts->source_count ? text : _("no time source in this machine's own files"));
}

json_t *visor_machine_json(struct visor_machine *machine)
{
    if (!machine)
        return json_null();
    visor_facts_refresh(&machine->facts, "");
    return visor_facts_json(&machine->facts);
}

void visor_machine_print(struct visor_machine *machine, FILE *out, bool colored, int width)
{
    struct visor_table *table = visor_table_new("ll");
    const struct visor_facts *facts = &machine->facts;

    if (!table)
        return;
    visor_table_widen(table, 0, VISOR_REPORT_LABEL);
    visor_table_fold(table, width);
    visor_facts_refresh(&machine->facts, "");
    visor_table_add(table, VISOR_PLAIN, "");
    visor_table_add(table, VISOR_PLAIN, "");
    add_hypervisor(table, facts);
    add_clocksource(table, facts);
    add_devices(table, "RTC", facts->rtcs, facts->rtc_count);
    add_devices(table, "PHC", facts->phcs, facts->phc_count);
    if (facts->pps_count)
        add_devices(table, "PPS", facts->pps, facts->pps_count);
    if (facts->vmclock_count)
        add_devices(table, "vmclock", facts->vmclocks, facts->vmclock_count);
    add_kernel(table, facts);
    add_daemons(table, facts);
    add_network(table, facts);
    add_configured(table, facts);
    visor_table_print(table, out, colored);
    visor_table_free(table);
}
