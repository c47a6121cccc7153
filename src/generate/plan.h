/* The planner: from what somebody has and wants to a topology of time, layer by layer, and to a
 * simulated example of it, from which the figures come. Pure; thread-safe. */
#ifndef VISOR_GENERATE_PLAN_H
#define VISOR_GENERATE_PLAN_H

#include "config/text.h"

#include <stdbool.h>
#include <stdint.h>

#define VISOR_PLAN_LAYERS   4
#define VISOR_PLAN_FAILURES 10
#define VISOR_PLAN_SITES    2 /* that are simulated; more are like these */
#define VISOR_PLAN_SCRIPT   (16 * 1024)
#define VISOR_PLAN_FIRST    1800 /* s: the example has settled */
#define VISOR_PLAN_FAILS    3600 /* s: when a part of it fails, for good */
#define VISOR_PLAN_ENDS     7200

enum visor_plan_platform {
    VISOR_PLAN_METAL,
    VISOR_PLAN_KVM,
    VISOR_PLAN_VMWARE,
    VISOR_PLAN_HYPERV,
    VISOR_PLAN_XEN,
    VISOR_PLAN_PROXMOX,
    VISOR_PLAN_PLATFORMS
};

enum visor_plan_cloud {
    VISOR_PLAN_AWS,
    VISOR_PLAN_AZURE,
    VISOR_PLAN_GCP,
    VISOR_PLAN_ALIBABA,
    VISOR_PLAN_TENCENT,
    VISOR_PLAN_ORACLE,
    VISOR_PLAN_CLOUDS
};

struct visor_plan_needs {
    int machines;       /* virtual or not, 1 … 10^7 */
    int sites;          /* 1 … 1000 */
    unsigned platforms; /* bits 1 << enum visor_plan_platform, of what is not in a cloud */
    unsigned clouds;    /* bits 1 << enum visor_plan_cloud */
    bool containers, air_gapped;
    bool receivers;   /* satellite receivers can be had, with a view of the sky */
    double limit_s;   /* what is wanted of the error bound, s */
    double outside_s; /* round trip to servers outside, s */
    double between_s; /* and between sites */
};

enum visor_plan_kind {
    VISOR_PLAN_REFERENCE, /* where the time comes from */
    VISOR_PLAN_SERVER,    /* machines that do nothing else, or hosts that serve */
    VISOR_PLAN_HOST,
    VISOR_PLAN_GUEST,
};

enum visor_plan_size { VISOR_PLAN_SMALL, VISOR_PLAN_MEDIUM, VISOR_PLAN_LARGE };

/* Of the topology: what a layer is, and which files its machines get (targets of generate). */
struct visor_plan_layer {
    enum visor_plan_kind kind;
    int count;           /* machines, all sites together; 0: not ours */
    const char *what;    /* gettext */
    const char *asks;    /* gettext: whom it asks */
    const char *targets; /* words with a blank between; "" : none */
    char machine[16];    /* of the example: "guest1" */
};

/* What may fail in the example, and the line of the script that makes it. */
struct visor_plan_failure {
    const char *what; /* gettext */
    char event[64];
};

/* What can be had by what means, against what is wanted. */
enum visor_plan_reach {
    VISOR_PLAN_REACHED,  /* the simulated bound decides */
    VISOR_PLAN_HARDWARE, /* only with hardware time stamps on the way: PTP, PHC */
    VISOR_PLAN_NOT,      /* by no packet network: the same signal on a calibrated cable */
};

struct visor_plan {
    struct visor_plan_needs needs;
    enum visor_plan_size size;
    enum visor_plan_reach reach;
    bool own_reference; /* receivers, and not servers outside */
    bool cloud_only;    /* each instance asks its cloud */
    struct visor_plan_layer layers[VISOR_PLAN_LAYERS];
    int layer_count;
    struct visor_plan_failure failures[VISOR_PLAN_FAILURES];
    int failure_count;
    const char *notes[8]; /* gettext: what must be known */
    int note_count;
};

/* Why `needs` make no plan (gettext); NULL: they do. */
const char *visor_plan_check(const struct visor_plan_needs *needs);

/* needs must be good. */
void visor_plan_make(const struct visor_plan_needs *needs, struct visor_plan *plan);

/* The example as a scenario for the simulator, with failure `failure` (-1: nothing fails). False:
 * it did not fit. */
bool visor_plan_script(const struct visor_plan *plan, int failure, struct visor_text *out);

const char *visor_plan_platform_word(enum visor_plan_platform platform);
const char *visor_plan_cloud_word(enum visor_plan_cloud cloud);

#endif
