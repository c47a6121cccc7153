/* The facts of a machine that matter to its time: one structure, gathered by port/facts.h from a
 * running system or from a recorded tree of its files, shown by the command line, and what the
 * doctor, the linter and the planner reason from. Strings are cut to fit and always terminated;
 * lists have limits, and `…_more` counts what did not fit. "" and 0: unknown or not there. */
#ifndef VISOR_ADVISE_FACTS_H
#define VISOR_ADVISE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_FACTS_VERSION      1 /* of the JSON form */

#define VISOR_FACTS_TEXT         64
#define VISOR_FACTS_LINE         256
#define VISOR_FACTS_CLOCKSOURCES 8
#define VISOR_FACTS_DEVICES      8
#define VISOR_FACTS_DAEMONS      16
#define VISOR_FACTS_SOURCES      32
#define VISOR_FACTS_NAMESERVERS  4

enum visor_hypervisor {
    VISOR_HYPERVISOR_NONE,    /* surely none, or none that shows itself */
    VISOR_HYPERVISOR_UNKNOWN, /* one is there, and is not known to us */
    VISOR_HYPERVISOR_KVM,
    VISOR_HYPERVISOR_QEMU, /* software emulation */
    VISOR_HYPERVISOR_VMWARE,
    VISOR_HYPERVISOR_HYPERV,
    VISOR_HYPERVISOR_XEN,
    VISOR_HYPERVISOR_VIRTUALBOX,
    VISOR_HYPERVISOR_BHYVE,
    VISOR_HYPERVISOR_PARALLELS,
    VISOR_HYPERVISOR_ACRN,
    VISOR_HYPERVISOR_FIRECRACKER,
    VISOR_HYPERVISOR_APPLE,
};

enum visor_cloud {
    VISOR_CLOUD_NONE,
    VISOR_CLOUD_AWS,
    VISOR_CLOUD_AZURE,
    VISOR_CLOUD_GCP,
    VISOR_CLOUD_ALIBABA,
    VISOR_CLOUD_TENCENT,
    VISOR_CLOUD_HUAWEI,
    VISOR_CLOUD_ORACLE,
    VISOR_CLOUD_OPENSTACK,
    VISOR_CLOUD_DIGITALOCEAN,
    VISOR_CLOUD_HETZNER,
};

/* /dev/rtcN, /dev/ptpN, /dev/ppsN, /dev/vmclockN */
struct visor_facts_device {
    char device[VISOR_FACTS_TEXT]; /* "/dev/rtc0" */
    char name[VISOR_FACTS_TEXT];   /* rtc: driver's name; ptp: clock_name; pps: name */
    bool exists;                   /* the node in /dev is there */
    bool readable;                 /* by us */
    bool hctosys;                  /* rtc: the kernel set the clock from it at boot */
};

/* A device that ACPI describes and a driver may have taken: vmclock, vmgenid. */
struct visor_facts_acpi {
    bool described;
    bool driven;
    char id[VISOR_FACTS_TEXT];
};

struct visor_facts_daemon {
    char name[VISOR_FACTS_TEXT]; /* /proc/PID/comm */
    uint32_t pid;
    bool steers; /* of a kind that sets the clock (vmtoolsd and the like may) */
};

enum visor_facts_origin {
    VISOR_ORIGIN_CHRONY,
    VISOR_ORIGIN_TIMESYNCD,
    VISOR_ORIGIN_TIMESYNCD_FALLBACK,
    VISOR_ORIGIN_NTP, /* ntp.conf of ntpd, NTPsec, OpenNTPD */
    VISOR_ORIGIN_DHCP,
};

struct visor_facts_source {
    enum visor_facts_origin origin;
    char directive[16];             /* "server", "pool", "peer", "refclock" */
    char name[VISOR_FACTS_LINE];    /* name or address; refclock: driver and parameter */
    char options[VISOR_FACTS_LINE]; /* what followed, as written */
    char file[VISOR_FACTS_LINE];    /* without the root prefix */
    uint32_t line;
};

/* adjtimex, read only. */
struct visor_facts_kernel {
    bool known;
    int state;  /* TIME_OK … TIME_ERROR */
    int status; /* STA_ bits */
    int64_t max_error_us, est_error_us;
    double frequency_ppm; /* with tick: + runs faster */
    int64_t tick_us;
    int tai_offset_s;
};

/* What came of asking a configured source. */
enum visor_facts_answer {
    VISOR_ANSWER_NOT_ASKED,
    VISOR_ANSWER_GOOD,
    VISOR_ANSWER_NO_NAME,    /* name servers know no such name */
    VISOR_ANSWER_NO_DNS,     /* no name server answers, or not in time */
    VISOR_ANSWER_NO_ROUTE,   /* this machine knows no way there */
    VISOR_ANSWER_REFUSED,    /* the host is up, and nobody listens on the port */
    VISOR_ANSWER_FORBIDDEN,  /* by this machine's own firewall */
    VISOR_ANSWER_SILENT,     /* asked, and nothing came */
    VISOR_ANSWER_KISSED,     /* it refuses to serve us */
    VISOR_ANSWER_NOT_SYNCED, /* it says that its own time is not good */
};

struct visor_facts_reach {
    char name[VISOR_FACTS_LINE];
    enum visor_facts_answer answer;
    bool is_address;                             /* the name needs no name server */
    int64_t offset_ns, delay_ns, uncertainty_ns; /* GOOD: + is behind */
    int64_t slowest_ns;                          /* greatest delay of the exchanges */
};

/* chronyd's own word. */
struct visor_facts_chronyd {
    bool answers;
    uint32_t stratum, leap; /* leap 3: not synchronized */
    double offset_s, root_distance_s;
};

/* Other nodes of the same cluster, by trees that were collected there. */
struct visor_facts_nodes {
    uint32_t count, known, differ;                        /* known: their zone can be told */
    char first[VISOR_FACTS_TEXT], zone[VISOR_FACTS_TEXT]; /* the first that differs; "" : none */
};

struct visor_facts_card {
    char name[16], driver[32];
};

struct visor_facts {
    char release[VISOR_FACTS_TEXT];      /* of the kernel */
    char distribution[VISOR_FACTS_TEXT]; /* PRETTY_NAME */
    char cpu[VISOR_FACTS_TEXT];
    uint32_t cpus;
    char command_line[VISOR_FACTS_LINE]; /* of the kernel: only the words that concern time */

    enum visor_hypervisor hypervisor;
    char hypervisor_id[16]; /* CPUID signature as it stands there */
    enum visor_cloud cloud;
    char vendor[VISOR_FACTS_TEXT], product[VISOR_FACTS_TEXT], bios[VISOR_FACTS_TEXT]; /* DMI */
    char asset_tag[VISOR_FACTS_TEXT]; /* of the chassis */
    char container[VISOR_FACTS_TEXT]; /* "docker", "podman", "lxc", "kubernetes", …; "" : none */

    char clocksource[VISOR_FACTS_TEXT];
    char clocksources[VISOR_FACTS_CLOCKSOURCES][VISOR_FACTS_TEXT]; /* available */
    size_t clocksource_count;
    bool tsc, constant_tsc, nonstop_tsc, tsc_reliable, tsc_known_frequency; /* cpuinfo flags */
    uint32_t tsc_khz; /* as told by the hypervisor's CPUID leaf; 0: not told */

    struct visor_facts_device rtcs[VISOR_FACTS_DEVICES], phcs[VISOR_FACTS_DEVICES],
        pps[VISOR_FACTS_DEVICES], vmclocks[VISOR_FACTS_DEVICES];
    size_t rtc_count, phc_count, pps_count, vmclock_count;
    size_t rtc_more, phc_more, pps_more, vmclock_more;
    struct visor_facts_acpi vmclock_acpi, vmgenid;

    bool steal_known;
    double steal_s, cpu_s; /* since boot, all CPUs */

    struct visor_facts_kernel kernel;
    bool cap_sys_time;

    struct visor_facts_daemon daemons[VISOR_FACTS_DAEMONS];
    size_t daemon_count, daemon_more;
    struct visor_facts_source sources[VISOR_FACTS_SOURCES];
    size_t source_count, source_more;

    bool live; /* of a running machine, or of a tree that has what only that knows */
    char scaling_driver[VISOR_FACTS_TEXT]; /* of the processors' frequency */
    uint32_t hz;                           /* CONFIG_HZ, or as the clocks' steps tell it */
    char tick[16];                         /* "periodic", "idle", "full": CONFIG_NO_HZ_… */
    double timer_rate_hz;                  /* interrupts a second and processor since boot */
    bool vdso_known, vdso;
    double read_ns;                  /* what a reading of the clock takes; 0: not measured */
    bool rtc_local;                  /* /etc/adjtime says LOCAL */
    char zone[VISOR_FACTS_TEXT];     /* "Asia/Shanghai" */
    bool zone_known, tools_periodic; /* vmtoolsd's periodic sync is not known to be off */
    bool hyperv_sets;                /* hv_utils' timesync_implicit */
    bool marked;                     /* chrony.conf: dscp */
    /* A process in another mount namespace with another zone than ours: "" for none, or none that
     * may be looked into. */
    char other_zone_of[VISOR_FACTS_TEXT], other_zone[VISOR_FACTS_TEXT];
    struct visor_facts_nodes nodes;
    struct visor_facts_card cards[VISOR_FACTS_DEVICES];
    size_t card_count;
    struct visor_facts_reach reach[VISOR_FACTS_DEVICES];
    size_t reach_count;
    struct visor_facts_chronyd chronyd;
    bool log_known;
    char log[VISOR_FACTS_LINE]; /* the last line in which a time daemon complains; "" : none */

    bool network_known;                                      /* the routing table could be read */
    char route4[VISOR_FACTS_TEXT], route6[VISOR_FACTS_TEXT]; /* interface of the default route */
    char nameservers[VISOR_FACTS_NAMESERVERS][VISOR_FACTS_TEXT];
    size_t nameserver_count;
};

/* Names for people and JSON: "KVM", "Microsoft Hyper-V", …; "AWS", …; "chrony.conf", … Proper
 * names: not translated. "" for NONE. */
const char *visor_facts_hypervisor_name(enum visor_hypervisor hypervisor);
const char *visor_facts_cloud_name(enum visor_cloud cloud);
const char *visor_facts_origin_name(enum visor_facts_origin origin);

/* What the signature of CPUID leaf 0x40000000 means; UNKNOWN if it is not known. */
enum visor_hypervisor visor_facts_hypervisor_by_id(const char *id);
/* What the DMI strings mean: `*cloud`, and the hypervisor where they tell it (else NONE). */
enum visor_hypervisor visor_facts_hypervisor_by_dmi(const struct visor_facts *facts,
                                                    enum visor_cloud *cloud);
/* What the signature leaves open or has wrong, by what only one hypervisor or cloud offers. Call
 * when all is gathered. */
void visor_facts_conclude(struct visor_facts *facts);
/* Does this word of the kernel's command line concern time? (The others may hold secrets.) */
bool visor_facts_is_time_word(const char *word);
/* Is a process of this name one that keeps time? `*steers`: it sets the clock. */
bool visor_facts_is_time_daemon(const char *comm, bool *steers);

#endif
