/* The network of a machine, and what its sources and chronyd itself answered. */
#include "advise/groups.h"

#include <string.h>

#define FOUND(...) visor_check_found(check, NULL, __VA_ARGS__)

static void check_no_route(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    for (size_t i = 0; f->network_known && !f->route4[0] && !f->route6[0] && i < f->source_count;
         i++)
        if (strcmp(f->sources[i].directive, "refclock") != 0 &&
            !visor_begins(f->sources[i].name, "169.254.")) {
            FOUND("%s", f->sources[i].name);
            return;
        }
}

static bool is_name(const char *name)
{
    return !visor_contains(name, ":") && name[strspn(name, "0123456789.")] != 0;
}

static bool is_tunnel(const char *interface)
{
    static const char *const tunnels[] = {"tun", "tap",  "wg",        "ppp", "ipsec", "vti",
                                          "gre", "xfrm", "tailscale", "zt",  "utun"};

    for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++)
        if (visor_begins(interface, tunnels[i]))
            return true;
    return false;
}

static void check_tunnel(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;
    const char *interface = f->route4[0] ? f->route4 : f->route6;

    /* (A rootless container's way out looks like one.) */
    if (is_tunnel(interface) && f->source_count > 0 && !f->container[0])
        FOUND("default dev %s", interface);
}

static void check_no_nameserver(struct visor_check *check)
{
    const struct visor_facts *f = check->facts;

    for (size_t i = 0; f->nameserver_count == 0 && i < f->source_count; i++)
        if (strcmp(f->sources[i].directive, "refclock") != 0 && is_name(f->sources[i].name)) {
            FOUND("%s; nameserver: none", f->sources[i].name);
            return;
        }
}

static unsigned count_answers(const struct visor_facts *f, enum visor_facts_answer answer)
{
    unsigned count = 0;

    for (size_t i = 0; i < f->reach_count; i++)
        count += f->reach[i].answer == answer;
    return count;
}

static void find_answers(struct visor_check *check, enum visor_facts_answer answer)
{
    for (size_t i = 0; i < check->facts->reach_count; i++)
        if (check->facts->reach[i].answer == answer)
            FOUND("%s", check->facts->reach[i].name);
}

static void check_no_name(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_NO_NAME);
}

static void check_no_dns(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_NO_DNS);
}

static void check_no_way(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_NO_ROUTE);
}

static void check_refused(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_REFUSED);
}

static void check_forbidden(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_FORBIDDEN);
}

static void check_kissed(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_KISSED);
}

static void check_not_synced(struct visor_check *check)
{
    find_answers(check, VISOR_ANSWER_NOT_SYNCED);
}

static void check_all_silent(struct visor_check *check)
{
    unsigned silent = count_answers(check->facts, VISOR_ANSWER_SILENT);

    if (silent > 0 && count_answers(check->facts, VISOR_ANSWER_GOOD) == 0)
        FOUND("silent: %u of %zu", silent, check->facts->reach_count);
}

static void check_one_silent(struct visor_check *check)
{
    if (count_answers(check->facts, VISOR_ANSWER_GOOD) > 0)
        find_answers(check, VISOR_ANSWER_SILENT);
}

static void check_offset(struct visor_check *check)
{
    for (size_t i = 0; i < check->facts->reach_count; i++) {
        const struct visor_facts_reach *reach = &check->facts->reach[i];
        int64_t size = reach->offset_ns < 0 ? -reach->offset_ns : reach->offset_ns;

        if (reach->answer == VISOR_ANSWER_GOOD && size - reach->uncertainty_ns > 100000000)
            FOUND("%s: %.3f s", reach->name, (double)reach->offset_ns * 1e-9);
    }
}

static void check_far(struct visor_check *check)
{
    for (size_t i = 0; i < check->facts->reach_count; i++)
        if (check->facts->reach[i].answer == VISOR_ANSWER_GOOD &&
            check->facts->reach[i].delay_ns > 100000000)
            FOUND("%s: %.1f ms", check->facts->reach[i].name,
                  (double)check->facts->reach[i].delay_ns * 1e-6);
}

/* What the server says of itself, without the doubt that the way there leaves. */
static int64_t claim(const struct visor_facts_reach *reach)
{
    return reach->uncertainty_ns - reach->delay_ns / 2;
}

/* Two good answers, `apart_ns` from each other. */
struct pair {
    const struct visor_facts_reach *a, *b;
    int64_t apart_ns;
};

/* Next pair of sources that answered well, by the number of it; false: there is none. */
static bool pair_at(const struct visor_facts *f, size_t number, struct pair *pair)
{
    for (size_t i = 0; i < f->reach_count; i++)
        for (size_t j = 0; j < i; j++) {
            if (f->reach[i].answer != VISOR_ANSWER_GOOD ||
                f->reach[j].answer != VISOR_ANSWER_GOOD || number-- > 0)
                continue;
            pair->a = &f->reach[j];
            pair->b = &f->reach[i];
            pair->apart_ns = pair->a->offset_ns - pair->b->offset_ns;
            if (pair->apart_ns < 0)
                pair->apart_ns = -pair->apart_ns;
            return true;
        }
    return false;
}

static bool is_contradiction(const struct pair *pair)
{
    return pair->apart_ns > pair->a->uncertainty_ns + pair->b->uncertainty_ns;
}

static void check_contradiction(struct visor_check *check)
{
    struct pair pair;

    for (size_t i = 0; pair_at(check->facts, i, &pair); i++)
        if (is_contradiction(&pair))
            FOUND("%s, %s: %.3f ms", pair.a->name, pair.b->name, (double)pair.apart_ns * 1e-6);
}

/* More apart than they say they can be wrong and jitter explains, and less than their delays allow.
 */
static void check_asymmetry(struct visor_check *check)
{
    struct pair pair;

    for (size_t i = 0; pair_at(check->facts, i, &pair); i++) {
        int64_t jitter =
            pair.a->slowest_ns - pair.a->delay_ns + pair.b->slowest_ns - pair.b->delay_ns;

        if (!is_contradiction(&pair) &&
            pair.apart_ns > claim(pair.a) + claim(pair.b) + jitter + 1000000 +
                                (pair.a->delay_ns + pair.b->delay_ns) / 10)
            FOUND("%s, %s: %.3f ms", pair.a->name, pair.b->name, (double)pair.apart_ns * 1e-6);
    }
}

static void check_congestion(struct visor_check *check)
{
    for (size_t i = 0; !check->facts->marked && i < check->facts->reach_count; i++) {
        const struct visor_facts_reach *reach = &check->facts->reach[i];

        if (reach->answer == VISOR_ANSWER_GOOD && reach->slowest_ns > 10000000 &&
            reach->slowest_ns > 3 * reach->delay_ns)
            FOUND("%s: %.1f–%.1f ms", reach->name, (double)reach->delay_ns * 1e-6,
                  (double)reach->slowest_ns * 1e-6);
    }
}

static void check_chronyd(struct visor_check *check)
{
    if (check->facts->chronyd.answers && check->facts->chronyd.leap == 3)
        FOUND("chronyc tracking: Not synchronised");
}

static void check_chronyd_offset(struct visor_check *check)
{
    const struct visor_facts_chronyd *chronyd = &check->facts->chronyd;

    if (chronyd->answers && chronyd->leap != 3 &&
        (chronyd->offset_s > 0.1 || chronyd->offset_s < -0.1))
        FOUND("chronyc tracking: %.3f s", chronyd->offset_s);
}

#define ON(topic_, severity_)                                                                      \
    .kinds = VISOR_KIND_MACHINE, .topic = VISOR_TOPIC_##topic_, .severity = VISOR_##severity_

static const struct visor_rule rules[] = {
    {.id = "TV-NET-001",
     ON(NETWORK, RED),
     .what = N_("There is no default route, and the sources are elsewhere"),
     .why = N_("No request leaves this machine."),
     .fix = "ip route; ip -6 route",
     .source = "ip-route(8)",
     .check = check_no_route},
    {.id = "TV-NET-002",
     ON(NAMES, ORANGE),
     .what = N_("Sources are given by name, and there is no name server"),
     .why = N_("Their addresses cannot be found."),
     .fix = "cat /etc/resolv.conf; resolvectl status",
     .source = "resolv.conf(5)",
     .check = check_no_nameserver},
    {.id = "TV-NET-003",
     ON(NETWORK, YELLOW),
     .what = N_("The way to the sources leads through a tunnel (VPN)"),
     .why = N_("Each exchange takes the tunnel's detour, waits in its queues, and often differs "
               "there and back: the error is up to half of that delay, and no filter sees it."),
     .fix = "+server NEAREST iburst\n a source on this side of the tunnel, or a route past it: ip "
            "route "
            "add SERVER via GATEWAY",
     .source = "RFC 5905, 11.1: the offset's error is at most half the delay",
     .check = check_tunnel},
    {.id = "TV-REACH-001",
     ON(REACH, ORANGE),
     .what = N_("Name servers know no such source"),
     .why = N_("The name is wrong, or it exists only in another network (a cloud's inside)."),
     .fix = "getent ahosts NAME",
     .source = "asked just now",
     .check = check_no_name},
    {.id = "TV-REACH-002",
     ON(REACH, ORANGE),
     .what = N_("No name server has answered for this source in time"),
     .why = N_("That is DNS, not NTP: whether the source would answer is not known. Port 53 may be "
               "blocked."),
     .fix = "resolvectl query NAME; getent ahosts NAME",
     .source = "asked just now",
     .check = check_no_dns},
    {.id = "TV-REACH-003",
     ON(REACH, ORANGE),
     .what = N_("This machine knows no way to the source"),
     .why = N_("The request did not leave: routing, not NTP."),
     .fix = "ip route get ADDRESS",
     .source = "asked just now: ENETUNREACH, EHOSTUNREACH",
     .check = check_no_way},
    {.id = "TV-REACH-004",
     ON(REACH, ORANGE),
     .what = N_("The source's machine is up, and nobody there serves NTP"),
     .why = N_("It says so itself (port unreachable): no daemon, another port, or a firewall that "
               "rejects."),
     .fix = "on it: ss -lunp 'sport = :123'",
     .source = "asked just now: ICMP port unreachable",
     .check = check_refused},
    {.id = "TV-REACH-005",
     ON(REACH, RED),
     .what = N_("This machine's own firewall forbids asking the source"),
     .why = N_("The kernel refused to send the request."),
     .fix = "nft list ruleset | grep -n 123\n+udp dport 123 accept",
     .source = "asked just now: EPERM",
     .check = check_forbidden},
    {.id = "TV-REACH-006",
     ON(REACH, RED),
     .what = N_("No source answers, though requests leave: port 123 seems to be blocked"),
     .why = N_("Names and routes are fine and every source is silent: a firewall or a security "
               "group on the "
               "way drops UDP 123, in one direction or both."),
     .fix =
         "security group, outbound: UDP 123; stateless filters: also inbound from source port 123\n"
         "timevisor drift --against SERVER",
     .source = "asked just now",
     .check = check_all_silent},
    {.id = "TV-REACH-007",
     ON(REACH, YELLOW),
     .what = N_("A source is silent, while others answer"),
     .why = N_("The way out is open, so it is this server, or the way to it, that is down."),
     .fix = "-server DEAD iburst\n+server OTHER iburst",
     .source = "asked just now",
     .check = check_one_silent},
    {.id = "TV-REACH-008",
     ON(REACH, ORANGE),
     .what = N_("A source refuses to serve this machine (kiss of death)"),
     .why = N_("It was asked too often, or does not serve this network."),
     .fix = "-minpoll 0\n or another source",
     .source = "RFC 5905, 7.4",
     .check = check_kissed},
    {.id = "TV-REACH-009",
     ON(REACH, ORANGE),
     .what = N_("A source answers that its own time is not good"),
     .why = N_("It is not used. If it is this machine's host, the host has the problem."),
     .fix = "on it: chronyc tracking",
     .source = "RFC 5905, 7.3: leap 3, stratum 16",
     .check = check_not_synced},
    {.id = "TV-REACH-010",
     ON(REACH, RED),
     .what = N_("This clock is wrong by more than 100 ms"),
     .why = N_("Tokens, certificates and orders of events are judged by it."),
     .fix = "chronyc makestep; systemctl restart chronyd",
     .source = "asked just now; less the doubt of that exchange",
     .check = check_offset},
    {.id = "TV-REACH-011",
     ON(REACH, NOTE),
     .what = N_("A source is far away"),
     .why =
         N_("Half of the way there and back is what cannot be known of the offset, as over a VPN."),
     .fix = "+server NEARER iburst",
     .source = "RFC 5905, 11.1: the offset's error is at most half the delay",
     .check = check_far},
    {.id = "TV-REACH-012",
     ON(REACH, ORANGE),
     .what = N_("Two sources contradict each other: one of them is wrong"),
     .why = N_("They are further apart than both their claims and the network allow. A daemon with "
               "two sources cannot tell which one is right."),
     .fix = "+server THIRD iburst\n+server FOURTH iburst",
     .source = "RFC 5905, 11.2.1: correctness intervals must intersect; RFC 8633, 3.2",
     .check = check_contradiction},
    {.id = "TV-REACH-013",
     ON(REACH, YELLOW),
     .what = N_("The way to a source seems to be longer in one direction than in the other"),
     .why = N_("Two sources are further apart than they say they can be wrong. Half of the "
               "difference of the two ways goes into the clock, and no daemon can see it."),
     .fix = "+server NEARER iburst\n where the asymmetry is known: offset SECONDS",
     .source = "RFC 5905, 11.1; chrony.conf(5), offset",
     .check = check_asymmetry},
    {.id = "TV-REACH-014",
     ON(REACH, YELLOW),
     .what = N_("The way to a source is congested, and requests carry no mark"),
     .why = N_("They wait in the same queues as everything else. Where the network honours marks, "
               "time goes first."),
     .fix = "+dscp 46",
     .source = "RFC 4594, 4.1; chrony.conf(5), dscp",
     .check = check_congestion},
    {.id = "TV-SYNC-001",
     ON(SYNC, RED),
     .what = N_("chronyd runs and is not synchronized"),
     .why = N_("None of its sources can be selected; the clock runs free meanwhile."),
     .fix = "chronyc sources -v; chronyc selectdata",
     .source = "chronyc(1), tracking",
     .check = check_chronyd},
    {.id = "TV-SYNC-002",
     ON(SYNC, ORANGE),
     .what = N_("chronyd still has more than 100 ms to correct"),
     .why = N_("It slews: at the greatest rate a second takes 12 s, with makestep none."),
     .fix = "chronyc makestep",
     .source = "chronyc(1), tracking",
     .check = check_chronyd_offset},
};

const struct visor_rules visor_rules_network = VISOR_RULES(rules);
