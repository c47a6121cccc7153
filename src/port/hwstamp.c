/* Hardware stamps. Reading the card's clock is the PHC driver's work (refclock_phc.c); here it is
 * asked regularly, and a line through its last readings converts the stamps between them. */
#include "port/hwstamp.h"

#include "port/refclock.h"
#include "port/socket.h"
#include "port/text.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERFACES_MAX 8
#define AGE_MAX_NS     (16 * VISOR_NS_PER_S)
#define JUMP_NS        1000000 /* of the card's clock, beyond what its rate explains */
#define RATE_MAX       1e-3
#define SPEED_DEFAULT  1000 /* Mb/s, where the card does not say */
#define FRAME_CHECK    4    /* bytes of the frame check sequence, which no length counts */

#define NEEDED                                                                                     \
    (SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE)

struct interface {
    const struct visor_hwtimestamp_config *config;
    char name[IF_NAMESIZE];
    unsigned int index;
    uint32_t speed; /* Mb/s */
    struct visor_refclock_config clock_config;
    struct visor_refclock_device clock;
    struct visor_hwstamp_map map;
    visor_mono next;
};

struct visor_hwstamp {
    struct visor_stamps *stamps;
    size_t count;
    struct interface interfaces[INTERFACES_MAX];
};

/* ---- the line ---- */

static void fit(struct visor_hwstamp_map *map)
{
    const struct visor_hwstamp_reading *last = &map->readings[map->count - 1];
    double x[VISOR_HWSTAMP_READINGS], y[VISOR_HWSTAMP_READINGS], mean_x = 0.0, mean_y = 0.0;
    double xx = 0.0, xy = 0.0;

    for (size_t i = 0; i < map->count; i++) {
        const struct visor_hwstamp_reading *reading = &map->readings[i];
        int64_t raw = visor_mono_diff(reading->raw, last->raw);

        x[i] = visor_seconds_from_ns(raw);
        y[i] = visor_seconds_from_ns(reading->phc_ns - last->phc_ns - raw);
        mean_x += x[i] / (double)map->count;
        mean_y += y[i] / (double)map->count;
    }
    for (size_t i = 0; i < map->count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    map->rate = xx > 0.0 ? xy / xx : 0.0;
    map->offset = mean_y - map->rate * mean_x;
}

static bool fits(const struct visor_hwstamp_map *map, const struct visor_hwstamp_reading *reading)
{
    const struct visor_hwstamp_reading *last = &map->readings[map->count - 1];
    int64_t raw = visor_mono_diff(reading->raw, last->raw);
    double missed = visor_seconds_from_ns(reading->phc_ns - last->phc_ns - raw) -
                    (map->count > 1 ? map->rate * visor_seconds_from_ns(raw) : 0.0);
    double allowed = JUMP_NS * 1e-9 + RATE_MAX * visor_seconds_from_ns(raw);

    return raw > 0 && missed <= allowed && missed >= -allowed;
}

void visor_hwstamp_map_add(struct visor_hwstamp_map *map,
                           const struct visor_hwstamp_reading *reading)
{
    if (map->count && !fits(map, reading))
        map->count = 0;
    if (map->count == VISOR_HWSTAMP_READINGS) {
        memmove(&map->readings[0], &map->readings[1],
                (VISOR_HWSTAMP_READINGS - 1) * sizeof(map->readings[0]));
        map->count--;
    }
    map->readings[map->count++] = *reading;
    fit(map);
}

bool visor_hwstamp_map_convert(const struct visor_hwstamp_map *map, int64_t phc_ns,
                               struct visor_stamp *stamp)
{
    const struct visor_hwstamp_reading *last;
    int64_t since;
    double gained;

    if (map->count < 2) /* without a rate a second's way is too far */
        return false;
    last = &map->readings[map->count - 1];
    if (__builtin_sub_overflow(phc_ns, last->phc_ns, &since) || since > AGE_MAX_NS ||
        since < -AGE_MAX_NS)
        return false;
    gained = map->offset + map->rate * visor_seconds_from_ns(since);
    stamp->raw = visor_mono_add(last->raw, since - visor_ns_from_seconds(gained));
    stamp->error_ns = last->error_ns;
    stamp->by = VISOR_STAMPER_HARDWARE;
    return true;
}

/* ---- switching on ---- */

static int ask(int fd, const char *name, unsigned long request, void *data)
{
    struct ifreq wanted = {.ifr_data = data};

    snprintf(wanted.ifr_name, sizeof(wanted.ifr_name), "%s", name);
    return ioctl(fd, request, &wanted) ? -errno : 0;
}

static uint32_t speed_of(int fd, const char *name)
{
    struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
    uint32_t speed;

    if (ask(fd, name, SIOCETHTOOL, &command))
        return SPEED_DEFAULT;
    speed = ethtool_cmd_speed(&command);
    return speed == 0 || speed == (uint32_t)SPEED_UNKNOWN ? SPEED_DEFAULT : speed;
}

static int filter_of(const struct visor_hwtimestamp_config *config, uint32_t offered)
{
    bool ntp = offered & 1U << HWTSTAMP_FILTER_NTP_ALL, all = offered & 1U << HWTSTAMP_FILTER_ALL;

    switch (config->rxfilter) {
    case VISOR_RXFILTER_NONE:
        return HWTSTAMP_FILTER_NONE;
    case VISOR_RXFILTER_NTP:
        return HWTSTAMP_FILTER_NTP_ALL;
    case VISOR_RXFILTER_PTP:
        return HWTSTAMP_FILTER_PTP_V2_L4_EVENT;
    case VISOR_RXFILTER_ALL:
        return HWTSTAMP_FILTER_ALL;
    case VISOR_RXFILTER_ANY:
        break;
    }
    return ntp ? HWTSTAMP_FILTER_NTP_ALL : all ? HWTSTAMP_FILTER_ALL : HWTSTAMP_FILTER_NONE;
}

static int switch_on(int fd, const char *name, const struct visor_hwtimestamp_config *config,
                     int *phc)
{
    struct ethtool_ts_info info = {.cmd = ETHTOOL_GET_TS_INFO};
    struct hwtstamp_config wanted = {.tx_type = HWTSTAMP_TX_ON}, now = {.flags = 0};
    int error = ask(fd, name, SIOCETHTOOL, &info);

    if (error)
        return error;
    if ((info.so_timestamping & NEEDED) != NEEDED || info.phc_index < 0)
        return -EOPNOTSUPP;
    wanted.rx_filter = filter_of(config, info.rx_filters);
    *phc = info.phc_index;
    error = ask(fd, name, SIOCSHWTSTAMP, &wanted);
    /* Somebody with more rights may have done it already (a container's host, ptp4l). */
    if (error && !ask(fd, name, SIOCGHWTSTAMP, &now) && now.tx_type == wanted.tx_type)
        return 0;
    return error;
}

static int add(struct visor_hwstamp *hwstamp, int fd, const char *name,
               const struct visor_hwtimestamp_config *config)
{
    struct interface *interface = &hwstamp->interfaces[hwstamp->count];
    struct ifreq wanted = {.ifr_data = NULL};
    int phc, error;

    if (hwstamp->count == INTERFACES_MAX)
        return -ENOSPC;
    error = switch_on(fd, name, config, &phc);
    if (error)
        return error;
    snprintf(wanted.ifr_name, sizeof(wanted.ifr_name), "%s", name);
    if (ioctl(fd, SIOCGIFINDEX, &wanted))
        return -errno;
    *interface = (struct interface){.config = config, .index = (unsigned int)wanted.ifr_ifindex};
    snprintf(interface->name, sizeof(interface->name), "%s", name);
    interface->speed = speed_of(fd, name);
    visor_refclock_config_init(&interface->clock_config);
    interface->clock_config.driver = VISOR_REFCLOCK_PHC;
    snprintf(interface->clock_config.parameter, sizeof(interface->clock_config.parameter),
             "/dev/ptp%d%s", phc, config->nocrossts ? ":nocrossts" : "");
    if (!visor_refclock_device_init(&interface->clock, &interface->clock_config, 0, NULL, 0))
        return -EINVAL;
    hwstamp->count++;
    return 0;
}

static bool is_known(const struct visor_hwstamp *hwstamp, const char *name)
{
    for (size_t i = 0; i < hwstamp->count; i++)
        if (!strcmp(hwstamp->interfaces[i].name, name))
            return true;
    return false;
}

/* A name that is configured must work, or the log says why not; "*" takes what does. */
static void add_configured(struct visor_hwstamp *hwstamp, int fd,
                           const struct visor_hwtimestamp_config *config, struct visor_log *log)
{
    struct ifaddrs *list = NULL, *next;
    int error;

    if (strcmp(config->interface, "*") != 0) {
        error = add(hwstamp, fd, config->interface, config);
        if (error)
            visor_log_write(log, VISOR_SEVERITY_WARNING, _("No hardware timestamps on %s : %s"),
                            config->interface, strerror(-error));
        else
            visor_log_write(log, VISOR_SEVERITY_INFO, "Enabled HW timestamping on %s",
                            config->interface);
        return;
    }
    if (getifaddrs(&list))
        return;
    for (next = list; next; next = next->ifa_next)
        if (!is_known(hwstamp, next->ifa_name) && !add(hwstamp, fd, next->ifa_name, config))
            visor_log_write(log, VISOR_SEVERITY_INFO, "Enabled HW timestamping on %s",
                            next->ifa_name);
    freeifaddrs(list);
}

struct visor_hwstamp *visor_hwstamp_new(const struct visor_config *config,
                                        struct visor_stamps *stamps, struct visor_log *log)
{
    struct visor_hwstamp *hwstamp;
    int fd;

    if (!config->hwtimestamp_count)
        return NULL;
    hwstamp = calloc(1, sizeof(*hwstamp));
    fd = visor_socket_open(AF_INET, SOCK_DGRAM);
    if (fd < 0)
        fd = visor_socket_open(AF_INET6, SOCK_DGRAM);
    if (!hwstamp || fd < 0) {
        free(hwstamp);
        return NULL;
    }
    hwstamp->stamps = stamps;
    for (size_t i = 0; i < config->hwtimestamp_count; i++)
        if (!is_known(hwstamp, config->hwtimestamps[i].interface))
            add_configured(hwstamp, fd, &config->hwtimestamps[i], log);
    close(fd);
    if (hwstamp->count)
        return hwstamp;
    free(hwstamp);
    return NULL;
}

void visor_hwstamp_free(struct visor_hwstamp *hwstamp)
{
    for (size_t i = 0; hwstamp && i < hwstamp->count; i++)
        visor_refclock_device_done(&hwstamp->interfaces[i].clock);
    free(hwstamp);
}

/* ---- at work ---- */

visor_mono visor_hwstamp_deadline(const struct visor_hwstamp *hwstamp)
{
    visor_mono earliest = {INT64_MAX};

    for (size_t i = 0; hwstamp && i < hwstamp->count; i++)
        if (visor_mono_before(hwstamp->interfaces[i].next, earliest))
            earliest = hwstamp->interfaces[i].next;
    return earliest;
}

static int64_t interval_of(const struct interface *interface)
{
    int poll = interface->config->minpoll;

    if (poll > 6)
        poll = 6;
    if (poll < -6)
        poll = -6;
    return poll < 0 ? VISOR_NS_PER_S >> -poll : VISOR_NS_PER_S << poll;
}

void visor_hwstamp_tick(struct visor_hwstamp *hwstamp, visor_mono now)
{
    for (size_t i = 0; hwstamp && i < hwstamp->count; i++) {
        struct interface *interface = &hwstamp->interfaces[i];
        struct visor_hwstamp_reading reading;
        struct visor_event_refclock event;

        if (visor_mono_before(now, interface->next))
            continue;
        interface->next = visor_mono_add(now, interval_of(interface));
        visor_refclock_device_measure(&interface->clock, hwstamp->stamps, &event);
        if (event.kind != VISOR_REFCLOCK_TIME)
            continue; /* tried again with the next; stamps go without meanwhile */
        reading = (struct visor_hwstamp_reading){
            .raw = event.stamp.raw, .phc_ns = event.reference.ns, .error_ns = event.stamp.error_ns};
        visor_hwstamp_map_add(&interface->map, &reading);
    }
}

static const struct interface *find(const struct visor_hwstamp *hwstamp, unsigned int index)
{
    for (size_t i = 0; i < hwstamp->count; i++)
        if (hwstamp->interfaces[i].index == index)
            return &hwstamp->interfaces[i];
    return index == 0 && hwstamp->count == 1 ? &hwstamp->interfaces[0] : NULL;
}

bool visor_hwstamp_convert(const struct visor_hwstamp *hwstamp, unsigned int index, int64_t phc_ns,
                           size_t frame, struct visor_stamp *stamp)
{
    const struct interface *interface = hwstamp ? find(hwstamp, index) : NULL;
    double correction, wire;

    if (!interface || !visor_hwstamp_map_convert(&interface->map, phc_ns, stamp))
        return false;
    wire = (double)(8 * (frame + FRAME_CHECK)) / ((double)interface->speed * 1e6);
    correction =
        frame ? wire - interface->config->rx_compensation : interface->config->tx_compensation;
    stamp->raw = visor_mono_add(stamp->raw, visor_ns_from_seconds(correction));
    stamp->frame_ns = frame ? visor_ns_from_seconds(wire) : 0;
    return true;
}
