/* Dockerfiles and Compose: containers have no clock of their own. */
#include "advise/command.h"
#include "advise/container.h"
#include "advise/groups.h"

#include <string.h>

#define LINE       2048 /* of a command; a daemon is started near its beginning */
#define DOCKER     VISOR_KIND_DOCKERFILE
#define COMPOSE    VISOR_KIND_COMPOSE
#define NAMESPACES "time_namespaces(7): CLOCK_REALTIME is not virtualized"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_one_of(const char *word, size_t length, const char *const *names)
{
    for (; *names; names++)
        if (strlen(*names) == length && strncmp(word, *names, length) == 0)
            return true;
    return false;
}

bool visor_container_is_time_daemon(const char *name)
{
    static const char *const daemons[] = {"chrony", "chronyd",  "ntp",       "ntpd",
                                          "ntpsec", "openntpd", "timesyncd", "timevisord",
                                          "ptp4l",  "phc2sys",  "linuxptp",  NULL};
    static const char *const others[] = {"exporter",  "prometheus", "metrics", "monitor", "client",
                                         "dashboard", "ui",         "test",    NULL};
    const char *slash = strrchr(name, '/'), *at = slash ? slash + 1 : name;
    bool found = false;

    while (*at && *at != ':' && *at != '@') {
        size_t length = 0;

        while (is_letter(at[length]))
            length++;
        if (is_one_of(at, length, others))
            return false;
        found = found || is_one_of(at, length, daemons);
        at += length + (length == 0);
    }
    return found;
}

/* Ours only observes where it has no right; with the right, it keeps the time. */
bool visor_container_may_set_time(const char *name)
{
    return visor_container_is_time_daemon(name) || visor_contains(name, "timevisor");
}

/* The brackets and commas of the exec form are no part of the words; what ends a command is a word
 * of its own, and behind -c a command begins. */
static void as_line(const char *command, char line[LINE])
{
    size_t n = 0;

    for (const char *at = command; *at && n + 4 < LINE; at++) {
        bool ends = strchr(";&|\n", *at);

        line[n++] = ends || strchr("[],\"\r\\", *at) ? ' ' : *at;
        if (ends) {
            line[n++] = ';';
            line[n++] = ' ';
        }
    }
    line[n] = '\0';
    for (char *at = line; (at = strstr(at, " -c ")); at += 3) {
        at[1] = ';';
        at[2] = ' ';
    }
}

bool visor_container_starts_time_daemon(const char *command)
{
    static const char *const daemons[] = {
        "chronyd", "ntpd",  "openntpd", "systemd-timesyncd", "timevisord", "phc2sys", "ntp-daemon",
        "ntpd-rs", "ptp4l", NULL};
    struct visor_command program;
    char line[LINE];

    as_line(command, line);
    visor_command_begin(&program, line);
    while (visor_command_next(&program))
        if (is_one_of(program.program, strlen(program.program), daemons))
            return true;
    return false;
}

/* Cities that people look for in the zone database, and that it does not have. */
static bool is_missing_city(const char *zone)
{
    static const char *const cities[] = {"Asia/Beijing",
                                         "Asia/Peking",
                                         "Asia/Shenzhen",
                                         "Asia/Guangzhou",
                                         "Asia/Hangzhou",
                                         "Asia/Mumbai",
                                         "Asia/Delhi",
                                         "Asia/New_Delhi",
                                         "Asia/Bangalore",
                                         "Asia/Bengaluru",
                                         "Asia/Chennai",
                                         "Asia/Osaka",
                                         "Asia/Hanoi",
                                         "Asia/Abu_Dhabi",
                                         "Asia/Islamabad",
                                         "Europe/Munich",
                                         "Europe/Frankfurt",
                                         "Europe/Hamburg",
                                         "Europe/Cologne",
                                         "Europe/Geneva",
                                         "Europe/Milan",
                                         "Europe/Barcelona",
                                         "Europe/Lyon",
                                         "Europe/Manchester",
                                         "America/Boston",
                                         "America/Washington",
                                         "America/Miami",
                                         "America/Dallas",
                                         "America/Houston",
                                         "America/Seattle",
                                         "America/San_Francisco",
                                         "America/Atlanta",
                                         "America/Rio_de_Janeiro",
                                         "America/Brasilia"};

    for (size_t i = 0; i < sizeof(cities) / sizeof(cities[0]); i++)
        if (visor_same(zone, cities[i]))
            return true;
    return false;
}

bool visor_container_is_zone(const char *zone)
{
    const char *at = zone;

    if (!*zone || strchr("$\"'", *zone))
        return true; /* filled in later */
    if (strchr(zone, ',') || is_missing_city(zone))
        return strchr(zone, ',') != NULL; /* a rule of POSIX */
    if (visor_contains(zone, "/")) {      /* Area/City */
        for (; *at; at++)
            if (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || strchr("/_+-", *at) ||
                  (*at >= '0' && *at <= '9')))
                return false;
        return !(zone[0] >= 'a' && zone[0] <= 'z') || visor_begins(zone, "posix/") ||
               visor_begins(zone, "right/");
    }
    return visor_same(zone, "UTC") || visor_same(zone, "GMT") || visor_same(zone, "PRC") ||
           visor_same(zone, "Japan") || visor_same(zone, "ROK") || visor_same(zone, "Singapore") ||
           visor_same(zone, "Hongkong") || visor_same(zone, "Zulu") || visor_same(zone, "CET") ||
           visor_same(zone, "EET") || visor_same(zone, "MET") || visor_same(zone, "WET") ||
           visor_same(zone, "EST5EDT") || visor_same(zone, "CST6CDT") ||
           visor_same(zone, "MST7MDT") || visor_same(zone, "PST8PDT") || *zone == ':' ||
           *zone == '<';
}

/* ---- Dockerfile ---- */

static const struct visor_node *next(const struct visor_check *check, const struct visor_node *node,
                                     const char *name)
{
    for (node = node ? node->next : check->document->root->first; node; node = node->next)
        if (strcmp(node->name, name) == 0)
            return node;
    return NULL;
}

/* "TZ=zone" or "TZ zone" of ENV; NULL if there is none. */
static const char *zone_of(const struct visor_node *environment)
{
    for (const struct visor_node *word = environment->first; word; word = word->next) {
        if (visor_begins(word->value, "TZ="))
            return word->value + 3;
        if (word == environment->first && strcmp(word->value, "TZ") == 0 && word->next)
            return word->next->value;
    }
    return NULL;
}

static const struct visor_node *last_stage(const struct visor_check *check)
{
    const struct visor_node *last = NULL;

    for (const struct visor_node *from = NULL; (from = next(check, from, "FROM"));)
        last = from;
    return last;
}

static const char *base_of(const struct visor_node *last)
{
    return visor_node_word(last, visor_begins(visor_node_word(last, 0), "--") ? 1 : 0);
}

/* Only the last stage becomes the image. */
static bool installs(const struct visor_node *last, const char *with, const char *what)
{
    for (const struct visor_node *node = last; node; node = node->next)
        if ((strcmp(node->name, with) == 0 || strcmp(node->name, "ADD") == 0) &&
            visor_contains(node->value, what))
            return true;
    return false;
}

/* Images that are known to come without zone data. */
static bool lacks_zones(const char *base)
{
    return visor_begins(base, "alpine") || visor_contains(base, "-alpine") ||
           visor_begins(base, "ubuntu") || visor_begins(base, "busybox") ||
           visor_same(base, "scratch") || visor_contains(base, "/distroless/static");
}

static void check_zone_data(struct visor_check *check)
{
    const struct visor_node *last = last_stage(check);
    const char *base = base_of(last), *zone;
    bool has = installs(last, "RUN", "tzdata") || installs(last, "COPY", "zoneinfo");

    for (const struct visor_node *node = NULL; (node = next(check, node, "ENV"));)
        if ((zone = zone_of(node)) && lacks_zones(base) &&
            !visor_contains(base, "distroless/static") && strchr(zone, '/') && !has)
            visor_check_found(check, node, "FROM %s; TZ=%s", base, zone);
}

static void check_zone_name(struct visor_check *check)
{
    const char *zone;

    for (const struct visor_node *node = NULL; (node = next(check, node, "ENV"));)
        if ((zone = zone_of(node)) && !visor_container_is_zone(zone))
            visor_check_found(check, node, "TZ=%s", zone);
}

static void check_timezone_file(struct visor_check *check)
{
    bool debian = visor_begins(base_of(last_stage(check)), "debian");
    bool zoned = next(check, NULL, "ENV") != NULL;

    for (const struct visor_node *node = NULL; (node = next(check, node, "RUN"));)
        if (visor_contains(node->value, "zoneinfo/") &&
            visor_contains(node->value, "/etc/localtime") &&
            !visor_contains(node->value, "/etc/timezone") && !zoned && debian)
            visor_check_found(check, node, "%s", node->value);
}

static void check_daemon_in_image(struct visor_check *check)
{
    static const char *const starts[] = {"CMD", "ENTRYPOINT"};

    for (size_t i = 0; i < 2; i++)
        for (const struct visor_node *node = NULL; (node = next(check, node, starts[i]));)
            if (visor_container_starts_time_daemon(node->value) &&
                !visor_contains(node->value, "-x"))
                visor_check_found(check, node, "%s %s", node->name, node->value);
}

/* "systemctl enable chronyd", "service ntp start" */
static bool enables_daemon(const char *command)
{
    static const char *const units[] = {"chronyd",  "chrony",     "ntpd",
                                        "ntp",      "ntpsec",     "systemd-timesyncd",
                                        "openntpd", "timevisord", NULL};

    for (const char *at = command; *at;) {
        size_t length = strcspn(at, " \t\n;&|.");

        if (is_one_of(at, length, units))
            return true;
        at += length + (at[length] != '\0');
    }
    return false;
}

static void check_extra_daemon(struct visor_check *check)
{
    for (const struct visor_node *node = NULL; (node = next(check, node, "RUN"));) {
        const char *at = strstr(node->value, "systemctl enable");

        at = at ? at : strstr(node->value, "systemctl --now enable");
        at = at ? at : strstr(node->value, "service ");
        if (at && enables_daemon(at))
            visor_check_found(check, node, "%s", node->value);
    }
}

static void check_faketime(struct visor_check *check)
{
    for (const struct visor_node *node = NULL; (node = next(check, node, "ENV"));)
        if (visor_contains(node->value, "libfaketime"))
            visor_check_found(check, node, "%s", node->value);
}

/* ---- Compose ---- */

static const struct visor_node *services_of(const struct visor_check *check)
{
    const struct visor_node *node = check->document->root->first; /* the first document */

    return visor_node_child(node, "services");
}

static const struct visor_node *next_service(const struct visor_check *check,
                                             const struct visor_node *service)
{
    const struct visor_node *services = services_of(check);

    return service ? service->next : services ? services->first : NULL;
}

static const struct visor_node *item_with(const struct visor_node *list, const char *text)
{
    const struct visor_node *item = list ? list->first : NULL;

    while (item && !visor_contains(item->value, text))
        item = item->next;
    return item;
}

/* TZ in either form of `environment`. */
static const char *service_zone(const struct visor_node *service, const struct visor_node **where)
{
    const struct visor_node *environment = visor_node_child(service, "environment");
    const struct visor_node *item = visor_node_child(environment, "TZ");

    *where = item;
    if (item)
        return item->value;
    for (item = environment ? environment->first : NULL; item; item = item->next)
        if (visor_begins(item->value, "TZ=")) {
            *where = item;
            return item->value + 3;
        }
    return NULL;
}

static void check_service_zone(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *where;
        const char *zone = service_zone(service, &where);

        if (zone && !visor_container_is_zone(zone))
            visor_check_found(check, where, "TZ=%s", zone);
    }
}

static void check_mixed_zones(struct visor_check *check)
{
    const char *first = NULL;

    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *where;
        const char *zone = service_zone(service, &where);

        if (zone && first && strcmp(zone, first) != 0) {
            visor_check_found(check, where, "TZ=%s; TZ=%s", first, zone);
            return;
        }
        first = zone ? zone : first;
    }
}

/* "A:B" or its long form with a target. */
static const struct visor_node *zone_mount(const struct visor_node *service)
{
    const struct visor_node *volumes = visor_node_child(service, "volumes");
    const struct visor_node *item = item_with(volumes, "/etc/localtime:");

    for (const struct visor_node *i = volumes ? volumes->first : NULL; i && !item; i = i->next)
        if (strcmp(visor_node_text(i, "target"), "/etc/localtime") == 0)
            item = visor_node_child(i, "target");
    return item;
}

static void check_localtime_mount(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *item = zone_mount(service);

        if (item)
            visor_check_found(check, item, "%s", item->value);
    }
}

static void check_two_zones(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *where;
        const struct visor_node *item = zone_mount(service);

        if (item && service_zone(service, &where))
            visor_check_found(check, where, "TZ=%s; %s", service_zone(service, &where),
                              item->value);
    }
}

static const struct visor_node *clock_right(const struct visor_node *service)
{
    const struct visor_node *item = item_with(visor_node_child(service, "cap_add"), "SYS_TIME");
    const struct visor_node *privileged = visor_node_child(service, "privileged");

    if (item)
        return item;
    return privileged && visor_same(privileged->value, "true") ? privileged : NULL;
}

static bool keeps_time(const struct visor_node *service)
{
    return visor_container_is_time_daemon(visor_node_text(service, "image")) ||
           visor_container_is_time_daemon(service->name);
}

static void check_sys_time(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *item = item_with(visor_node_child(service, "cap_add"), "SYS_TIME");

        if (item && !keeps_time(service) &&
            !visor_container_may_set_time(visor_node_text(service, "image")))
            visor_check_found(check, item, "%s: %s", service->name, item->value);
    }
}

/* With "-x", in a command of either form. */
static bool only_serves(const struct visor_node *service)
{
    static const char *const keys[] = {"command", "entrypoint"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (visor_contains(visor_node_text(service, keys[i]), "-x") ||
            item_with(visor_node_child(service, keys[i]), "-x"))
            return true;
    return false;
}

static void check_daemon_without_right(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        if (keeps_time(service) && !clock_right(service) && !check->document->incomplete &&
            !only_serves(service))
            visor_check_found(check, service, "%s: image %s; cap_add SYS_TIME: none", service->name,
                              visor_node_text(service, "image"));
    }
}

static void check_two_daemons(struct visor_check *check)
{
    const struct visor_node *first = NULL;

    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        if (!keeps_time(service) || !clock_right(service))
            continue;
        if (first)
            visor_check_found(check, service, "%s; %s", first->name, service->name);
        first = service;
    }
}

static void check_hwclock(struct visor_check *check)
{
    for (const struct visor_node *service = NULL; (service = next_service(check, service));) {
        const struct visor_node *item = item_with(visor_node_child(service, "devices"), "/dev/rtc");

        if (item)
            visor_check_found(check, item, "%s: %s", service->name, item->value);
    }
}

static const struct visor_rule rules[] = {
    {
        .id = "TV-DOCKER-001",
        .kinds = DOCKER,
        .severity = VISOR_ORANGE,
        .what = N_("TZ names a zone whose data the image does not have"),
        .why = N_("The C library then silently uses UTC: the container's local time is wrong by "
                  "the zone's "
                  "offset, and nothing says so."),
        .fix = "+RUN apt-get update && apt-get install -y --no-install-recommends tzdata\n"
               "+RUN apk add --no-cache tzdata",
        .source = "tzset(3): UTC if the file cannot be read; images without tzdata: alpine, "
                  "ubuntu, busybox",
        .check = check_zone_data,
    },
    {
        .id = "TV-DOCKER-002",
        .kinds = DOCKER,
        .severity = VISOR_ORANGE,
        .what = N_("TZ has a value that is no name of a zone"),
        .why = N_("Names such as CST or Beijing are read as UTC under another label; Asia/Beijing "
                  "does not "
                  "exist, China's zone is Asia/Shanghai."),
        .fix = "-ENV TZ=CST\n+ENV TZ=Asia/Shanghai",
        .source = "tzset(3); IANA time zone database",
        .check = check_zone_name,
    },
    {
        .id = "TV-DOCKER-003",
        .kinds = DOCKER,
        .severity = VISOR_NOTE,
        .what = N_("/etc/localtime is set without /etc/timezone or TZ"),
        .why = N_("On Debian, Java and some others read /etc/timezone; they go on to say UTC."),
        .fix = "+ENV TZ=Asia/Shanghai\n+RUN echo $TZ > /etc/timezone",
        .source = "Debian, tzdata: /etc/timezone",
        .check = check_timezone_file,
    },
    {
        .id = "TV-DOCKER-004",
        .kinds = DOCKER,
        .severity = VISOR_YELLOW,
        .what = N_("The image runs a time daemon that sets the clock"),
        .why = N_("There is one CLOCK_REALTIME for the host and all its containers: without the "
                  "right this "
                  "daemon fails, with it it fights the host's. In a container it can only observe "
                  "or serve."),
        .fix = "-CMD [\"chronyd\", \"-d\"]\n+CMD [\"chronyd\", \"-d\", \"-x\"]",
        .source = NAMESPACES "; chronyd(8), -x",
        .check = check_daemon_in_image,
    },
    {
        .id = "TV-DOCKER-005",
        .kinds = DOCKER,
        .severity = VISOR_YELLOW,
        .what = N_("A time service is enabled in the image"),
        .why = N_("No init runs in a container that would start it, and if one does, it has no "
                  "right to set "
                  "the clock: the container has its host's time already."),
        .fix = "-RUN systemctl enable chronyd",
        .source = NAMESPACES,
        .check = check_extra_daemon,
    },
    {
        .id = "TV-DOCKER-006",
        .kinds = DOCKER,
        .severity = VISOR_ORANGE,
        .what = N_("Every program in the image is shown a false time (libfaketime)"),
        .why = N_("That is for tests; an image that goes into production with it signs, logs and "
                  "expires at "
                  "the wrong time."),
        .fix = "-ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        .source = "faketime(1)",
        .check = check_faketime,
    },
    {
        .id = "TV-COMPOSE-001",
        .kinds = COMPOSE,
        .severity = VISOR_ORANGE,
        .what = N_("TZ has a value that is no name of a zone"),
        .why =
            N_("The C library silently uses UTC under that label; China's zone is Asia/Shanghai."),
        .fix = "-      - TZ=CST\n+      - TZ=Asia/Shanghai",
        .source = "tzset(3); IANA time zone database",
        .check = check_service_zone,
    },
    {
        .id = "TV-COMPOSE-002",
        .kinds = COMPOSE,
        .severity = VISOR_YELLOW,
        .what = N_("Services of one application have different time zones"),
        .why = N_("Their logs cannot be laid beside each other, and what one writes as local time "
                  "another "
                  "reads wrongly."),
        .fix = "+x-zone: &zone\n+  TZ: Asia/Shanghai\n+    environment: *zone",
        .source = "tzset(3)",
        .check = check_mixed_zones,
    },
    {
        .id = "TV-COMPOSE-003",
        .kinds = COMPOSE,
        .severity = VISOR_NOTE,
        .what = N_("A service's time zone is the host's file, mounted"),
        .why = N_("It follows whatever host it runs on, keeps the old zone when the host's is "
                  "changed (the "
                  "file is replaced, the mount is not), and programs with their own zone data do "
                  "not see it."),
        .fix = "-      - /etc/localtime:/etc/localtime:ro\n+      TZ: Asia/Shanghai",
        .source = "Docker, bind mounts of single files keep the inode; tzset(3)",
        .check = check_localtime_mount,
    },
    {
        .id = "TV-COMPOSE-004",
        .kinds = COMPOSE,
        .severity = VISOR_YELLOW,
        .what = N_("The time zone is told twice, by TZ and by a mounted file"),
        .why = N_(
            "Programs that read TZ follow the one, others the file: on a host of another zone one "
            "container shows two local times."),
        .fix = "-      - /etc/localtime:/etc/localtime:ro",
        .source = "tzset(3): TZ goes before /etc/localtime",
        .check = check_two_zones,
    },
    {
        .id = "TV-COMPOSE-005",
        .kinds = COMPOSE,
        .severity = VISOR_YELLOW,
        .what = N_("A service that keeps no time may set the host's clock (SYS_TIME)"),
        .why = N_("What it sets, the host and all other containers get; nothing else that a "
                  "program does needs "
                  "this right."),
        .fix = "-    cap_add: [SYS_TIME]",
        .source = NAMESPACES "; capabilities(7), CAP_SYS_TIME",
        .check = check_sys_time,
    },
    {
        .id = "TV-COMPOSE-006",
        .kinds = COMPOSE,
        .severity = VISOR_RED,
        .what = N_("A time daemon has no right to set the clock"),
        .why = N_(
            "It ends with an error, or only observes: the time that it is there to keep is kept by "
            "nobody."),
        .fix = "+    cap_drop: [ALL]\n+    cap_add: [SYS_TIME, NET_BIND_SERVICE, SETUID, SETGID, "
               "CHOWN]\n"
               " or, to serve only: command: chronyd -d -x",
        .source = "capabilities(7), CAP_SYS_TIME; chronyd(8), -x",
        .check = check_daemon_without_right,
    },
    {
        .id = "TV-COMPOSE-007",
        .kinds = COMPOSE,
        .severity = VISOR_RED,
        .what = N_("Two time daemons may set one clock"),
        .why = N_(
            "Each corrects the other's corrections: the host's clock goes back and forth for all."),
        .fix = "-    cap_add: [SYS_TIME]",
        .source = NAMESPACES,
        .check = check_two_daemons,
    },
    {
        .id = "TV-COMPOSE-008",
        .kinds = COMPOSE,
        .severity = VISOR_YELLOW,
        .what = N_("A container is given the host's real-time clock"),
        .why = N_("What it writes there is the time with which the host starts next."),
        .fix = "-    devices: [/dev/rtc0]",
        .source = "rtc(4)",
        .check = check_hwclock,
    },
};

const struct visor_rules visor_rules_container = VISOR_RULES(rules);
