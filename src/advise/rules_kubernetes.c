/* Kubernetes manifests: who keeps a node's time, and which zone its pods believe to be in. */
#include "advise/container.h"
#include "advise/groups.h"

#include <string.h>

#define KUBERNETES VISOR_KIND_KUBERNETES
#define NAMESPACES "time_namespaces(7): CLOCK_REALTIME is not virtualized"

/* Manifests are the documents of the file, and the items of a List. */
static const struct visor_node *next_manifest(const struct visor_check *check,
                                              const struct visor_node *manifest)
{
    const struct visor_node *node =
        manifest ? visor_node_next(manifest) : check->document->root->first;

    while (node && !(visor_node_child(node, "apiVersion") && visor_node_child(node, "kind")))
        node = visor_node_next(node);
    return node;
}

static const struct visor_node *pod_spec(const struct visor_node *manifest)
{
    const struct visor_node *spec = visor_node_path(manifest, "spec/template/spec");

    if (!spec)
        spec = visor_node_path(manifest, "spec/jobTemplate/spec/template/spec");
    if (!spec && strcmp(visor_node_text(manifest, "kind"), "Pod") == 0)
        spec = visor_node_child(manifest, "spec");
    return spec;
}

static const struct visor_node *next_container(const struct visor_node *manifest,
                                               const struct visor_node *container)
{
    const struct visor_node *containers = visor_node_child(pod_spec(manifest), "containers");

    return container ? container->next : containers ? containers->first : NULL;
}

static bool is_true(const struct visor_node *node)
{
    return node && visor_same(node->value, "true");
}

static bool keeps_time(const struct visor_node *container)
{
    return visor_container_is_time_daemon(visor_node_text(container, "image")) ||
           visor_container_is_time_daemon(visor_node_text(container, "name"));
}

static bool has_word(const struct visor_node *list, const char *text)
{
    for (const struct visor_node *item = list ? list->first : NULL; item; item = item->next)
        if (visor_contains(item->value, text))
            return true;
    return false;
}

static const struct visor_node *capability(const struct visor_node *container, const char *name)
{
    const struct visor_node *list = visor_node_path(container, "securityContext/capabilities/add");

    for (const struct visor_node *item = list ? list->first : NULL; item; item = item->next)
        if (visor_contains(item->value, name))
            return item;
    return NULL;
}

static bool is_privileged(const struct visor_node *container)
{
    return is_true(visor_node_path(container, "securityContext/privileged"));
}

static bool only_serves(const struct visor_node *container)
{
    return has_word(visor_node_child(container, "args"), "-x") ||
           has_word(visor_node_child(container, "command"), "-x");
}

static void check_no_right(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            if (keeps_time(container) && !is_privileged(container) &&
                !capability(container, "SYS_TIME") && !capability(container, "ALL") &&
                !only_serves(container) && !check->document->incomplete)
                visor_check_found(check, container, "image: %s; capabilities SYS_TIME: none",
                                  visor_node_text(container, "image"));
        }
    }
}

static void check_privileged(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            if (keeps_time(container) && is_privileged(container))
                visor_check_found(check, visor_node_path(container, "securityContext/privileged"),
                                  "image: %s; privileged: true",
                                  visor_node_text(container, "image"));
        }
    }
}

static void check_needless_right(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *item = capability(container, "SYS_TIME");

            if (item && !keeps_time(container) &&
                !visor_container_may_set_time(visor_node_text(container, "image")))
                visor_check_found(check, item, "image: %s; %s", visor_node_text(container, "image"),
                                  item->value);
        }
    }
}

static bool sets_clock(const struct visor_node *manifest)
{
    for (const struct visor_node *container = NULL;
         (container = next_container(manifest, container));) {
        if (keeps_time(container) && !only_serves(container) &&
            (is_privileged(container) || capability(container, "SYS_TIME")))
            return true;
    }
    return false;
}

static void check_not_daemonset(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        const char *kind = visor_node_text(manifest, "kind");

        if ((strcmp(kind, "Deployment") == 0 || strcmp(kind, "StatefulSet") == 0 ||
             strcmp(kind, "ReplicaSet") == 0 || strcmp(kind, "CronJob") == 0) &&
            sets_clock(manifest))
            visor_check_found(check, visor_node_child(manifest, "kind"), "kind: %s", kind);
    }
}

static void check_beside_node(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        if (strcmp(visor_node_text(manifest, "kind"), "DaemonSet") == 0 && sets_clock(manifest))
            visor_check_found(check, visor_node_child(manifest, "kind"), "DaemonSet %s",
                              visor_node_text(visor_node_child(manifest, "metadata"), "name"));
    }
}

static void check_host_network(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        if (strcmp(visor_node_text(manifest, "kind"), "DaemonSet") == 0 && sets_clock(manifest) &&
            !is_true(visor_node_child(pod_spec(manifest), "hostNetwork")))
            visor_check_found(check, pod_spec(manifest), "hostNetwork: none");
    }
}

static void check_no_selector(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        const char *kind = visor_node_text(manifest, "kind");

        if ((strcmp(kind, "DaemonSet") == 0 || strcmp(kind, "Deployment") == 0) &&
            visor_begins(visor_node_text(manifest, "apiVersion"), "apps/") &&
            visor_node_child(manifest, "spec") && !visor_node_path(manifest, "spec/selector") &&
            !check->document->incomplete)
            visor_check_found(check, visor_node_child(manifest, "spec"), "%s: selector: none",
                              kind);
    }
}

/* Without a tag it is latest, too. */
static bool is_latest(const char *image)
{
    const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;

    return *image && !strchr(image, '@') && !strchr(image, '{') &&
           (!strchr(name, ':') || visor_ends(name, ":latest"));
}

static void check_latest(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *image = visor_node_child(container, "image");

            if (image && keeps_time(container) && is_latest(image->value))
                visor_check_found(check, image, "image: %s", image->value);
        }
    }
}

/* The volume of this name, by hostPath; NULL if it is none. */
static const struct visor_node *host_path(const struct visor_node *manifest, const char *name)
{
    const struct visor_node *volumes = visor_node_child(pod_spec(manifest), "volumes");

    for (const struct visor_node *item = volumes ? volumes->first : NULL; item; item = item->next)
        if (!name || strcmp(visor_node_text(item, "name"), name) == 0)
            return visor_node_path(item, "hostPath/path");
    return NULL;
}

static const struct visor_node *localtime_mount(const struct visor_node *container)
{
    const struct visor_node *mounts = visor_node_child(container, "volumeMounts");

    for (const struct visor_node *item = mounts ? mounts->first : NULL; item; item = item->next)
        if (strcmp(visor_node_text(item, "mountPath"), "/etc/localtime") == 0)
            return item;
    return NULL;
}

static const struct visor_node *zone_variable(const struct visor_node *container)
{
    const struct visor_node *list = visor_node_child(container, "env");

    for (const struct visor_node *item = list ? list->first : NULL; item; item = item->next)
        if (strcmp(visor_node_text(item, "name"), "TZ") == 0)
            return item;
    return NULL;
}

static void check_zone_by_host(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *mount = localtime_mount(container);
            const struct visor_node *path =
                mount ? host_path(manifest, visor_node_text(mount, "name")) : NULL;

            if (path)
                visor_check_found(check, mount, "hostPath: %s", path->value);
        }
    }
}

static void check_zone_twice(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *zone = zone_variable(container);

            if (zone && localtime_mount(container))
                visor_check_found(check, zone, "TZ: %s; mountPath: /etc/localtime",
                                  visor_node_text(zone, "value"));
        }
    }
}

static void check_zone_name(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *zone = zone_variable(container);
            const struct visor_node *value = visor_node_child(zone, "value");

            if (value && !visor_container_is_zone(value->value))
                visor_check_found(check, value, "TZ: %s", value->value);
        }
    }
}

static void check_mixed_zones(struct visor_check *check)
{
    const char *first = NULL;

    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *value = visor_node_child(zone_variable(container), "value");

            if (value && first && strcmp(first, value->value) != 0) {
                visor_check_found(check, value, "TZ: %s; TZ: %s", first, value->value);
                return;
            }
            first = value ? value->value : first;
        }
    }
}

static void check_cron_zone(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        const struct visor_node *schedule = visor_node_path(manifest, "spec/schedule");

        if (strcmp(visor_node_text(manifest, "kind"), "CronJob") != 0 || !schedule)
            continue;
        if (visor_begins(schedule->value, "TZ=") || visor_begins(schedule->value, "CRON_TZ="))
            visor_check_found(check, schedule, "schedule: %s", schedule->value);
    }
}

static void check_no_cron_zone(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        const struct visor_node *schedule = visor_node_path(manifest, "spec/schedule");

        if (strcmp(visor_node_text(manifest, "kind"), "CronJob") == 0 && schedule &&
            schedule->value[0] != '@' && !visor_contains(schedule->value, "TZ=") &&
            !visor_node_path(manifest, "spec/timeZone") &&
            strstr(schedule->value, "* * * *") != schedule->value + 2 &&
            !visor_begins(schedule->value, "*"))
            visor_check_found(check, schedule, "schedule: %s; timeZone: none", schedule->value);
    }
}

static void check_chrony_mount(struct visor_check *check)
{
    for (const struct visor_node *manifest = NULL; (manifest = next_manifest(check, manifest));) {
        for (const struct visor_node *container = NULL;
             (container = next_container(manifest, container));) {
            const struct visor_node *mounts = visor_node_child(container, "volumeMounts");

            for (const struct visor_node *item = mounts ? mounts->first : NULL; item;
                 item = item->next)
                if (visor_ends(visor_node_text(item, "mountPath"), "/chrony.conf") &&
                    *visor_node_text(item, "subPath"))
                    visor_check_found(check, item, "mountPath: %s; subPath: %s",
                                      visor_node_text(item, "mountPath"),
                                      visor_node_text(item, "subPath"));
        }
    }
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-K8S-001",
        .kinds = KUBERNETES,
        .severity = VISOR_RED,
        .what = N_("A pod that is to keep the node's time has no right to set its clock"),
        .why = N_(
            "chronyd ends at once (adjtimex: Operation not permitted) or only observes; the node's "
            "clock is kept by nobody, while the pod's name says otherwise."),
        .fix = "+securityContext:\n+  capabilities:\n+    drop: [ALL]\n"
               "+    add: [SYS_TIME, NET_BIND_SERVICE, SETUID, SETGID, CHOWN]\n"
               " better: chronyd on the node itself, no pod",
        .source = "capabilities(7), CAP_SYS_TIME",
        .check = check_no_right,
    },
    {
        .id = "TV-K8S-002",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("A time daemon's pod has all rights over the node (privileged)"),
        .why = N_(
            "It needs one: SYS_TIME. Whoever breaks into an NTP daemon, which talks to the whole "
            "network, otherwise has the node."),
        .fix = "-  privileged: true\n+  capabilities:\n+    drop: [ALL]\n+    add: [SYS_TIME]",
        .source = "Kubernetes, Pod Security Standards: baseline",
        .check = check_privileged,
    },
    {
        .id = "TV-K8S-003",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("A pod that keeps no time may set the node's clock (SYS_TIME)"),
        .why = N_("What it sets, the node and every other pod get."),
        .fix = "-    add: [SYS_TIME]",
        .source = NAMESPACES,
        .check = check_needless_right,
    },
    {
        .id = "TV-K8S-004",
        .kinds = KUBERNETES,
        .severity = VISOR_RED,
        .what = N_("A node's clock is to be kept by pods that are not one a node"),
        .why = N_("Some nodes get two, which fight over one clock, and others none."),
        .fix = "-kind: Deployment\n+kind: DaemonSet",
        .source = "Kubernetes, DaemonSet; " NAMESPACES,
        .check = check_not_daemonset,
    },
    {
        .id = "TV-K8S-005",
        .kinds = KUBERNETES,
        .severity = VISOR_NOTE,
        .what = N_(
            "A DaemonSet sets the nodes' clocks, where most nodes have a time daemon of their own"),
        .why = N_(
            "Two writers on one clock contradict each other; and a node must have the time before "
            "it "
            "can check the cluster's certificates and start any pod. The node's own daemon is the "
            "place."),
        .fix = " on each node: systemctl is-active chronyd systemd-timesyncd",
        .source = NAMESPACES "; kubelet: bootstrap certificates need a right clock",
        .check = check_beside_node,
    },
    {
        .id = "TV-K8S-006",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("The node's time is kept through the pods' network (no hostNetwork)"),
        .why = N_("Each packet goes through address translation and the overlay: more and uneven "
                  "delay, no "
                  "hardware stamps, and no time before the network plugin runs."),
        .fix = "+      hostNetwork: true\n+      dnsPolicy: ClusterFirstWithHostNet",
        .source = "Kubernetes, hostNetwork",
        .check = check_host_network,
    },
    {
        .id = "TV-K8S-007",
        .kinds = KUBERNETES,
        .severity = VISOR_RED,
        .what = N_("The manifest lacks its selector and is refused"),
        .why = N_("apps/v1 demands spec.selector; nothing is created."),
        .fix = "+  selector:\n+    matchLabels: {app: chrony}\n   template:\n+    metadata:\n"
               "+      labels: {app: chrony}",
        .source = "Kubernetes API, apps/v1: spec.selector is required",
        .check = check_no_selector,
    },
    {
        .id = "TV-K8S-008",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("A time daemon's image is whatever is latest"),
        .why = N_("After a restart the nodes may run different daemons with different defaults, "
                  "and nobody "
                  "decided it."),
        .fix = "-image: chrony:latest\n+image: registry.example/chrony@sha256:…",
        .source = "Kubernetes, Configuration Best Practices: avoid :latest",
        .check = check_latest,
    },
    {
        .id = "TV-K8S-009",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("One pod's time zone is its node's file, by hostPath"),
        .why = N_("The pod has whatever zone the node has on which it lands, and restricted "
                  "clusters refuse "
                  "hostPath. TZ says it for the pod itself, if the image has tzdata."),
        .fix = "-    - {name: localtime, mountPath: /etc/localtime}\n"
               "-  volumes: [{name: localtime, hostPath: {path: /etc/localtime}}]\n"
               "+    env: [{name: TZ, value: Asia/Shanghai}]",
        .source = "Kubernetes, Pod Security Standards: hostPath is forbidden in baseline; tzset(3)",
        .check = check_zone_by_host,
    },
    {
        .id = "TV-K8S-010",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("The time zone is told twice, by TZ and by a mounted /etc/localtime"),
        .why = N_("Programs that read TZ follow the one, others the file: one pod shows two local "
                  "times on a "
                  "node of another zone."),
        .fix = "-    - {name: localtime, mountPath: /etc/localtime}",
        .source = "tzset(3): TZ goes before /etc/localtime",
        .check = check_zone_twice,
    },
    {
        .id = "TV-K8S-011",
        .kinds = KUBERNETES,
        .severity = VISOR_ORANGE,
        .what = N_("TZ has a value that is no name of a zone"),
        .why =
            N_("The C library silently uses UTC under that label; China's zone is Asia/Shanghai."),
        .fix = "-      value: CST\n+      value: Asia/Shanghai",
        .source = "tzset(3); IANA time zone database",
        .check = check_zone_name,
    },
    {
        .id = "TV-K8S-012",
        .kinds = KUBERNETES,
        .severity = VISOR_YELLOW,
        .what = N_("Pods of one application have different time zones"),
        .why = N_("Their logs cannot be laid beside each other, and what one writes as local time "
                  "another "
                  "reads wrongly."),
        .fix = "-      value: America/New_York\n+      value: Asia/Shanghai",
        .source = "tzset(3)",
        .check = check_mixed_zones,
    },
    {
        .id = "TV-K8S-013",
        .kinds = KUBERNETES,
        .severity = VISOR_RED,
        .what = N_("A CronJob's time zone stands in its schedule"),
        .why = N_("Kubernetes 1.29 and later refuse it; timeZone is the field for it."),
        .fix = "-  schedule: \"CRON_TZ=Asia/Shanghai 0 3 * * *\"\n+  schedule: \"0 3 * * *\"\n"
               "+  timeZone: Asia/Shanghai",
        .source = "Kubernetes, CronJob: unsupported TimeZone specification",
        .check = check_cron_zone,
    },
    {
        .id = "TV-K8S-014",
        .kinds = KUBERNETES,
        .severity = VISOR_NOTE,
        .what = N_("A CronJob at a certain hour names no time zone"),
        .why = N_("The hour is then that of the control plane's process, mostly UTC: 3:00 is 11:00 "
                  "in China."),
        .fix = "+  timeZone: Asia/Shanghai",
        .source = "Kubernetes, CronJob: timeZone",
        .check = check_no_cron_zone,
    },
    {
        .id = "TV-K8S-015",
        .kinds = KUBERNETES,
        .severity = VISOR_NOTE,
        .what =
            N_("The configuration is mounted by subPath: changes of the ConfigMap do not reach it"),
        .why = N_("A volume by subPath is never updated; servers that were changed take effect "
                  "only when the "
                  "pods are started anew."),
        .fix = " kubectl rollout restart daemonset chrony",
        .source = "Kubernetes, ConfigMaps: a container using a subPath mount receives no updates",
        .check = check_chrony_mount,
    },
};

const struct visor_rules visor_rules_kubernetes = VISOR_RULES(rules);
