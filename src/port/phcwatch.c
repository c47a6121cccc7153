/* Reading is refclock_phc.c's. */
#include "port/phcwatch.h"

#include "port/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CLASS       "/sys/class/ptp"
#define EVERY_NS    (VISOR_NS_PER_S / 4)
#define EARLY_NS    (VISOR_NS_PER_S / 20) /* a wake-up of others that is nearly due serves, too */
#define FAILING_MAX (64 * VISOR_NS_PER_S)

bool visor_phcwatch_is_virtual(const char *name)
{
    return strcmp(name, "KVM virtual PTP") == 0 || strcmp(name, "hyperv") == 0 ||
           strcmp(name, "ptp_vmw") == 0 || strncmp(name, "vmclock", 7) == 0;
}

static bool find(struct visor_phcwatch *watch, const char *root, bool any)
{
    struct visor_tree_name names[16];
    size_t count = visor_tree_list(root, CLASS, "ptp*", names, 16, NULL);

    for (size_t i = 0; i < count; i++) {
        char path[VISOR_TREE_PATH_MAX];

        snprintf(path, sizeof(path), CLASS "/%s/clock_name", names[i].text);
        if (!visor_tree_line(root, path, watch->name, sizeof(watch->name)) ||
            (!any && !visor_phcwatch_is_virtual(watch->name)))
            continue;
        snprintf(watch->config.parameter, sizeof(watch->config.parameter), "/dev/%s",
                 names[i].text);
        return true;
    }
    watch->name[0] = 0;
    return false;
}

void visor_phcwatch_init(struct visor_phcwatch *watch, const char *root, bool any)
{
    *watch = (struct visor_phcwatch){
        .config = {.driver = VISOR_REFCLOCK_PHC}, .next = {INT64_MAX}, .every_ns = EVERY_NS};
    watch->read.ns = INT64_MIN;
    if (root && find(watch, root, any) &&
        visor_refclock_device_init(&watch->device, &watch->config, 0, NULL, 0))
        watch->next.ns = 0;
}

void visor_phcwatch_done(struct visor_phcwatch *watch)
{
    if (watch->name[0])
        visor_refclock_device_done(&watch->device);
    watch->name[0] = 0;
    watch->next.ns = INT64_MAX;
}

visor_mono visor_phcwatch_deadline(const struct visor_phcwatch *watch)
{
    return watch->next;
}

static bool is_due(const struct visor_phcwatch *watch, visor_mono now)
{
    return watch->next.ns != INT64_MAX &&
           !visor_mono_before(visor_mono_add(now, EARLY_NS), watch->next);
}

bool visor_phcwatch_look(struct visor_phcwatch *watch, visor_mono now, struct visor_stamps *stamps,
                         struct visor_event_witness *witness)
{
    struct visor_event_refclock event;
    int64_t error_ns;

    if (!is_due(watch, now))
        return false;
    visor_refclock_device_measure(&watch->device, stamps, &event);
    watch->read = now;
    watch->error = event.kind == VISOR_REFCLOCK_TIME     ? 0
                   : event.kind == VISOR_REFCLOCK_FAILED ? event.error
                                                         : EBADMSG;
    watch->every_ns = !watch->error ? EVERY_NS : 2 * watch->every_ns;
    if (watch->every_ns > FAILING_MAX)
        watch->every_ns = FAILING_MAX;
    watch->next = visor_mono_add(now, watch->every_ns);
    if (watch->error)
        return false;
    error_ns = event.stamp.error_ns + visor_ns_from_seconds(event.dispersion_s);
    *witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_PHC,
        .stamp = event.stamp,
        .earliest = visor_wall_add(event.reference, -error_ns),
        .latest = visor_wall_add(event.reference, error_ns),
        .independent = true,
    };
    return true;
}
