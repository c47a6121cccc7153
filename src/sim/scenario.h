/* A scenario as data: what is in the world, what happens to it and what is expected of it.
 * script.h reads the text form (docs/simulation.md), chaos.h makes random ones. Names are
 * resolved to indices already. */
#ifndef VISOR_SIM_SCENARIO_H
#define VISOR_SIM_SCENARIO_H

#include "config/config.h"
#include "engine/event.h"
#include "sim/network.h"
#include "sim/oscillator.h"
#include "sim/score.h"
#include "sim/server.h"

#include <stddef.h>
#include <stdint.h>

#define VISOR_SCENARIO_NAME_MAX     32
#define VISOR_SCENARIO_TITLE_MAX    160
#define VISOR_SCENARIO_NETWORKS_MAX 1000
#define VISOR_SCENARIO_SERVERS_MAX  10000
#define VISOR_SCENARIO_HOSTS_MAX    100000 /* with `count` */
#define VISOR_SCENARIO_DEVICES_MAX  1000
#define VISOR_SCENARIO_MISHAPS_MAX  10000
#define VISOR_SCENARIO_EXPECTS_MAX  1000
#define VISOR_SCENARIO_ANY          UINT32_MAX /* a random member each time */
#define VISOR_SCENARIO_NONE         UINT32_MAX /* an index that is not set */

enum visor_stamping { VISOR_STAMPING_KERNEL, VISOR_STAMPING_DAEMON, VISOR_STAMPING_HARDWARE };

struct visor_scenario_network {
    char name[VISOR_SCENARIO_NAME_MAX];
    struct visor_network_model model;
};

struct visor_scenario_server {
    char name[VISOR_SCENARIO_NAME_MAX];
    uint32_t network;
    struct visor_server_model model;
};

/* A host without timevisord: see legacy.h. */
struct visor_scenario_legacy {
    enum visor_legacy_kind { VISOR_LEGACY_NONE, VISOR_LEGACY_FOLLOWS, VISOR_LEGACY_SNTP } kind;
    uint32_t target;  /* as in an address (world.h); a followed one is the first of its group */
    double every;     /* s */
    double threshold; /* s: what is larger is stepped */
};

/* While the clock is synchronised the kernel copies it to the RTC … */
enum visor_scenario_copied {
    VISOR_COPIED_NEVER,
    VISOR_COPIED_EXACTLY,
    VISOR_COPIED_WHOLE, /* … whose seconds go on to begin when they did */
};

/* A real-time clock that is watched. */
struct visor_scenario_rtc {
    bool exists;
    bool derived; /* from the host's own CLOCK_REALTIME */
    enum visor_scenario_copied copied;
    double offset;    /* s, RTC - UTC at the start */
    double frequency; /* s/s */
    double noise;     /* s, deviation of an edge's stamp */
};

struct visor_scenario_host {
    char name[VISOR_SCENARIO_NAME_MAX]; /* with count > 1: the n-th is called name1 … namen */
    uint32_t count;
    uint32_t network; /* its own access link, besides the server's; NONE: none */
    enum visor_oscillator_kind kind;
    struct visor_oscillator_model oscillator;
    bool frequency_given; /* else it is drawn from the tolerance */
    bool offset_given;    /* else it is drawn from +-offset */
    double offset;        /* s, REALTIME - UTC at the start */
    double start;         /* s, when the daemon starts */
    bool drift_known;     /* a drift file with the true frequency of the start */
    enum visor_stamping stamping;
    struct visor_scenario_rtc rtc;
    uint32_t watches; /* bits 1 << enum visor_witness_kind: what else it has and watches */
    double phc_noise; /* s, deviation of a watched PHC's reading */
    struct visor_scenario_legacy legacy;
    const struct visor_config *config; /* owned by the scenario; shared by `count` hosts */
};

/* A configuration and the text that it was made of, without its end. */
struct visor_scenario_config {
    struct visor_config *config;
    char *text;
    size_t size;
};

/* A reference clock of a host; refclock directives find it by the parameter before its options. */
struct visor_scenario_device {
    char name[2 * VISOR_SCENARIO_NAME_MAX]; /* "/dev/ptp0", "0" for SHM 0, … */
    uint32_t host;                          /* group */
    double noise;                           /* s, deviation of each sample */
    double offset;                          /* s, reference - UTC */
    double reading;   /* s, how long a read of a PHC takes: half of it is its uncertainty */
    uint32_t follows; /* a host whose CLOCK_REALTIME it serves, as ptp_kvm; NONE: UTC */
};

/* What can happen, to a host, a server or a network. `at`: s; `every` > 0: again and again. */
enum visor_mishap_kind {
    /* hosts */
    VISOR_MISHAP_PAUSE,   /* number[0] s: true time passes, the machine and its clocks do not */
    VISOR_MISHAP_SUSPEND, /* number[0] s: the same, by its own kernel, which sets REALTIME after it
                           */
    VISOR_MISHAP_STALL,   /* number[0] s: the machine stands still, its counter runs on */
    VISOR_MISHAP_MIGRATE, /* number: downtime s, counter jump s, change of rate s/s */
    VISOR_MISHAP_RESTORE, /* number[0] s since the snapshot: as a pause; what was on its way is
                             lost */
    VISOR_MISHAP_STEAL,   /* number: share, for s, mean length of a theft s */
    VISOR_MISHAP_IO,      /* number: mean latency s of the daemon, for s */
    VISOR_MISHAP_RATE,    /* number[0] s/s: the counter's rate changes (CPU frequency) */
    VISOR_MISHAP_JUMP,    /* number[0] s >= 0: the counter jumps forward */
    VISOR_MISHAP_STEP,    /* number[0] s: somebody else steps REALTIME */
    VISOR_MISHAP_SLEW,    /* number[0] s: somebody else calls adjtime() */
    VISOR_MISHAP_FREQUENCY, /* number[0] s/s: somebody else sets the kernel's frequency */
    VISOR_MISHAP_RESTART,   /* number[0] s: the daemon is down so long */
    /* servers */
    VISOR_MISHAP_SERVER_STEP,      /* number[0] s */
    VISOR_MISHAP_SERVER_FREQUENCY, /* number[0] s/s: it runs away */
    VISOR_MISHAP_SERVER_FREEZE,    /* answers with one and the same time */
    VISOR_MISHAP_SERVER_DIE,
    VISOR_MISHAP_SERVER_RETURN, /* from the dead */
    VISOR_MISHAP_SERVER_UNSYNC, /* says that it is not synchronised */
    VISOR_MISHAP_SERVER_REPAIR, /* all of the above undone */
    /* devices */
    VISOR_MISHAP_DEVICE_FAIL,
    VISOR_MISHAP_DEVICE_RETURN,
    VISOR_MISHAP_DEVICE_STEP,   /* number[0] s */
    VISOR_MISHAP_DEVICE_FREEZE, /* always the same time */
    /* servers' paths and networks */
    VISOR_MISHAP_DELAY,        /* number: up, down: s more than at the start */
    VISOR_MISHAP_DELAY_UP,     /* number[0] */
    VISOR_MISHAP_DELAY_DOWN,   /* number[0] */
    VISOR_MISHAP_JITTER,       /* number[0]: times that of the start */
    VISOR_MISHAP_LOSS,         /* number[0]: probability, besides that of the start */
    VISOR_MISHAP_CUT,          /* nothing passes */
    VISOR_MISHAP_RESTORE_PATH, /* as at the start */
    VISOR_MISHAP_KINDS,
};

enum visor_mishap_target {
    VISOR_TARGET_HOST,
    VISOR_TARGET_SERVER,
    VISOR_TARGET_NETWORK,
    VISOR_TARGET_DEVICE,
};

struct visor_scenario_mishap {
    double at, every, until; /* s */
    enum visor_mishap_kind kind;
    enum visor_mishap_target target;
    uint32_t index;  /* of the target's group */
    uint32_t member; /* of a group of hosts, from 1; 0: all; ANY */
    double number[3];
    uint32_t line; /* 0: not from a file */
};

/* What must be true; checked at every whole second in [from, until], or at the end. */
enum visor_expect_kind {
    VISOR_EXPECT_ERROR,          /* |REALTIME - UTC| < limit s */
    VISOR_EXPECT_AHEAD,          /* REALTIME - UTC < limit s: no overshoot after standing still */
    VISOR_EXPECT_BEHIND,         /* UTC - REALTIME < limit s */
    VISOR_EXPECT_ESTIMATE,       /* |published UTC - UTC| < limit s, and it is published */
    VISOR_EXPECT_BOUND,          /* published bound < limit s */
    VISOR_EXPECT_UNSYNCHRONIZED, /* share of its time with another status < limit */
    VISOR_EXPECT_SELECTED,       /* `server` is the selected source */
    VISOR_EXPECT_AVOIDED,        /* … is not */
    VISOR_EXPECT_RMS,            /* at the end, from statistics: of REALTIME, s */
    VISOR_EXPECT_MAX,
    VISOR_EXPECT_P99,         /* 99 % of the seconds are within, s */
    VISOR_EXPECT_OUTAGE,      /* the longest time beyond statistics' error, s */
    VISOR_EXPECT_MEDIAN,      /* of the bound, s */
    VISOR_EXPECT_SYNC,        /* s */
    VISOR_EXPECT_PACKETS,     /* sent, at most */
    VISOR_EXPECT_STEPS,       /* made, at most */
    VISOR_EXPECT_SELECTIONS,  /* changes of source, at most */
    VISOR_EXPECT_UNCORRECTED, /* the clock was never touched: a refusal */
    VISOR_EXPECT_KINDS,
};

struct visor_scenario_expect {
    enum visor_expect_kind kind;
    uint32_t host;   /* group; NONE: all hosts */
    uint32_t server; /* SELECTED, AVOIDED */
    double limit, from, until;
    uint32_t line;
};

struct visor_scenario {
    char title[VISOR_SCENARIO_TITLE_MAX];
    double duration; /* s */
    uint64_t seed;
    uint32_t repeat;
    int64_t start_s; /* UTC at the start, s since 1970 */
    struct visor_score_limits limits;
    bool report_recovery; /* outages and recoveries are of interest */

    struct visor_scenario_network *networks;
    size_t network_count;
    struct visor_scenario_server *servers;
    size_t server_count;
    struct visor_scenario_host *hosts;
    size_t host_count;
    struct visor_scenario_device *devices;
    size_t device_count;
    struct visor_scenario_mishap *mishaps;
    size_t mishap_count;
    struct visor_scenario_expect *expects;
    size_t expect_count;
    struct visor_scenario_config *configs;
    size_t config_count;
};

void visor_scenario_init(struct visor_scenario *scenario); /* empty, with the defaults */
void visor_scenario_done(struct visor_scenario *scenario);

/* Append one with the defaults; NULL without memory or at the limit. */
struct visor_scenario_network *visor_scenario_add_network(struct visor_scenario *scenario,
                                                          const char *name);
struct visor_scenario_server *visor_scenario_add_server(struct visor_scenario *scenario,
                                                        const char *name, uint32_t network);
struct visor_scenario_host *visor_scenario_add_host(struct visor_scenario *scenario,
                                                    const char *name,
                                                    enum visor_oscillator_kind kind);

struct visor_scenario_device *visor_scenario_add_device(struct visor_scenario *scenario,
                                                        const char *name, uint32_t host);
bool visor_scenario_add_mishap(struct visor_scenario *scenario,
                               const struct visor_scenario_mishap *mishap);
bool visor_scenario_add_expect(struct visor_scenario *scenario,
                               const struct visor_scenario_expect *expect);

const char *visor_scenario_mishap_name(enum visor_mishap_kind kind); /* as in a scenario file */

/* The scenario owns `config` from now on; `text` is copied. False without memory (the caller still
 * owns it). */
bool visor_scenario_own_config(struct visor_scenario *scenario, struct visor_config *config,
                               const char *text, size_t size);

/* The text behind a host's configuration; NULL if there is none. */
const struct visor_scenario_config *
visor_scenario_find_config(const struct visor_scenario *scenario,
                           const struct visor_config *config);

#endif
