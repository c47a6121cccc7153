/* chrony.conf: how the clock is corrected, kept and served. */
#include "advise/chrony.h"
#include "advise/groups.h"
#include "config/number.h"

#include <string.h>

#define MAN "chrony.conf(5)"

static const struct visor_node *find(const struct visor_check *check, const char *name)
{
    return visor_node_child(check->document->root, name);
}

/* Does this file stand for a whole configuration of a client? */
static bool is_whole(const struct visor_check *check)
{
    return !check->document->incomplete &&
           visor_chrony_first(check->document, VISOR_CHRONY_SOURCES);
}

static void check_no_step(struct visor_check *check)
{
    if (is_whole(check) && !find(check, "makestep") && !find(check, "initstepslew"))
        visor_finding_edit(visor_check_found(check, NULL, "makestep: none"), VISOR_EDIT_APPEND,
                           "makestep 1.0 3");
}

static void check_limited_step(struct visor_check *check)
{
    const struct visor_node *node = find(check, "makestep");
    double limit;

    if (node && visor_chrony_number(visor_node_word(node, 1), &limit) && limit > 0.0)
        visor_finding_edit(visor_check_found(check, node, "makestep %s", node->value),
                           VISOR_EDIT_REPLACE, "makestep %s -1", visor_node_word(node, 0));
}

static void check_tiny_step(struct visor_check *check)
{
    const struct visor_node *node = find(check, "makestep");
    double threshold, limit;

    if (node && visor_chrony_number(visor_node_word(node, 0), &threshold) &&
        visor_chrony_number(visor_node_word(node, 1), &limit) && threshold < 0.01 && limit < 0.0)
        visor_check_found(check, node, "makestep %s", node->value);
}

static void check_initstepslew(struct visor_check *check)
{
    const struct visor_node *node = find(check, "initstepslew");

    if (node)
        visor_finding_edit(visor_check_found(check, node, "initstepslew %s", node->value),
                           VISOR_EDIT_REPLACE, "makestep %s 3",
                           *visor_node_word(node, 0) ? visor_node_word(node, 0) : "1.0");
}

static void check_driftfile(struct visor_check *check)
{
    if (is_whole(check) && !find(check, "driftfile"))
        visor_finding_edit(visor_check_found(check, NULL, "driftfile: none"), VISOR_EDIT_APPEND,
                           "driftfile /var/lib/chrony/chrony.drift");
}

static void check_rtc(struct visor_check *check)
{
    if (is_whole(check) && !find(check, "rtcsync") && !find(check, "rtcfile"))
        visor_finding_edit(visor_check_found(check, NULL, "rtcsync: none"), VISOR_EDIT_APPEND,
                           "rtcsync");
}

static void check_maxchange(struct visor_check *check)
{
    const struct visor_node *node = find(check, "maxchange");
    double ignored;

    if (node && visor_chrony_number(visor_node_word(node, 2), &ignored) && ignored >= 0.0)
        visor_check_found(check, node, "maxchange %s", node->value);
}

static void check_local_stratum(struct visor_check *check)
{
    const struct visor_node *node = find(check, "local");
    double stratum;

    if (node && visor_chrony_number(visor_node_word_after(node, "stratum"), &stratum) &&
        stratum < 8.0 && visor_chrony_first(check->document, VISOR_CHRONY_SOURCES))
        visor_finding_edit(visor_check_found(check, node, "local %s", node->value),
                           VISOR_EDIT_REPLACE, "local stratum 10 orphan");
}

static void check_local_alone(struct visor_check *check)
{
    const struct visor_node *node = find(check, "local");

    if (node && !check->document->incomplete && find(check, "allow") && !find(check, "manual") &&
        !visor_chrony_first(check->document, VISOR_CHRONY_SOURCES))
        visor_check_found(check, node, "local %s; sources: 0", node->value);
}

static bool is_everybody(const struct visor_node *node)
{
    const char *subnet = visor_node_word(node, visor_same(visor_node_word(node, 0), "all") ? 1 : 0);

    return !*subnet || strcmp(subnet, "0/0") == 0 || strcmp(subnet, "0.0.0.0/0") == 0 ||
           strcmp(subnet, "::/0") == 0;
}

static bool is_loopback(const char *address)
{
    return visor_begins(address, "127.") || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

static bool is_private(const char *address)
{
    int64_t second;

    if (visor_begins(address, "172.") && visor_number_read_whole(address + 4, &second) > 0)
        return second >= 16 && second < 32;
    return is_loopback(address) || visor_begins(address, "10.") ||
           visor_begins(address, "192.168.") || visor_begins(address, "169.254.") ||
           ((visor_begins(address, "fc") || visor_begins(address, "fd") ||
             visor_begins(address, "fe80")) &&
            visor_contains(address, ":"));
}

/* Is the directive there, and do all of its lines say such addresses? */
static bool all_are(const struct visor_node *node, bool (*is)(const char *address))
{
    bool all = node;

    for (; node; node = visor_node_again(node))
        all = all && is(visor_node_word(node, 0));
    return all;
}

static void check_open_server(struct visor_check *check)
{
    const struct visor_node *limit = find(check, "ratelimit");

    if (all_are(find(check, "bindaddress"), is_private))
        return;
    for (const struct visor_node *node = find(check, "allow"); node; node = visor_node_again(node))
        if (is_everybody(node) && !limit)
            visor_check_found(check, node, "allow %s; ratelimit: none", node->value);
}

static void check_deny_all_last(struct visor_check *check)
{
    const struct visor_node *allowed = NULL;

    for (const struct visor_node *node = check->document->root->first; node; node = node->next) {
        if (strcmp(node->name, "allow") == 0)
            allowed = node;
        else if (strcmp(node->name, "deny") == 0 && allowed &&
                 visor_same(visor_node_word(node, 0), "all") && is_everybody(node))
            visor_check_found(check, node, "allow %s (line %u); deny %s", allowed->value,
                              allowed->line, node->value);
    }
}

/* Commands are taken from the loopback only, unless bindcmdaddress says otherwise. */
static void check_open_monitoring(struct visor_check *check)
{
    const struct visor_node *address = find(check, "bindcmdaddress");

    while (address && (address->value[0] == '/' || is_loopback(address->value)))
        address = visor_node_again(address);
    if (!address && !check->document->incomplete)
        return;
    for (const struct visor_node *node = find(check, "cmdallow"); node;
         node = visor_node_again(node))
        if (is_everybody(node))
            visor_check_found(check, node, "cmdallow %s", node->value);
}

static void check_noclientlog(struct visor_check *check)
{
    const struct visor_node *node = find(check, "noclientlog");

    if (node && find(check, "allow"))
        visor_check_found(check, node, "noclientlog");
}

static void check_served_nowhere(struct visor_check *check)
{
    const struct visor_node *port = find(check, "port"), *bind = find(check, "bindaddress");
    const struct visor_node *allow = find(check, "allow");

    while (allow && is_loopback(allow->value))
        allow = visor_node_again(allow);
    if (!allow)
        return;
    if (port && strcmp(port->value, "0") == 0)
        visor_check_found(check, port, "port 0; allow %s", allow->value);
    else if (all_are(bind, is_loopback))
        visor_check_found(check, bind, "bindaddress %s; allow %s", bind->value, allow->value);
}

static void check_slew_rate(struct visor_check *check)
{
    const struct visor_node *node = find(check, "maxslewrate");
    double rate;

    if (node && visor_chrony_number(node->value, &rate) && rate < 100.0)
        visor_check_found(check, node, "maxslewrate %s", node->value);
}

static void check_distance(struct visor_check *check)
{
    const struct visor_node *node = find(check, "maxdistance");
    double distance;

    if (node && visor_chrony_number(node->value, &distance) && distance > 3.0)
        visor_check_found(check, node, "maxdistance %s", node->value);
}

static void check_tai(struct visor_check *check)
{
    const struct visor_node *zone = find(check, "leapsectz");

    for (const struct visor_node *clock =
             visor_chrony_first(check->document, VISOR_CHRONY_REFCLOCKS);
         clock; clock = visor_chrony_next(clock->next, VISOR_CHRONY_REFCLOCKS))
        if (visor_node_find_word(clock, "tai") && !zone && !find(check, "leapseclist"))
            visor_check_found(check, clock, "refclock %s", clock->value);
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-CHRONY-030",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("The clock is never stepped, not even at the start"),
        .why = N_(
            "A clock that is an hour wrong when the machine starts is slewed for half a day; until "
            "then certificates, tokens and logs are wrong."),
        .fix = "+makestep 1.0 3",
        .source = MAN ", makestep; measured: 100 s take 1,330 s at the greatest slew rate",
        .check = check_no_step,
    },
    {
        .id = "TV-CHRONY-031",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_(
            "Only the first updates may step: in a virtual machine that is paused, later gaps are "
            "slewed"),
        .why = N_(
            "After a pause of 60 s the clock was wrong for 20 minutes with makestep 1.0 3, for 90 "
            "s "
            "with makestep 1.0 -1 at a poll of 16 s. On a machine that nobody pauses the limit is "
            "right."),
        .fix = "-makestep 1.0 3\n+makestep 1.0 -1",
        .source =
            "measured with chrony 4.8: 1,222 s against 94 s; Microsoft, Time sync for Linux VMs in "
            "Azure: makestep 1.0 -1",
        .check = check_limited_step,
    },
    {
        .id = "TV-CHRONY-032",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("Every small error is stepped, at any time"),
        .why =
            N_("Time then jumps back and forth with the network's noise; programs that measure or "
               "order by it see time go backward."),
        .fix = "-makestep 0.001 -1\n+makestep 1.0 -1",
        .source = MAN ", makestep",
        .check = check_tiny_step,
    },
    {
        .id = "TV-CHRONY-033",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("initstepslew delays the start and does nothing that makestep does not"),
        .why =
            N_("It asks its servers once, without NTS or keys' selection, before everything else "
               "starts; chrony's manual calls it deprecated."),
        .fix = "-initstepslew 30 HOST\n+makestep 1.0 3",
        .source = MAN ", initstepslew",
        .check = check_initstepslew,
    },
    {
        .id = "TV-CHRONY-034",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("The clock's frequency is not kept across restarts (no driftfile)"),
        .why = N_("After each start it is learnt anew, which takes minutes to hours; until then "
                  "the clock "
                  "runs off by tens of microseconds each second."),
        .fix = "+driftfile /var/lib/chrony/chrony.drift",
        .source = MAN ", driftfile",
        .check = check_driftfile,
    },
    {
        .id = "TV-CHRONY-035",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("The real-time clock is not kept right (neither rtcsync nor rtcfile)"),
        .why = N_(
            "A machine that starts without network begins with whatever its battery clock says. In "
            "a virtual machine the host keeps it."),
        .fix = "+rtcsync",
        .source = MAN ", rtcsync",
        .check = check_rtc,
    },
    {
        .id = "TV-CHRONY-036",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("After a large correction the daemon ends itself (maxchange)"),
        .why =
            N_("A virtual machine that was paused longer than that comes back, and its time daemon "
               "exits: from then on nothing keeps the time."),
        .fix = "-maxchange 1000 1 1\n+makestep 1.0 -1",
        .source = MAN ", maxchange",
        .check = check_maxchange,
    },
    {
        .id = "TV-CHRONY-037",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("The local clock is served at a stratum that can win over real servers"),
        .why = N_("When this machine loses its sources, its clients go on to believe it rather "
                  "than a good "
                  "server of a higher stratum, while it drifts."),
        .fix = "-local stratum 5\n+local stratum 10 orphan",
        .source = MAN ", local: a high value",
        .check = check_local_stratum,
    },
    {
        .id = "TV-CHRONY-038",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("A clock that nothing disciplines is served as the time"),
        .why = N_(
            "Clients agree with each other and with nothing else; the error grows by seconds each "
            "day. In an isolated network it must at least be set by hand (manual) or by a "
            "receiver."),
        .fix = "+refclock SHM 0 refid GPS\n or: +manual, and chronyc settime",
        .source = MAN ", local, manual",
        .check = check_local_alone,
    },
    {
        .id = "TV-CHRONY-039",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("Time is served to the whole world, without a limit of rate"),
        .why = N_(
            "One client, or one forged address, can take as many answers as the machine can give, "
            "at others' expense."),
        .fix = "-allow\n+allow 192.0.2.0/24\n or: +ratelimit interval 1 burst 16",
        .source = MAN ", allow, ratelimit; RFC 8633, 5.2",
        .check = check_open_server,
    },
    {
        .id = "TV-CHRONY-040",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("deny all behind allow takes back what was allowed"),
        .why = N_(
            "all overrides every narrower line before it: no client is served. Without any allow "
            "nobody is, and deny all is not needed."),
        .fix = "-allow 192.168.1.0/24\n deny all\n+allow 192.168.1.0/24",
        .source = MAN ", allow: all",
        .check = check_deny_all_last,
    },
    {
        .id = "TV-CHRONY-041",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("The daemon's state can be asked for from everywhere (cmdallow)"),
        .why = N_(
            "It names sources, clients and how wrong the clock is, and its answers can be aimed at "
            "others."),
        .fix = "-cmdallow all\n+cmdallow 192.0.2.10",
        .source = MAN ", cmdallow",
        .check = check_open_monitoring,
    },
    {
        .id = "TV-CHRONY-042",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("noclientlog protects nothing, and takes away three things"),
        .why = N_("Without a record of clients there is no rate limit, no interleaved mode for "
                  "them and no "
                  "chronyc clients to see who asks."),
        .fix = "-noclientlog",
        .source = MAN ", noclientlog",
        .check = check_noclientlog,
    },
    {
        .id = "TV-CHRONY-043",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("Clients are allowed, but the server listens where none can reach it"),
        .why = N_("Every request from the network is refused; guests that point to this host stay "
                  "unsynchronized."),
        .fix = "-bindaddress 127.0.0.1\n-port 0",
        .source = MAN ", bindaddress, port",
        .check = check_served_nowhere,
    },
    {
        .id = "TV-CHRONY-044",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("The clock may be slewed so slowly only that it cannot catch up"),
        .why = N_(
            "At 100 ppm one second takes nearly three hours; a migrated machine stays behind all "
            "that time."),
        .fix = "-maxslewrate 50\n+maxslewrate 1000",
        .source = MAN ", maxslewrate: 83333 ppm by default",
        .check = check_slew_rate,
    },
    {
        .id = "TV-CHRONY-045",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("Sources are accepted that may be wrong by more than three seconds"),
        .why = N_("A server that has lost its own sources for hours is then still followed."),
        .fix = "-maxdistance 16\n+maxdistance 3",
        .source = MAN ", maxdistance: 3 s by default",
        .check = check_distance,
    },
    {
        .id = "TV-CHRONY-046",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("A reference clock keeps TAI, and nothing here tells its difference from UTC"),
        .why =
            N_("Without leapseclist or leapsectz the clock would be 37 s ahead; chronyd does not "
               "start."),
        .fix = "+leapseclist /usr/share/zoneinfo/leap-seconds.list",
        .source = MAN ", refclock: tai",
        .check = check_tai,
    },
};

const struct visor_rules visor_rules_chrony_more = VISOR_RULES(rules);
