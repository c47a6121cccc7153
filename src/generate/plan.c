/* The decision tree, and the example that is simulated. Distances are half of round trips; what a
 * queue adds is taken for a tenth of them. */
#include "generate/plan.h"

#include "config/diagnosis.h"

#include <string.h>

#define SMALL      10
#define MEDIUM     100
#define HOSTED     20 /* guests a host, where nobody says */
#define SERVERS    4  /* a site's own: one may be wrong while another one is silent */
#define RECEIVERS  2
#define PUBLIC_S   5e-3  /* what a public server's own error may be */
#define SOFTWARE_S 50e-6 /* what packets with the kernel's stamps reach on a quiet network */
#define HARDWARE_S 50e-9 /* what PTP reaches with stamps in all cards and switches */
#define LAN_S      200e-6

const char *visor_plan_platform_word(enum visor_plan_platform platform)
{
    static const char *const words[VISOR_PLAN_PLATFORMS] = {"metal",  "kvm", "vmware",
                                                            "hyperv", "xen", "proxmox"};

    return words[platform];
}

const char *visor_plan_cloud_word(enum visor_plan_cloud cloud)
{
    static const char *const words[VISOR_PLAN_CLOUDS] = {"aws",     "azure",   "gcp",
                                                         "alibaba", "tencent", "oracle"};

    return words[cloud];
}

const char *visor_plan_check(const struct visor_plan_needs *needs)
{
    if (needs->machines < 1 || needs->machines > 10000000)
        return N_("the number of machines must be from 1 to 10000000");
    if (needs->sites < 1 || needs->sites > 1000)
        return N_("the number of sites must be from 1 to 1000");
    if (!(needs->limit_s > 0.0 && needs->limit_s <= 3600.0))
        return N_("the limit must be more than 0 and at most an hour");
    if (!(needs->outside_s > 0.0 && needs->outside_s <= 5.0 && needs->between_s > 0.0 &&
          needs->between_s <= 5.0))
        return N_("round trips must be more than 0 and at most 5 s");
    if (needs->air_gapped && needs->clouds)
        return N_("what is in a cloud is not cut off from networks");
    return NULL;
}

/* ---- the decision tree ---- */

static void note(struct visor_plan *plan, const char *text)
{
    if (plan->note_count < (int)(sizeof(plan->notes) / sizeof(plan->notes[0])))
        plan->notes[plan->note_count++] = text;
}

static void layer(struct visor_plan *plan, enum visor_plan_kind kind, int count, const char *what,
                  const char *asks, const char *targets)
{
    struct visor_plan_layer *l = &plan->layers[plan->layer_count++];

    *l = (struct visor_plan_layer){
        .kind = kind, .count = count, .what = what, .asks = asks, .targets = targets};
    strncat(l->machine,
            kind == VISOR_PLAN_REFERENCE ? ""
            : kind == VISOR_PLAN_SERVER  ? "server11"
            : kind == VISOR_PLAN_HOST    ? "host1"
                                         : "guest1",
            sizeof(l->machine) - 1);
}

static void fail(struct visor_plan *plan, const char *what, const char *event)
{
    struct visor_plan_failure *f = &plan->failures[plan->failure_count++];

    *f = (struct visor_plan_failure){.what = what};
    strncat(f->event, event, sizeof(f->event) - 1);
}

static const char *guest_targets(const struct visor_plan_needs *needs)
{
    if (needs->clouds && !needs->platforms)
        return "timevisord-guest";
    if (needs->platforms & 1u << VISOR_PLAN_VMWARE)
        return "timevisord-guest vmware-guest";
    if (needs->platforms & (1u << VISOR_PLAN_KVM | 1u << VISOR_PLAN_PROXMOX))
        return "timevisord-guest libvirt-linux";
    return "timevisord-guest";
}

static const char *host_targets(const struct visor_plan_needs *needs)
{
    return needs->platforms & 1u << VISOR_PLAN_VMWARE    ? "vmware-host firewall"
           : needs->platforms & 1u << VISOR_PLAN_HYPERV  ? "hyperv-host"
           : needs->platforms & 1u << VISOR_PLAN_PROXMOX ? "timevisord-host proxmox firewall"
           : needs->platforms & 1u << VISOR_PLAN_XEN     ? "timevisord-host xen firewall"
                                                         : "timevisord-host firewall";
}

static const char *cloud_targets(unsigned clouds)
{
    static const char *const targets[VISOR_PLAN_CLOUDS] = {"aws",     "azure",   "gcp",
                                                           "alibaba", "tencent", "oracle"};

    for (int i = 0; i < VISOR_PLAN_CLOUDS; i++)
        if (clouds == 1u << i)
            return targets[i];
    return "hybrid";
}

/* Everything in one cloud: its own service is near, and smears as all of the cloud does. */
static void plan_cloud(struct visor_plan *plan)
{
    const struct visor_plan_needs *needs = &plan->needs;

    plan->cloud_only = true;
    layer(plan, VISOR_PLAN_REFERENCE, 0,
          N_("the cloud's own time service, on each instance's link"), N_("the cloud's clocks"),
          "");
    layer(plan, VISOR_PLAN_GUEST, needs->machines, N_("instances"), N_("the cloud's service only"),
          cloud_targets(needs->clouds));
    fail(plan, N_("the cloud's service falls silent"), "outside cut");
    fail(plan, N_("an instance is stopped for 30 s, as in maintenance"), "guest1 pause 30s");
    note(plan, N_("Most clouds' services smear leap seconds: no other server beside them, and no "
                  "leapsectz."));
}

static void plan_reference(struct visor_plan *plan)
{
    const struct visor_plan_needs *needs = &plan->needs;

    if (plan->own_reference) {
        layer(plan, VISOR_PLAN_REFERENCE, RECEIVERS * needs->sites,
              N_("satellite receivers, two a site, with their pulse"), N_("satellites"), "");
    } else if (needs->air_gapped) {
        layer(plan, VISOR_PLAN_REFERENCE, 0, N_("nothing: the servers' own clocks"),
              N_("nobody; set by hand"), "");
        note(plan,
             N_("Cut off and without a receiver, machines can agree with each other, not with "
                "UTC: the bound says so. A receiver, or a rubidium clock that is carried, "
                "would change that."));
    } else {
        layer(plan, VISOR_PLAN_REFERENCE, 0,
              N_("at least four servers outside, of different owners"), N_("national clocks"), "");
    }
}

/* Few: whoever needs the time asks outside. */
static void plan_small(struct visor_plan *plan)
{
    const struct visor_plan_needs *needs = &plan->needs;
    int hosts = (needs->machines + HOSTED - 1) / HOSTED;

    if (needs->platforms & ~(1u << VISOR_PLAN_METAL)) {
        layer(plan, VISOR_PLAN_HOST, hosts, N_("hosts, which serve their guests"),
              N_("the reference"), host_targets(needs));
        layer(plan, VISOR_PLAN_GUEST, needs->machines, N_("guests"),
              N_("their host, once a second, and the reference"), guest_targets(needs));
    } else {
        layer(plan, VISOR_PLAN_GUEST, needs->machines, N_("machines"), N_("the reference"),
              "timevisord-guest");
    }
}

/* More: a site's own servers ask for all, everybody else asks them. With at most a hundred machines
 * the hosts are those servers. */
static void plan_layers(struct visor_plan *plan)
{
    const struct visor_plan_needs *needs = &plan->needs;
    int hosts = (needs->machines + HOSTED - 1) / HOSTED;
    bool hosted = needs->platforms & ~(1u << VISOR_PLAN_METAL) || needs->clouds;

    layer(plan, VISOR_PLAN_SERVER, SERVERS * needs->sites,
          plan->size == VISOR_PLAN_LARGE
              ? N_("four servers a site, which do nothing else, in different racks")
              : N_("four hosts a site that serve the others, too"),
          needs->sites > 1 ? N_("the reference, and each other's site")
                           : N_("the reference, and each other"),
          needs->containers && plan->size == VISOR_PLAN_LARGE
              ? "timevisord-host firewall prometheus"
              : "timevisord-host firewall");
    if (hosted && hosts > 0)
        layer(plan, VISOR_PLAN_HOST, hosts, N_("hosts, which serve their guests"),
              N_("the site's four servers"), host_targets(needs));
    layer(plan, VISOR_PLAN_GUEST, needs->machines, hosted ? N_("guests") : N_("machines"),
          hosted ? N_("their host, once a second, and the site's servers")
                 : N_("the site's four servers"),
          needs->clouds && !needs->platforms ? "hybrid" : guest_targets(needs));
}

static void plan_failures(struct visor_plan *plan)
{
    bool servers = plan->size != VISOR_PLAN_SMALL;

    if (!plan->own_reference && !plan->needs.air_gapped) {
        fail(plan, N_("one server outside is wrong by a second"), "s1 step 1s");
        fail(plan, N_("the way outside is cut"), "outside cut");
    } else if (plan->own_reference) {
        fail(plan, N_("a receiver loses the satellites"), "/dev/pps0 fail");
    }
    if (servers) {
        fail(plan, N_("one of the site's servers dies"), "n11 cut");
        if (plan->needs.sites > 1)
            fail(plan, N_("the sites are cut off from each other"), "between cut");
    }
    if (plan->needs.platforms & ~(1u << VISOR_PLAN_METAL) || plan->needs.clouds)
        fail(plan, N_("a guest is stopped for a minute"), "guest1 pause 60s");
    fail(plan, N_("a machine's own network is cut"), "link1 cut");
}

static enum visor_plan_reach reach_of(const struct visor_plan_needs *needs)
{
    return needs->limit_s < HARDWARE_S   ? VISOR_PLAN_NOT
           : needs->limit_s < SOFTWARE_S ? VISOR_PLAN_HARDWARE
                                         : VISOR_PLAN_REACHED;
}

void visor_plan_make(const struct visor_plan_needs *needs, struct visor_plan *plan)
{
    *plan = (struct visor_plan){.needs = *needs};
    plan->size = needs->machines < SMALL     ? VISOR_PLAN_SMALL
                 : needs->machines <= MEDIUM ? VISOR_PLAN_MEDIUM
                                             : VISOR_PLAN_LARGE;
    if (needs->sites > 1 && plan->size == VISOR_PLAN_SMALL)
        plan->size = VISOR_PLAN_MEDIUM;
    plan->reach = reach_of(needs);
    plan->own_reference =
        needs->receivers && (needs->air_gapped || plan->size == VISOR_PLAN_LARGE ||
                             needs->limit_s < PUBLIC_S + needs->outside_s / 2.0);
    if (needs->clouds && !(needs->clouds & (needs->clouds - 1)) && !needs->platforms) {
        plan_cloud(plan);
    } else {
        plan_reference(plan);
        if (plan->size == VISOR_PLAN_SMALL)
            plan_small(plan);
        else
            plan_layers(plan);
        plan_failures(plan);
        if (needs->clouds)
            note(plan,
                 N_("In several places the same servers are asked everywhere, and no cloud's "
                    "own service beside them: those that smear leap seconds would be wrong by "
                    "half a second for a day."));
    }
    if (needs->containers)
        note(plan,
             N_("Containers share their node's clock: only the node keeps it; a container gets "
                "the clock segment, read only, and its time zone."));
    if (needs->platforms & 1u << VISOR_PLAN_VMWARE)
        note(plan, N_("VMware Tools' periodic synchronisation is off in every guest; its single "
                      "corrections stay."));
    if (!plan->own_reference && !plan->cloud_only && !needs->air_gapped &&
        needs->limit_s < PUBLIC_S + needs->outside_s / 2.0)
        note(plan, N_("A bound cannot be smaller than half the way outside: the limit wants "
                      "satellite receivers of your own (--receivers)."));
    if (plan->reach == VISOR_PLAN_HARDWARE)
        note(plan, N_("Such a limit wants time stamps made by hardware on the whole way: PTP with "
                      "cards and switches that take part, and a PTP clock in each guest "
                      "(timevisor generate ptp4l). What follows is what NTP gives."));
    if (plan->reach == VISOR_PLAN_NOT)
        note(plan,
             N_("No packet network gives this: queues and unequal ways hide more. It wants the "
                "same signal on calibrated fibre to each machine (White Rabbit reaches below a "
                "nanosecond), and no virtual machine reads a clock so closely. What follows is "
                "what NTP gives."));
}

/* ---- the example ---- */

static void put_time(struct visor_text *out, double seconds)
{
    visor_text_put_whole(out, (int64_t)(seconds * 1e9 + 0.5));
    visor_text_put(out, "ns");
}

static void put_number(struct visor_text *out, int number)
{
    visor_text_put_whole(out, number);
}

static void network(struct visor_text *out, const char *name, int number, double round_trip_s)
{
    visor_text_put(out, "network ");
    visor_text_put(out, name);
    if (number)
        put_number(out, number);
    visor_text_put(out, " delay ");
    put_time(out, round_trip_s / 2.0);
    visor_text_put(out, " jitter exponential ");
    put_time(out, round_trip_s / 20.0);
    visor_text_put(out, "\n");
}

static void ask(struct visor_text *out, const char *whom, int site, int number, const char *options)
{
    visor_text_put(out, "  server ");
    visor_text_put(out, whom);
    if (site)
        put_number(out, site);
    put_number(out, number);
    visor_text_put(out, options);
    visor_text_put(out, "\n");
}

static void begin_host(struct visor_text *out, const char *name, int number, const char *net,
                       int net_number)
{
    visor_text_put(out, "host ");
    visor_text_put(out, name);
    put_number(out, number);
    visor_text_put(out, " oscillator quartz load 2 20min offset within 1s network ");
    visor_text_put(out, net);
    put_number(out, net_number);
}

/* The ways: n<site><server> of a site's servers, link<site> of its host and guest. */
static void put_networks(const struct visor_plan *plan, int sites, struct visor_text *out)
{
    network(out, "outside", 0, plan->cloud_only ? LAN_S : plan->needs.outside_s);
    network(out, "between", 0, plan->needs.between_s);
    for (int site = 1; site <= sites; site++) {
        for (int i = 1; i <= SERVERS && plan->size != VISOR_PLAN_SMALL; i++)
            network(out, "n", 10 * site + i, LAN_S);
        network(out, "link", site, LAN_S);
    }
    for (int i = 1; i <= SERVERS; i++) {
        visor_text_put(out, "server s");
        put_number(out, i);
        visor_text_put(out, plan->cloud_only
                                ? " network outside error 50us\n"
                                : " network outside stratum 2 error 1ms root-delay 5ms "
                                  "dispersion 2ms\n");
        if (plan->cloud_only)
            return;
    }
}

static void ask_outside(const struct visor_plan *plan, struct visor_text *out)
{
    if (!plan->own_reference && !plan->needs.air_gapped)
        for (int i = 1; i <= SERVERS; i++)
            ask(out, "s", 0, i, " iburst");
}

static void put_servers(const struct visor_plan *plan, int sites, int site, struct visor_text *out)
{
    for (int i = 1; i <= SERVERS; i++) {
        begin_host(out, "server", 10 * site + i, "n", 10 * site + i);
        visor_text_put(out, "\n  allow\n");
        ask_outside(plan, out);
        if (plan->own_reference && i <= RECEIVERS) {
            visor_text_put(out, "  refclock SHM 0 refid TOD noselect\n"
                                "  refclock PPS /dev/pps0 lock TOD poll 2 trust\n");
        }
        if (plan->needs.air_gapped && !plan->own_reference)
            visor_text_put(out, "  local stratum 10 orphan\n");
        for (int other = 1; other <= SERVERS; other++)
            if (other != i)
                ask(out, "server", site, other, " iburst minpoll 4 maxpoll 6");
        for (int far = 1; far <= sites; far++)
            if (far != site)
                ask(out, "server", far, i, " iburst");
        visor_text_put(out, "  makestep 1.0 3\n");
    }
}

static bool has(const struct visor_plan *plan, enum visor_plan_kind kind)
{
    for (int i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].kind == kind)
            return true;
    return false;
}

static void put_site(const struct visor_plan *plan, int sites, int site, struct visor_text *out)
{
    bool servers = has(plan, VISOR_PLAN_SERVER), hosts = has(plan, VISOR_PLAN_HOST);

    if (servers)
        put_servers(plan, sites, site, out);
    if (hosts) {
        begin_host(out, "host", site, "link", site);
        visor_text_put(out, "\n  allow\n");
        for (int i = 1; servers && i <= SERVERS; i++)
            ask(out, "server", site, i, " iburst minpoll 4 maxpoll 6");
        if (!servers)
            ask_outside(plan, out);
        visor_text_put(out, "  makestep 1.0 3\n");
    }
    begin_host(out, "guest", site, "link", site);
    visor_text_put(out, hosts || plan->needs.clouds ? " rtc noise 300us\n" : "\n");
    if (hosts)
        ask(out, "host", 0, site, " iburst near");
    for (int i = 1; servers && i <= SERVERS; i++)
        ask(out, "server", site, i, " iburst minpoll 4 maxpoll 6");
    if (!servers)
        ask_outside(plan, out);
    visor_text_put(out, "  makestep 1.0 3\n");
}

static void put_devices(const struct visor_plan *plan, int sites, struct visor_text *out)
{
    for (int site = 1; site <= sites && plan->own_reference; site++)
        for (int i = 1; i <= RECEIVERS; i++) {
            visor_text_put(out, "device /dev/pps0 server");
            put_number(out, 10 * site + i);
            visor_text_put(out, " noise 100ns\ndevice 0 server");
            put_number(out, 10 * site + i);
            visor_text_put(out, " noise 1ms\n");
        }
}

bool visor_plan_script(const struct visor_plan *plan, int failure, struct visor_text *out)
{
    int sites = plan->needs.sites < VISOR_PLAN_SITES ? plan->needs.sites : VISOR_PLAN_SITES;

    visor_text_put(out, "title a plan's example\nduration ");
    put_number(out, VISOR_PLAN_ENDS);
    visor_text_put(out, "s\nstatistics from ");
    put_number(out, VISOR_PLAN_FIRST);
    visor_text_put(out, "s\n");
    put_networks(plan, plan->cloud_only ? 1 : sites, out);
    if (plan->cloud_only) {
        begin_host(out, "guest", 1, "link", 1);
        visor_text_put(out, " rtc noise 300us\n  server s1 iburst minpoll 4 maxpoll 4\n"
                            "  makestep 1.0 3\n");
    } else {
        for (int site = 1; site <= sites; site++)
            put_site(plan, sites, site, out);
        put_devices(plan, sites, out);
    }
    if (failure >= 0) {
        visor_text_put(out, "at ");
        put_number(out, VISOR_PLAN_FAILS);
        visor_text_put(out, "s ");
        visor_text_put(out, plan->failures[failure].event);
        visor_text_put(out, "\n");
    }
    return out->at < out->size;
}
