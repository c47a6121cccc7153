/* The light NTP server: basic client/server mode and answers to symmetric peers. No keys, no
 * extension fields, no interleaved mode: hosts that serve have those. */
#include "sim/server.h"

#include "base/math.h"
#include "wire/ntp.h"

#define WANDER_TAU 1000.0 /* s, correlation time of the wandering error */

void visor_server_init(struct visor_server *server, const struct visor_server_model *model,
                       uint64_t seed)
{
    *server = (struct visor_server){.model = *model, .refid = UINT32_C(0x47505300)};
    visor_network_change_init(&server->change);
    visor_rng_init(&server->rng, seed);
    server->wander = model->error * (2.0 * visor_rng_uniform(&server->rng) - 1.0);
}

/* An Ornstein-Uhlenbeck walk of deviation error / 3, reflected at its bound: it stays within what
 * an honest server claims. */
static void wander(struct visor_server *server, int64_t at)
{
    double bound = server->model.error, dt = visor_seconds_from_ns(at - server->wander_at);
    double keep = visor_math_exp(-dt / WANDER_TAU);
    double x = server->wander * keep +
               bound / 3.0 * visor_math_sqrt(1.0 - keep * keep) * visor_rng_normal(&server->rng);

    if (x > bound)
        x = 2.0 * bound - x;
    if (x < -bound)
        x = -2.0 * bound - x;
    server->wander = x > bound ? bound : x < -bound ? -bound : x;
    server->wander_at = at;
}

double visor_server_error(struct visor_server *server, int64_t at)
{
    double error = server->model.offset + server->step;

    if (server->model.error > 0.0) {
        if (at > server->wander_at)
            wander(server, at);
        error += server->wander;
    }
    if (server->frequency != 0.0)
        error += server->frequency * visor_seconds_from_ns(at - server->frequency_at);
    if (server->frozen)
        error -= visor_seconds_from_ns(at - server->frozen_at);
    return error;
}

double visor_server_claim(const struct visor_server *server)
{
    const struct visor_server_model *m = &server->model;

    return m->dispersion + m->root_delay / 2.0 + (m->liar ? 0.0 : m->error);
}

bool visor_server_honest(struct visor_server *server, int64_t at)
{
    double error = visor_server_error(server, at), claim = visor_server_claim(server) + 1e-9;

    return server->unsynchronized || (error <= claim && error >= -claim);
}

static void fill(struct visor_server *server, const struct visor_ntp_header *request,
                 struct visor_ntp_header *reply)
{
    const struct visor_server_model *m = &server->model;
    double dispersion = m->dispersion + (m->liar ? 0.0 : m->error);
    bool bad = server->unsynchronized;

    *reply = (struct visor_ntp_header){
        .leap = bad ? VISOR_LEAP_UNSYNCHRONIZED : m->leap,
        .version = request->version,
        .mode =
            request->mode == VISOR_NTP_MODE_ACTIVE ? VISOR_NTP_MODE_PASSIVE : VISOR_NTP_MODE_SERVER,
        .stratum = bad ? 0 : m->stratum,
        .poll = request->poll,
        .precision = (int8_t)m->precision,
        .root_delay = visor_ntp_short_from_ns(visor_ns_from_seconds(m->root_delay)),
        .root_dispersion = visor_ntp_short_from_ns(visor_ns_from_seconds(dispersion)),
        .refid = bad ? 0 : server->refid,
        .origin = request->transmit,
    };
}

bool visor_server_answer(struct visor_server *server, int64_t at, visor_wall utc,
                         const uint8_t *request, size_t size, struct visor_server_reply *reply)
{
    struct visor_ntp_header asked, answer;
    struct visor_ntp_layout layout;
    int64_t work = 0;
    visor_wall local;

    if (server->dead || !visor_ntp_read(&asked, &layout, request, size))
        return false;
    if (asked.mode != VISOR_NTP_MODE_CLIENT && asked.mode != VISOR_NTP_MODE_ACTIVE)
        return false;
    if (server->model.processing > 0.0)
        work =
            visor_ns_from_seconds(server->model.processing * visor_rng_exponential(&server->rng));
    local = visor_wall_add(utc, visor_ns_from_seconds(visor_server_error(server, at)));
    fill(server, &asked, &answer);
    answer.receive = visor_ntp_from_wall(local);
    answer.transmit = visor_ntp_from_wall(visor_wall_add(local, server->frozen ? 0 : work));
    answer.reference = visor_ntp_from_wall(visor_wall_add(local, -8 * VISOR_NS_PER_S));
    reply->leaves = at + work;
    reply->size = visor_ntp_write(&answer, reply->data, sizeof(reply->data));
    return true;
}
