/* ntp.conf of ntpd and NTPsec, and systemd's timesyncd.conf. */
#include "advise/groups.h"
#include "advise/service.h"
#include "advise/span.h"
#include "config/number.h"

#include <string.h>

#define NTP        VISOR_KIND_NTP
#define NTP_MAN    "ntp.conf(5)"
#define TIMESYNCD  VISOR_KIND_TIMESYNCD
#define LOCAL_NAME "127.127.1."

static const struct visor_node *find(const struct visor_check *check, const char *name)
{
    return visor_node_child(check->document->root, name);
}

static bool is_source(const struct visor_node *node)
{
    return strcmp(node->name, "server") == 0 || strcmp(node->name, "pool") == 0 ||
           strcmp(node->name, "peer") == 0 || strcmp(node->name, "refclock") == 0;
}

static const struct visor_node *next_source(const struct visor_check *check,
                                            const struct visor_node *node)
{
    node = node ? node->next : check->document->root->first;
    while (node && !is_source(node))
        node = node->next;
    return node;
}

/* The address behind "-4" and "-6". */
static const char *address_of(const struct visor_node *source)
{
    const char *word = visor_node_word(source, 0);

    return strcmp(word, "-4") == 0 || strcmp(word, "-6") == 0 ? visor_node_word(source, 1) : word;
}

/* ntpd names its drivers by addresses, NTPsec by words. */
static bool is_clock(const struct visor_node *source)
{
    return strcmp(source->name, "refclock") == 0 || visor_begins(address_of(source), "127.127.");
}

static bool is_local_clock(const struct visor_node *source)
{
    return strcmp(source->name, "refclock") == 0 ? visor_same(address_of(source), "local")
                                                 : visor_begins(address_of(source), LOCAL_NAME);
}

/* As written with `fudge` or, NTPsec, in the line; 5 is the driver's default. `where`: the line. */
static int local_stratum(const struct visor_check *check, const struct visor_node *source,
                         const struct visor_node **where)
{
    int64_t stratum;

    *where = source;
    if (visor_number_read_whole(visor_node_word_after(source, "stratum"), &stratum) > 0)
        return (int)stratum;
    for (const struct visor_node *node = find(check, "fudge"); node; node = visor_node_again(node))
        if (strcmp(visor_node_word(node, 0), address_of(source)) == 0 &&
            visor_number_read_whole(visor_node_word_after(node, "stratum"), &stratum) > 0) {
            *where = node;
            return (int)stratum;
        }
    return 5;
}

static void check_local_clock(struct visor_check *check)
{
    const struct visor_node *where;

    for (const struct visor_node *source = NULL; (source = next_source(check, source));)
        if (is_local_clock(source))
            visor_check_found(check, source, "%s %s; stratum %d", source->name, source->value,
                              local_stratum(check, source, &where));
}

static void check_local_stratum(struct visor_check *check)
{
    for (const struct visor_node *source = NULL; (source = next_source(check, source));) {
        const struct visor_node *where;
        int stratum = is_local_clock(source) ? local_stratum(check, source, &where) : 16;

        if (stratum < 10)
            visor_check_found(check, where, "stratum %d", stratum);
    }
}

static int count_sources(const struct visor_check *check, const struct visor_node **last)
{
    int count = 0;

    for (const struct visor_node *source = NULL; (source = next_source(check, source));) {
        const struct visor_service *service = visor_service_find(address_of(source));

        if (is_local_clock(source) || visor_node_find_word(source, "noselect"))
            continue;
        *last = source;
        count += strcmp(source->name, "pool") == 0 || (service && service->redundant) ? 4 : 1;
    }
    return count;
}

static void check_few(struct visor_check *check)
{
    const struct visor_node *last = NULL;
    int count = count_sources(check, &last);

    if (!check->document->incomplete && count > 0 && count < 3 && !find(check, "manycastclient") &&
        !find(check, "broadcastclient") && !find(check, "multicastclient"))
        visor_check_found(check, last, "sources: %d", count);
}

static void check_iburst(struct visor_check *check)
{
    for (const struct visor_node *source = NULL; (source = next_source(check, source));) {
        if (strcmp(source->name, "peer") != 0 && !is_clock(source) &&
            !visor_node_find_word(source, "iburst"))
            visor_finding_edit(
                visor_check_found(check, source, "%s %s", source->name, source->value),
                VISOR_EDIT_REPLACE, "%s %s iburst", source->name, source->value);
    }
}

static void check_burst(struct visor_check *check)
{
    for (const struct visor_node *source = NULL; (source = next_source(check, source));) {
        const struct visor_service *service = visor_service_find(address_of(source));

        if (service && service->pool && visor_node_find_word(source, "burst"))
            visor_check_found(check, source, "%s %s", source->name, source->value);
    }
}

static bool restricts(const struct visor_node *node, const char *flag)
{
    return visor_node_find_word(node, flag) || visor_node_find_word(node, "ignore");
}

static void check_no_default(struct visor_check *check)
{
    const struct visor_node *node = find(check, "restrict"), *last = NULL;

    while (node && !visor_node_find_word(node, "default"))
        node = visor_node_again(node);
    if (!check->document->incomplete && count_sources(check, &last) > 0 && !node)
        visor_finding_edit(visor_check_found(check, NULL, "restrict default: none"),
                           VISOR_EDIT_APPEND,
                           "restrict default kod limited nomodify noquery nopeer");
}

static void check_open_query(struct visor_check *check)
{
    for (const struct visor_node *node = find(check, "restrict"); node;
         node = visor_node_again(node))
        if (visor_node_find_word(node, "default") && !restricts(node, "noquery"))
            visor_check_found(check, node, "restrict %s", node->value);
}

static void check_open_modify(struct visor_check *check)
{
    for (const struct visor_node *node = find(check, "restrict"); node;
         node = visor_node_again(node)) {
        const char *who = address_of(node);

        if (!visor_begins(who, "127.") && strcmp(who, "::1") != 0 && strcmp(who, "source") != 0 &&
            !restricts(node, "nomodify") && !restricts(node, "noquery"))
            visor_check_found(check, node, "restrict %s", node->value);
    }
}

static void check_kod(struct visor_check *check)
{
    for (const struct visor_node *node = find(check, "restrict"); node;
         node = visor_node_again(node))
        if (visor_node_find_word(node, "kod") && !visor_node_find_word(node, "limited"))
            visor_check_found(check, node, "restrict %s", node->value);
}

static void check_driftfile(struct visor_check *check)
{
    const struct visor_node *last = NULL;

    if (!check->document->incomplete && count_sources(check, &last) > 0 &&
        !find(check, "driftfile"))
        visor_finding_edit(visor_check_found(check, NULL, "driftfile: none"), VISOR_EDIT_APPEND,
                           "driftfile /var/lib/ntp/ntp.drift");
}

static void check_panic(struct visor_check *check)
{
    const struct visor_node *tinker = find(check, "tinker");
    const struct visor_node *last = NULL;

    for (; tinker; tinker = visor_node_again(tinker))
        if (visor_node_find_word(tinker, "panic"))
            return;
    if (!check->document->incomplete && count_sources(check, &last) > 0)
        visor_check_found(check, NULL, "tinker panic: none");
}

static void check_no_step(struct visor_check *check)
{
    for (const struct visor_node *node = find(check, "tinker"); node; node = visor_node_again(node))
        if (strcmp(visor_node_word_after(node, "step"), "0") == 0)
            visor_check_found(check, node, "tinker %s", node->value);
}

static void check_smear(struct visor_check *check)
{
    const struct visor_service *smeared = NULL;
    const struct visor_node *plain = NULL;

    for (const struct visor_node *source = NULL; (source = next_source(check, source));) {
        const struct visor_service *service = visor_service_find(address_of(source));

        /* A peer has its time from sources of its own, which may be the same. */
        if (is_clock(source) || strcmp(source->name, "peer") == 0 ||
            visor_node_find_word(source, "noselect"))
            continue;
        if (service && service->smeared)
            smeared = service;
        else
            plain = source;
    }
    if (smeared && plain)
        visor_check_found(check, plain, "%s; %s", smeared->name, address_of(plain));
}

static void check_monlist(struct visor_check *check)
{
    const struct visor_node *node = find(check, "enable");

    for (; node; node = visor_node_again(node))
        if (visor_node_find_word(node, "mode7"))
            visor_check_found(check, node, "enable %s", node->value);
}

/* ---- timesyncd.conf ---- */

static const struct visor_node *next_setting(const struct visor_check *check, const char *key,
                                             const struct visor_node *node)
{
    return visor_document_key(check->document, "Time", key, node);
}

static void check_setting_name(struct visor_check *check)
{
    static const char *const known[] = {"NTP",
                                        "FallbackNTP",
                                        "RootDistanceMaxSec",
                                        "PollIntervalMinSec",
                                        "PollIntervalMaxSec",
                                        "ConnectionRetrySec",
                                        "SaveIntervalSec"};

    for (const struct visor_node *key = NULL; (key = next_setting(check, NULL, key));) {
        bool found = false;

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || strcmp(key->name, known[i]) == 0;
        if (!found)
            visor_check_found(check, key, "%s=%s", key->name, key->value);
    }
}

static void check_commas(struct visor_check *check)
{
    static const char *const keys[] = {"NTP", "FallbackNTP"};

    for (size_t i = 0; i < 2; i++)
        for (const struct visor_node *key = NULL; (key = next_setting(check, keys[i], key));)
            if (strpbrk(key->value, ",;"))
                visor_check_found(check, key, "%s=%s", key->name, key->value);
}

/* Lines of one key add up, and an empty one takes back those before it. The last, if it did so. */
static const struct visor_node *emptied(const struct visor_check *check, const char *name)
{
    const struct visor_node *last = NULL;

    for (const struct visor_node *key = NULL; (key = next_setting(check, name, key));)
        last = key;
    return last && !*last->value ? last : NULL;
}

static void check_empty(struct visor_check *check)
{
    const struct visor_node *ntp = emptied(check, "NTP");

    if (ntp && emptied(check, "FallbackNTP"))
        visor_check_found(check, ntp, "NTP= FallbackNTP=");
}

static void check_poll(struct visor_check *check)
{
    double seconds;

    for (const struct visor_node *key = NULL;
         (key = next_setting(check, "PollIntervalMinSec", key));)
        if (visor_span_read(key->value, &seconds) && seconds < 16.0)
            visor_check_found(check, key, "%s=%s", key->name, key->value);
}

static void check_root_distance(struct visor_check *check)
{
    double seconds;

    for (const struct visor_node *key = NULL;
         (key = next_setting(check, "RootDistanceMaxSec", key));)
        if (visor_span_read(key->value, &seconds) && seconds > 30.0)
            visor_check_found(check, key, "%s=%s", key->name, key->value);
}

/* Each name of a list, whatever parts them; known services only: of others nobody knows. */
static void look_for_smear(const char *list, bool *smeared, bool *plain)
{
    static const char separators[] = " \t,;";

    for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
        char name[256];
        size_t length = strcspn(list, separators);
        const struct visor_service *service;

        if (length < sizeof(name)) {
            memcpy(name, list, length);
            name[length] = '\0';
            service = visor_service_find(name);
            *smeared = *smeared || (service && service->smeared);
            *plain = *plain || (service && !service->smeared);
        }
        list += length;
    }
}

static void check_timesyncd_smear(struct visor_check *check)
{
    static const char *const keys[] = {"NTP", "FallbackNTP"};

    for (size_t i = 0; i < 2; i++) {
        bool smeared = false, plain = false;

        for (const struct visor_node *key = NULL; (key = next_setting(check, keys[i], key));) {
            if (!*key->value)
                smeared = plain = false;
            look_for_smear(key->value, &smeared, &plain);
            if (smeared && plain) {
                visor_check_found(check, key, "%s=%s", key->name, key->value);
                break;
            }
        }
    }
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-NTP-001",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("The machine's own clock is offered as a source (127.127.1.x)"),
        .why = N_(
            "When the network fails, ntpd goes on to call a drifting clock synchronized, and its "
            "clients cannot tell. Orphan mode keeps an isolated group together and says what it "
            "is."),
        .fix = "-server 127.127.1.0\n-fudge 127.127.1.0 stratum 10\n+tos orphan 12",
        .source = "ntp.org, Undisciplined Local Clock; NTPsec, Orphan Mode; RFC 8633, 4.6",
        .check = check_local_clock,
    },
    {
        .id = "TV-NTP-002",
        .kinds = NTP,
        .severity = VISOR_RED,
        .what = N_("The machine's own clock has a stratum that can win over real servers"),
        .why = N_(
            "Without fudge the driver says stratum 5: a client prefers this undisciplined clock to "
            "any real server behind it, while it drifts by seconds a day."),
        .fix = "-fudge 127.127.1.0 stratum 3\n+tos orphan 12",
        .source = "ntp.org, Undisciplined Local Clock: stratum 5 by default, 10 or more advised",
        .check = check_local_stratum,
    },
    {
        .id = "TV-NTP-003",
        .kinds = NTP,
        .severity = VISOR_YELLOW,
        .what = N_("There are fewer than three sources"),
        .why =
            N_("Of one, an error is not seen; of two that differ, nobody can tell which is right."),
        .fix = "+server THIRD iburst\n+server FOURTH iburst\n or: pool POOL iburst",
        .source = "RFC 8633, 3.2: four sources or more",
        .check = check_few,
    },
    {
        .id = "TV-NTP-004",
        .kinds = NTP,
        .severity = VISOR_NOTE,
        .what = N_("Without iburst the first synchronisation takes minutes"),
        .why = N_("A source is then asked once in 64 s at first, and several answers are needed; "
                  "with iburst "
                  "the clock is set after about 10 s."),
        .fix = "-server HOST\n+server HOST iburst",
        .source = NTP_MAN ", iburst",
        .check = check_iburst,
    },
    {
        .id = "TV-NTP-005",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("burst is used with volunteers' servers (pool.ntp.org)"),
        .why = N_("Eight packets at each poll are against their terms; they answer with a kiss of "
                  "death, then "
                  "not at all. What is meant is nearly always iburst."),
        .fix = "-server 0.pool.ntp.org burst\n+pool 0.pool.ntp.org iburst",
        .source = NTP_MAN ", burst; NTP Pool Project, terms of use",
        .check = check_burst,
    },
    {
        .id = "TV-NTP-006",
        .kinds = NTP,
        .severity = VISOR_YELLOW,
        .what = N_("Nothing restricts who may ask this daemon for its state (no restrict default)"),
        .why = N_("ntpd listens on all addresses: everybody may query it, make it a peer, or use "
                  "its long "
                  "answers against others."),
        .fix = "+restrict default kod limited nomodify noquery nopeer\n+restrict "
               "127.0.0.1\n+restrict ::1",
        .source = NTP_MAN ", restrict; RFC 8633, 5.1",
        .check = check_no_default,
    },
    {
        .id = "TV-NTP-007",
        .kinds = NTP,
        .severity = VISOR_YELLOW,
        .what = N_("Everybody may query this daemon (restrict default without noquery)"),
        .why = N_("Its answers are longer than the questions: with a forged address they are a "
                  "weapon, as in "
                  "the attacks of 2013 and 2014."),
        .fix =
            "-restrict default kod nomodify\n+restrict default kod limited nomodify noquery nopeer",
        .source = "CVE-2013-5211; RFC 8633, 5.1",
        .check = check_open_query,
    },
    {
        .id = "TV-NTP-008",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("Others may change this daemon's configuration (restrict without nomodify)"),
        .why = N_("Whoever has, or guesses, the control key sets this machine's time from there."),
        .fix =
            "-restrict 10.0.0.0 mask 255.0.0.0\n+restrict 10.0.0.0 mask 255.0.0.0 nomodify noquery",
        .source = NTP_MAN ", restrict",
        .check = check_open_modify,
    },
    {
        .id = "TV-NTP-009",
        .kinds = NTP,
        .severity = VISOR_YELLOW,
        .what = N_("kod does nothing without limited"),
        .why = N_("A kiss of death is sent only to clients that exceed the limit, and no limit is "
                  "in force."),
        .fix = "-restrict default kod nomodify noquery\n+restrict default kod limited nomodify "
               "noquery",
        .source = NTP_MAN ", restrict: kod, limited",
        .check = check_kod,
    },
    {
        .id = "TV-NTP-010",
        .kinds = NTP,
        .severity = VISOR_YELLOW,
        .what = N_("The clock's frequency is not kept across restarts (no driftfile)"),
        .why = N_(
            "ntpd takes a quarter of an hour after each start to measure it anew, and hours to be "
            "good."),
        .fix = "+driftfile /var/lib/ntp/ntp.drift",
        .source = NTP_MAN ", driftfile",
        .check = check_driftfile,
    },
    {
        .id = "TV-NTP-011",
        .kinds = NTP,
        .severity = VISOR_NOTE,
        .what = N_("ntpd ends itself when the clock is more than 1000 s wrong"),
        .why = N_("In a virtual machine a pause of 17 minutes is enough, and no daemon keeps the "
                  "time from "
                  "then on. VMware's advice is tinker panic 0, as the first line."),
        .fix = "+tinker panic 0",
        .source =
            "VMware, Timekeeping best practices for Linux guests (1006427); " NTP_MAN ", tinker",
        .check = check_panic,
    },
    {
        .id = "TV-NTP-012",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("Steps are switched off (tinker step 0)"),
        .why = N_(
            "ntpd then slews at 500 ppm at most: one minute takes 33 hours, and the kernel's own "
            "discipline is not used."),
        .fix = "-tinker step 0",
        .source = NTP_MAN ", tinker step",
        .check = check_no_step,
    },
    {
        .id = "TV-NTP-013",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("Sources that smear leap seconds are mixed with sources that do not"),
        .why =
            N_("For a day around a leap second they contradict each other by up to half a second; "
               "which side wins is chance."),
        .fix = "-server OTHER iburst",
        .source = "Google Public NTP, Configuring Clients: do not mix smeared and other servers",
        .check = check_smear,
    },
    {
        .id = "TV-NTP-014",
        .kinds = NTP,
        .severity = VISOR_ORANGE,
        .what = N_("The old query protocol is switched on (enable mode7)"),
        .why = N_("It answers a short question with up to a hundred packets, to whatever address "
                  "stands in "
                  "it."),
        .fix = "-enable mode7",
        .source = "CVE-2013-5211; ntp.org, mode 7 is off by default since 4.2.7p230",
        .check = check_monlist,
    },
    {
        .id = "TV-TIMESYNCD-001",
        .kinds = TIMESYNCD,
        .severity = VISOR_ORANGE,
        .what = N_("systemd-timesyncd knows no such setting"),
        .why = N_("It is passed over with a line in the log; what was meant is not in force."),
        .fix = "-Servers=a b\n+NTP=a b",
        .source = "timesyncd.conf(5)",
        .check = check_setting_name,
    },
    {
        .id = "TV-TIMESYNCD-002",
        .kinds = TIMESYNCD,
        .severity = VISOR_RED,
        .what = N_("Servers are separated by commas, where blanks are wanted"),
        .why = N_("The list is read as one name, which no name server knows."),
        .fix = "-NTP=a,b\n+NTP=a b",
        .source = "timesyncd.conf(5), NTP=: a space-separated list",
        .check = check_commas,
    },
    {
        .id = "TV-TIMESYNCD-003",
        .kinds = TIMESYNCD,
        .severity = VISOR_ORANGE,
        .what = N_("No server is left: both lists are empty"),
        .why = N_("Only what DHCP names is asked; where it names none, the clock runs free."),
        .fix = "-NTP=\n+NTP=a b c",
        .source = "timesyncd.conf(5)",
        .check = check_empty,
    },
    {
        .id = "TV-TIMESYNCD-004",
        .kinds = TIMESYNCD,
        .severity = VISOR_ORANGE,
        .what = N_("The shortest poll interval is below the least of 16 s"),
        .why = N_("The value is not accepted, and the default of 32 s stays in force."),
        .fix = "-PollIntervalMinSec=1\n+PollIntervalMinSec=16",
        .source = "timesyncd.conf(5), PollIntervalMinSec=: must not be smaller than 16 seconds",
        .check = check_poll,
    },
    {
        .id = "TV-TIMESYNCD-005",
        .kinds = TIMESYNCD,
        .severity = VISOR_YELLOW,
        .what = N_("Servers are accepted that may be wrong by more than half a minute"),
        .why = N_("timesyncd follows one server at a time and checks it against no other: the root "
                  "distance is "
                  "the only thing that speaks for it."),
        .fix = "-RootDistanceMaxSec=60\n+RootDistanceMaxSec=5",
        .source = "timesyncd.conf(5), RootDistanceMaxSec=: 5 s by default",
        .check = check_root_distance,
    },
    {
        .id = "TV-TIMESYNCD-006",
        .kinds = TIMESYNCD,
        .severity = VISOR_YELLOW,
        .what = N_("Servers that smear leap seconds stand in one list with servers that do not"),
        .why = N_("timesyncd changes between them as they answer: during a smear the clock jumps "
                  "by up to "
                  "half a second with each change."),
        .fix = "-NTP=time.google.com 0.pool.ntp.org\n+NTP=time1.google.com time2.google.com",
        .source = "Google Public NTP, Configuring Clients: do not mix smeared and other servers",
        .check = check_timesyncd_smear,
    },
};

const struct visor_rules visor_rules_ntp = VISOR_RULES(rules);
