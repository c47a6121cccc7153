/* Reads the sensor and tells the engine by how much the counter's rate has changed. */
#include "timevisord/tempcomp.h"

#include "port/file.h"
#include "port/text.h"

#include <stdlib.h>
#include <string.h>

#define SENSOR_TEXT_MAX 4096

double visor_tempcomp_at(const struct visor_config *config, double temperature)
{
    const struct visor_tempcomp_point *points = config->tempcomp_points, *a, *b;
    double away = temperature - config->tempcomp_t0;
    size_t i = 1;

    if (config->tempcomp_point_count < 2)
        return config->tempcomp_k0 + away * config->tempcomp_k1 + away * away * config->tempcomp_k2;
    while (i + 1 < config->tempcomp_point_count && points[i].temperature < temperature)
        i++;
    a = &points[i - 1];
    b = &points[i];
    return a->compensation_ppm + (temperature - a->temperature) /
                                     (b->temperature - a->temperature) *
                                     (b->compensation_ppm - a->compensation_ppm);
}

visor_mono visor_tempcomp_deadline(const struct visor_daemon *daemon)
{
    if (!daemon->config->tempcomp_file[0] || daemon->options.task != VISOR_TASK_RUN ||
        daemon->once.initstep)
        return (visor_mono){INT64_MAX};
    return daemon->tempcomp.next;
}

static void complain(struct visor_daemon *daemon, const char *what)
{
    if (!daemon->tempcomp.failed)
        visor_log_write(daemon->log, VISOR_SEVERITY_WARNING,
                        _("No temperature compensation by %s : %s"), daemon->config->tempcomp_file,
                        what);
    daemon->tempcomp.failed = true;
}

static bool read_sensor(struct visor_daemon *daemon, double *temperature)
{
    char *text, *end;
    size_t size;
    int error = visor_file_read(daemon->config->tempcomp_file, SENSOR_TEXT_MAX, &text, &size);
    bool read;

    if (error) {
        complain(daemon, strerror(-error));
        return false;
    }
    *temperature = strtod(text, &end);
    read = end != text && *temperature > -1e9 && *temperature < 1e9;
    free(text);
    if (!read)
        complain(daemon, _("not a number"));
    return read;
}

void visor_tempcomp_tick(struct visor_daemon *daemon, visor_mono now)
{
    struct visor_event event = {.kind = VISOR_EVENT_RATE};
    struct visor_reading reading;
    double temperature, wanted;

    if (visor_mono_before(now, visor_tempcomp_deadline(daemon)))
        return;
    daemon->tempcomp.next =
        visor_mono_add(now, visor_ns_from_seconds(daemon->config->tempcomp_interval));
    if (!read_sensor(daemon, &temperature))
        return;
    wanted = visor_tempcomp_at(daemon->config, temperature);
    if (!(wanted >= -VISOR_TEMPCOMP_MAX_PPM && wanted <= VISOR_TEMPCOMP_MAX_PPM)) {
        complain(daemon, _("the compensation is beyond 10 ppm"));
        return;
    }
    daemon->tempcomp.failed = false;
    event.rate.change_ppb = (wanted - daemon->tempcomp.applied_ppm) * 1e3;
    daemon->tempcomp.applied_ppm = wanted;
    if (event.rate.change_ppb != 0.0)
        visor_daemon_handle(daemon, &event);
    if (!daemon->clock.ops->read(&daemon->clock, &reading))
        visor_logfile_write_tempcomp(daemon->logfile, reading.real, temperature, wanted);
}
