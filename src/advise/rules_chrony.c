/* chrony.conf: sources, their number, their kinds. What single directives do is
 * rules_chrony_more.c's, and what the language allows is the configuration parser's, whose findings
 * are TV-CHRONY-001 and -002. */
#include "advise/chrony.h"
#include "advise/groups.h"
#include "advise/service.h"
#include "config/number.h"

#include <string.h>

const struct visor_node *visor_chrony_next(const struct visor_node *node, unsigned which)
{
    for (; node; node = node->next)
        if (((which & VISOR_CHRONY_SERVERS) && strcmp(node->name, "server") == 0) ||
            ((which & VISOR_CHRONY_POOLS) && strcmp(node->name, "pool") == 0) ||
            ((which & VISOR_CHRONY_PEERS) && strcmp(node->name, "peer") == 0) ||
            ((which & VISOR_CHRONY_REFCLOCKS) && strcmp(node->name, "refclock") == 0))
            return node;
    return NULL;
}

const struct visor_node *visor_chrony_first(const struct visor_document *document, unsigned which)
{
    return visor_chrony_next(document->root->first, which);
}

bool visor_chrony_number(const char *word, double *value)
{
    return *word && visor_number_read(word, value) > 0;
}

static int number_after(const struct visor_node *node, const char *word, int otherwise)
{
    double value;

    return visor_chrony_number(visor_node_word_after(node, word), &value) ? (int)value : otherwise;
}

static bool is_selectable(const struct visor_node *source)
{
    return !visor_node_find_word(source, "noselect");
}

/* Sources that the file can give in all; a pool as many as it may use. */
static int count_sources(const struct visor_document *document)
{
    int count = 0;

    for (const struct visor_node *source = visor_chrony_first(document, VISOR_CHRONY_SOURCES);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_SOURCES))
        if (is_selectable(source))
            count += strcmp(source->name, "pool") == 0 ? number_after(source, "maxsources", 4) : 1;
    return count;
}

static void check_minsources(struct visor_check *check, bool exactly)
{
    const struct visor_node *node = visor_node_child(check->document->root, "minsources");
    int count = count_sources(check->document);
    double wanted;

    if (check->document->incomplete || !node || !visor_chrony_number(node->value, &wanted))
        return;
    if (exactly ? wanted == count && count > 1 : wanted > count)
        visor_check_found(check, node, "minsources %g, sources: %d", wanted, count);
}

static void check_minsources_beyond(struct visor_check *check)
{
    check_minsources(check, false);
}

static void check_minsources_tight(struct visor_check *check)
{
    check_minsources(check, true);
}

/* One line that is many machines (a cloud's own service), or a clock at hand. */
static bool stands_alone(const struct visor_node *source)
{
    const struct visor_service *service = visor_service_find(visor_node_word(source, 0));

    return strcmp(source->name, "refclock") == 0 || strcmp(source->name, "pool") == 0 ||
           (service && service->redundant);
}

static void check_few_sources(struct visor_check *check, int number)
{
    const struct visor_node *source = visor_chrony_first(check->document, VISOR_CHRONY_SOURCES);
    const struct visor_node *last = source;

    if (check->document->incomplete || !source || count_sources(check->document) != number)
        return;
    for (; source; source = visor_chrony_next(source->next, VISOR_CHRONY_SOURCES)) {
        if (stands_alone(source))
            return;
        last = source;
    }
    visor_check_found(check, last, "sources: %d", number);
}

static void check_one_source(struct visor_check *check)
{
    check_few_sources(check, 1);
}

static void check_two_sources(struct visor_check *check)
{
    check_few_sources(check, 2);
}

/* Peers are left out: they have their time from sources of their own, which may be the same. */
static const struct visor_node *find_smeared(const struct visor_document *document, bool smeared)
{
    const unsigned which = VISOR_CHRONY_SERVERS | VISOR_CHRONY_POOLS;

    for (const struct visor_node *source = visor_chrony_first(document, which); source;
         source = visor_chrony_next(source->next, which)) {
        const struct visor_service *service = visor_service_find(visor_node_word(source, 0));

        if (is_selectable(source) && (service && service->smeared) == smeared)
            return source;
    }
    return NULL;
}

static void check_leap_beside_smear(struct visor_check *check)
{
    const struct visor_node *smeared = find_smeared(check->document, true);
    const struct visor_node *leap = visor_node_child(check->document->root, "leapsectz");

    if (!leap)
        leap = visor_node_child(check->document->root, "leapseclist");
    if (smeared && leap)
        visor_finding_edit(visor_check_found(check, leap, "%s %s; %s %s", leap->name, leap->value,
                                             smeared->name, visor_node_word(smeared, 0)),
                           VISOR_EDIT_DELETE, "%s", "");
}

static void check_mixed_smear(struct visor_check *check)
{
    const struct visor_node *smeared = find_smeared(check->document, true);
    const struct visor_node *plain = find_smeared(check->document, false);

    if (smeared && plain)
        visor_check_found(check, plain, "%s; %s", visor_node_word(smeared, 0),
                          visor_node_word(plain, 0));
}

static void check_leap_zone(struct visor_check *check)
{
    const struct visor_node *leap = visor_node_child(check->document->root, "leapsectz");

    if (leap && *leap->value && !visor_begins(leap->value, "right/"))
        visor_finding_edit(visor_check_found(check, leap, "leapsectz %s", leap->value),
                           VISOR_EDIT_REPLACE, "leapsectz right/UTC");
}

static void check_iburst(struct visor_check *check)
{
    const unsigned which = VISOR_CHRONY_SERVERS | VISOR_CHRONY_POOLS;

    for (const struct visor_node *source = visor_chrony_first(check->document, which); source;
         source = visor_chrony_next(source->next, which))
        if (!visor_node_find_word(source, "iburst") && !visor_node_find_word(source, "offline"))
            visor_finding_edit(
                visor_check_found(check, source, "%s %s", source->name, source->value),
                VISOR_EDIT_REPLACE, "%s %s iburst", source->name, source->value);
}

static void check_fast_poll_of_pool(struct visor_check *check)
{
    const unsigned which = VISOR_CHRONY_SERVERS | VISOR_CHRONY_POOLS;

    for (const struct visor_node *source = visor_chrony_first(check->document, which); source;
         source = visor_chrony_next(source->next, which)) {
        const struct visor_service *service = visor_service_find(visor_node_word(source, 0));
        int most = number_after(source, "maxpoll", 10), least = number_after(source, "minpoll", 6);

        if (service && service->pool && (most < 6 || least < 4))
            visor_check_found(check, source, "%s %s", source->name, source->value);
    }
}

static void check_server_of_pool(struct visor_check *check)
{
    for (const struct visor_node *source =
             visor_chrony_first(check->document, VISOR_CHRONY_SERVERS);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_SERVERS)) {
        const struct visor_service *service = visor_service_find(visor_node_word(source, 0));

        if (service && service->pool)
            visor_finding_edit(visor_check_found(check, source, "server %s", source->value),
                               VISOR_EDIT_REPLACE, "pool %s", source->value);
    }
}

/* (Of the first, which are more than chronyd takes: each is compared with each.) */
static void check_twice(struct visor_check *check)
{
    int left = 1000;

    for (const struct visor_node *source = visor_chrony_first(check->document, VISOR_CHRONY_NTP);
         source && left-- > 0; source = visor_chrony_next(source->next, VISOR_CHRONY_NTP))
        for (const struct visor_node *other = visor_chrony_first(check->document, VISOR_CHRONY_NTP);
             other != source; other = visor_chrony_next(other->next, VISOR_CHRONY_NTP))
            if (visor_same(visor_node_word(source, 0), visor_node_word(other, 0)) &&
                visor_same(visor_node_word_after(source, "port"),
                           visor_node_word_after(other, "port"))) {
                visor_check_found(check, source, "%s: line %u, too", visor_node_word(source, 0),
                                  other->line);
                break;
            }
}

static void check_clouds(struct visor_check *check)
{
    const struct visor_service *first = NULL;

    for (const struct visor_node *source = visor_chrony_first(check->document, VISOR_CHRONY_NTP);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_NTP)) {
        const struct visor_service *service = visor_service_find(visor_node_word(source, 0));

        if (!service || service->cloud == VISOR_CLOUD_NONE)
            continue;
        if (first && first->cloud != service->cloud) {
            visor_check_found(check, source, "%s: %s; %s: %s", visor_facts_cloud_name(first->cloud),
                              first->name, visor_facts_cloud_name(service->cloud), service->name);
            return;
        }
        first = service;
    }
}

static void check_link_local_poll(struct visor_check *check)
{
    for (const struct visor_node *source =
             visor_chrony_first(check->document, VISOR_CHRONY_SERVERS);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_SERVERS)) {
        const char *name = visor_node_word(source, 0);

        if ((visor_same(name, "169.254.169.123") || visor_same(name, "fd00:ec2::123")) &&
            number_after(source, "maxpoll", 10) > 6)
            visor_finding_edit(visor_check_found(check, source, "server %s", source->value),
                               VISOR_EDIT_REPLACE, "server %s minpoll 4 maxpoll 4", source->value);
    }
}

static bool is_authenticated(const struct visor_node *source)
{
    return strcmp(source->name, "refclock") == 0 || visor_node_find_word(source, "nts") ||
           visor_node_find_word(source, "key");
}

static void check_authentication(struct visor_check *check)
{
    const struct visor_node *mode = visor_node_child(check->document->root, "authselectmode");
    const struct visor_node *plain = NULL;
    int authenticated = 0, with_key = 0, all = 0;

    for (const struct visor_node *source =
             visor_chrony_first(check->document, VISOR_CHRONY_SOURCES);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_SOURCES)) {
        if (!is_selectable(source)) /* only watched */
            continue;
        all++;
        with_key += visor_node_find_word(source, "nts") || visor_node_find_word(source, "key");
        if (is_authenticated(source))
            authenticated++;
        else if (!plain)
            plain = source;
    }
    if (!all || check->document->incomplete)
        return;
    if (strcmp(check->rule->id, "TV-CHRONY-017") == 0) {
        if (mode && visor_same(mode->value, "require") && authenticated == 0)
            visor_check_found(check, mode, "authselectmode require; with key or nts: 0 of %d", all);
    } else if (strcmp(check->rule->id, "TV-CHRONY-018") == 0) {
        if (mode && visor_same(mode->value, "require") && authenticated > 0 && plain)
            visor_check_found(check, plain, "%s %s", plain->name, plain->value);
    } else if (mode && visor_same(mode->value, "ignore") && with_key > 0 && plain) {
        /* (By default the authenticated ones must agree.) */
        visor_check_found(check, plain, "%s %s; with key or nts: %d of %d", plain->name,
                          plain->value, with_key, all);
    }
}

static void check_phc_number(struct visor_check *check)
{
    for (const struct visor_node *source =
             visor_chrony_first(check->document, VISOR_CHRONY_REFCLOCKS);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_REFCLOCKS)) {
        const char *device = visor_node_word(source, 1);

        if (visor_same(visor_node_word(source, 0), "PHC") && visor_begins(device, "/dev/ptp") &&
            device[8] >= '0' && device[8] <= '9')
            visor_check_found(check, source, "refclock PHC %s", device);
    }
}

static void check_phc_stratum(struct visor_check *check)
{
    for (const struct visor_node *source =
             visor_chrony_first(check->document, VISOR_CHRONY_REFCLOCKS);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_REFCLOCKS))
        if (visor_begins(visor_node_word(source, 1), "/dev/ptp_hyperv") &&
            !visor_node_find_word(source, "stratum"))
            visor_finding_edit(visor_check_found(check, source, "refclock %s", source->value),
                               VISOR_EDIT_REPLACE, "refclock %s stratum 2", source->value);
}

/* RFC 2606, 5737 and 3849 */
static bool is_reserved(const char *name)
{
    static const char *const domains[] = {"example.com", "example.net", "example.org", "example"};
    static const char *const networks[] = {"203.0.113.", "198.51.100.", "192.0.2.", "2001:db8:"};

    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        size_t length = strlen(name), tail = strlen(domains[i]);

        if (visor_ends(name, domains[i]) && (length == tail || name[length - tail - 1] == '.'))
            return true;
    }
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
        if (visor_begins(name, networks[i]))
            return true;
    return false;
}

static void check_placeholder(struct visor_check *check)
{
    for (const struct visor_node *source = visor_chrony_first(check->document, VISOR_CHRONY_NTP);
         source; source = visor_chrony_next(source->next, VISOR_CHRONY_NTP)) {
        const char *name = visor_node_word(source, 0);

        if (is_reserved(name))
            visor_check_found(check, source, "%s", name);
    }
}

#define MAN "chrony.conf(5)"

static const struct visor_rule rules[] = {
    {
        .id = "TV-CHRONY-001",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("chronyd does not start with this line"),
        .why =
            N_("One line that it cannot read is enough: after the next restart no daemon keeps the "
               "time, and nobody notices before the clock has drifted."),
        .fix = "chronyd -p -f /etc/chrony/chrony.conf",
        .source = MAN,
    },
    {
        .id = "TV-CHRONY-002",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("This line is accepted, but does not do what it says"),
        .why = N_("Whoever reads the file believes in a setting that is not in force."),
        .fix = "timevisor config check FILE",
        .source = MAN,
    },
    {
        .id = "TV-CHRONY-003",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("minsources asks for more sources than the file has"),
        .why = N_(
            "The clock is never updated: chronyd waits for a number of sources that cannot come, "
            "while every one that is there may be good."),
        .fix = "-minsources 2\n+minsources 1\n or name more sources (three or more)",
        .source = MAN ", minsources",
        .check = check_minsources_beyond,
    },
    {
        .id = "TV-CHRONY-004",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("minsources asks for every source that there is"),
        .why = N_("As soon as one of them is silent, the clock is not updated any more: what was "
                  "meant to "
                  "make it safer makes every source a single point of failure."),
        .fix = "+server ANOTHER iburst\n minsources N at most the number of sources less one",
        .source = MAN ", minsources",
        .check = check_minsources_tight,
    },
    {
        .id = "TV-CHRONY-005",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("There is one source only"),
        .why = N_("If it is wrong, so is this clock, and nothing shows it; if it is silent, the "
                  "clock runs "
                  "free."),
        .fix = "+server SECOND iburst\n+server THIRD iburst\n+server FOURTH iburst",
        .source = "RFC 8633, 3.2: four sources or more",
        .check = check_one_source,
    },
    {
        .id = "TV-CHRONY-006",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("There are two sources: when they differ, nobody can tell which is right"),
        .why = N_("Without a majority chronyd follows neither, or the wrong one."),
        .fix = "+server THIRD iburst\n+server FOURTH iburst",
        .source = "RFC 8633, 3.2: four sources or more",
        .check = check_two_sources,
    },
    {
        .id = "TV-CHRONY-007",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("Leap seconds are inserted here, while a source smears them"),
        .why = N_(
            "The source spreads the leap second over many hours and this clock adds it once more: "
            "they differ by up to a second around it, and the source is called false."),
        .fix = "-leapsectz right/UTC",
        .source =
            "AWS, Amazon Time Sync Service; Google Public NTP, Leap Smear: smeared sources need no "
            "leap second on the client",
        .check = check_leap_beside_smear,
    },
    {
        .id = "TV-CHRONY-008",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("Sources that smear leap seconds are mixed with sources that do not"),
        .why =
            N_("For a day around a leap second they contradict each other by up to half a second; "
               "which side wins is chance."),
        .fix = "-server OTHER iburst\n+pool time.aws.com iburst\n or only sources that smear in "
               "the same way",
        .source = "Google Public NTP, Configuring Clients: do not mix smeared and other servers",
        .check = check_mixed_smear,
    },
    {
        .id = "TV-CHRONY-009",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("leapsectz names a time zone that has no leap seconds"),
        .why = N_(
            "Only the zones below right/ carry them; without them chronyd learns of no leap second "
            "and of no TAI offset."),
        .fix = "-leapsectz Etc/UTC\n+leapsectz right/UTC\n or, from chrony 4.6 on: leapseclist "
               "/usr/share/zoneinfo/leap-seconds.list",
        .source = MAN ", leapsectz",
        .check = check_leap_zone,
    },
    {
        .id = "TV-CHRONY-010",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("Without iburst the first synchronisation takes minutes"),
        .why = N_("A source is then asked once a minute at first; with iburst the clock is set "
                  "after 2 to "
                  "6 s, also after each time that the source was unreachable."),
        .fix = "-server HOST\n+server HOST iburst",
        .source =
            MAN ", iburst; measured: 131 s to below 1 ms at the default poll, 2.5 s with iburst at "
                "minpoll 2",
        .check = check_iburst,
    },
    {
        .id = "TV-CHRONY-011",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("Volunteers' servers (pool.ntp.org) are asked more often than they allow"),
        .why = N_(
            "They answer with a kiss of death, then not at all, and the whole network behind this "
            "address may be shut out."),
        .fix = "-pool 2.pool.ntp.org iburst minpoll 0 maxpoll 2\n+pool 2.pool.ntp.org iburst",
        .source = "NTP Pool Project, terms of use; RFC 8633, 3.3",
        .check = check_fast_poll_of_pool,
    },
    {
        .id = "TV-CHRONY-012",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("A name of the pool is used with server: one address of many, for ever"),
        .why = N_("When that volunteer's server dies or goes wrong, it is not replaced; with pool "
                  "it is."),
        .fix = "-server 0.pool.ntp.org iburst\n+pool 0.pool.ntp.org iburst",
        .source = MAN ", pool",
        .check = check_server_of_pool,
    },
    {
        .id = "TV-CHRONY-013",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("A source is named twice"),
        .why = N_(
            "It looks like two witnesses and is one: chronyd refuses the second, or a false server "
            "votes twice."),
        .fix = "-server HOST iburst",
        .source = "chronyd: two sources with one address are refused",
        .check = check_twice,
    },
    {
        .id = "TV-CHRONY-014",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_ORANGE,
        .what = N_("Sources of two clouds are named that can each be reached only from inside"),
        .why = N_(
            "One of the two never answers; it counts for minsources and in every alarm, and hides "
            "that there is less redundancy than there seems to be."),
        .fix = "a file for each cloud: timevisor generate aws, timevisor generate alibaba",
        .source = "the clouds' documents of their own time services",
        .check = check_clouds,
    },
    {
        .id = "TV-CHRONY-015",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("The cloud's own time service next door is asked rarely"),
        .why =
            N_("It costs nothing and is near: at 16 s a pause or a migration is noticed soon, at "
               "1024 s after a quarter of an hour."),
        .fix = "-server 169.254.169.123 prefer iburst\n+server 169.254.169.123 prefer iburst "
               "minpoll 4 "
               "maxpoll 4",
        .source = "AWS, Set the time reference on your EC2 instance: minpoll 4 maxpoll 4",
        .check = check_link_local_poll,
    },
    {
        .id = "TV-CHRONY-016",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_("Authenticated and open sources are mixed, and both are believed"),
        .why = N_(
            "Whoever can forge answers of the open ones can outvote the others; their signatures "
            "then protect nothing."),
        .fix = "-authselectmode ignore\n+authselectmode mix\n or: authselectmode require",
        .source = MAN ", authselectmode",
        .check = check_authentication,
    },
    {
        .id = "TV-CHRONY-017",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("Only authenticated sources are accepted, and none is authenticated"),
        .why = N_("No source can be selected; the clock is never updated."),
        .fix = "-server HOST iburst\n+server HOST iburst nts",
        .source = MAN ", authselectmode",
        .check = check_authentication,
    },
    {
        .id = "TV-CHRONY-018",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what =
            N_("A source without key or nts can never be selected under authselectmode require"),
        .why = N_("It is asked and never used; in every list it looks like redundancy that is not "
                  "there."),
        .fix = "-server HOST iburst\n+server HOST iburst nts",
        .source = MAN ", authselectmode",
        .check = check_authentication,
    },
    {
        .id = "TV-CHRONY-019",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_YELLOW,
        .what = N_(
            "A hardware clock is named by its number, which another one may have after a restart"),
        .why = N_("Numbers are given in the order in which drivers come up: one day /dev/ptp0 is a "
                  "network "
                  "card's free-running clock."),
        .fix = "-refclock PHC /dev/ptp0 poll 2\n+refclock PHC /dev/ptp_kvm poll 2\n"
               " grep . /sys/class/ptp/ptp*/clock_name",
        .source =
            "systemd, 50-udev-default.rules: ptp_kvm, ptp_hyperv; Azure, Time sync for Linux VMs",
        .check = check_phc_number,
    },
    {
        .id = "TV-CHRONY-020",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_NOTE,
        .what = N_("The Hyper-V clock is offered as if it were a primary reference (no stratum)"),
        .why = N_("It is the host's clock, at best of stratum 1; machines that ask this one "
                  "believe it to "
                  "be better than it is."),
        .fix = "-refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0\n"
               "+refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2",
        .source = "Microsoft, Time sync for Linux VMs in Azure",
        .check = check_phc_stratum,
    },
    {
        .id = "TV-CHRONY-021",
        .kinds = VISOR_KIND_CHRONY,
        .severity = VISOR_RED,
        .what = N_("A source is an example from the documentation and does not exist"),
        .why = N_("These names and addresses are reserved; nobody answers there."),
        .fix = "-server ntp.example.com iburst\n+server YOUR-SERVER iburst",
        .source = "RFC 2606, RFC 5737",
        .check = check_placeholder,
    },
};

const struct visor_rules visor_rules_chrony = VISOR_RULES(rules);
