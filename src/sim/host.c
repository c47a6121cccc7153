/* The seam between a simulated machine and the real engine: time in, events in, actions out. */
#include "sim/host.h"

#include "sim/chip.h"
#include "sim/device.h"
#include "sim/expectation.h"
#include "sim/legacy.h"
#include "sim/mishap.h"
#include "sim/watch.h"
#include "wire/ntp.h"

#include <stdlib.h>
#include <string.h>

#define READING_WIDTH_NS 80
#define PATIENCE         8 /* exchanges a source that may fail to show a fault */

/* ---- life ---- */

static void init_clocks(struct visor_host *host, struct visor_world *world)
{
    const struct visor_scenario_host *model = host->model;
    struct visor_oscillator_model oscillator = model->oscillator;
    struct visor_rng rng;
    double frequency, offset;
    int64_t uptime;

    visor_rng_init(&rng, visor_world_seed(world->seed, host->name, "birth"));
    frequency = visor_rng_normal(&rng) * oscillator.tolerance;
    offset = (2.0 * visor_rng_uniform(&rng) - 1.0) * model->offset;
    uptime = (int64_t)(visor_rng_uniform(&rng) * 1e6 * 1e9);
    if (!model->frequency_given)
        oscillator.frequency = frequency;
    if (model->offset_given)
        offset = model->offset;
    visor_oscillator_init(&host->oscillator, &oscillator,
                          visor_world_seed(world->seed, host->name, "oscillator"));
    host->born_raw = uptime;
    host->born_real = visor_world_utc(world, 0).ns + visor_ns_from_seconds(offset);
    visor_kernel_init(&host->kernel, host->born_raw, host->born_real);
    host->drift_known = model->drift_known;
    host->drift_ppm = oscillator.frequency * 1e6;
    host->drift_skew_ppm = 0.1;
}

static bool make_engine(struct visor_host *host, struct visor_rng *rng)
{
    if (visor_legacy_is(host))
        return true;
    for (int i = 0; i < 4; i++)
        host->engine_seed[i] = visor_rng_next(rng);
    host->engine = visor_engine_new(host->model->config, host->engine_seed);
    return host->engine != NULL;
}

static struct visor_happening waiting(struct visor_host *host, enum visor_happening_kind kind)
{
    return (struct visor_happening){.slot = VISOR_HEAP_OUT, .kind = (int)kind, .owner = host};
}

bool visor_host_init(struct visor_host *host, struct visor_world *world,
                     const struct visor_scenario_host *model, const char *name)
{
    size_t expects = world->scenario->expect_count;
    struct visor_rng rng;

    memset(host, 0, sizeof(*host));
    memcpy(host->name, name, strlen(name) + 1);
    host->model = model;
    host->timer = waiting(host, VISOR_HAPPENING_TIMER);
    host->start = waiting(host, VISOR_HAPPENING_START);
    host->resume = waiting(host, VISOR_HAPPENING_RESUME);
    host->chip.happening = waiting(host, VISOR_HAPPENING_CHIP);
    host->chip.copying = waiting(host, VISOR_HAPPENING_COPY);
    host->watch.happening = waiting(host, VISOR_HAPPENING_WATCH);
    host->selected = VISOR_SCENARIO_NONE;
    host->busy_until = -1;
    host->unmet = calloc(expects + 1, sizeof(*host->unmet));
    visor_rng_init(&host->rng, visor_world_seed(world->seed, name, "system"));
    init_clocks(host, world);
    visor_score_init(&host->score, &world->scenario->limits);
    visor_checker_init(&host->checker);
    visor_rng_init(&rng, visor_world_seed(world->seed, name, "engine"));
    return host->unmet && visor_device_init(host, world) && make_engine(host, &rng) &&
           visor_chip_start(host, world) && visor_watch_start(host, world) &&
           visor_heap_push(&world->heap, &host->start, visor_ns_from_seconds(model->start));
}

void visor_host_done(struct visor_host *host)
{
    visor_engine_free(host->engine);
    visor_exchanges_free(host->exchanges);
    free(host->devices);
    free(host->routes);
    free(host->unmet);
}

void visor_host_restart(struct visor_host *host, struct visor_world *world, int64_t at)
{
    visor_engine_free(host->engine);
    host->engine = NULL;
    host->running = host->published = false;
    host->chip.read = 0;
    host->watch.introduced = false;
    host->steps_before = host->score.steps;
    host->checker.clock_excused = true; /* a slew under way goes on, and nobody ends it */
    host->selected = VISOR_SCENARIO_NONE;
    host->lost_before = world->now + 1;
    visor_heap_remove(&world->heap, &host->timer);
    if (!make_engine(host, &host->rng) || !visor_heap_push(&world->heap, &host->start, at))
        world->out_of_memory = true;
}

/* ---- truth ---- */

static bool trusted(const struct visor_host *host)
{
    return host->published && (host->view.trust == VISOR_TRUST_SYNCHRONIZED ||
                               host->view.trust == VISOR_TRUST_HOLDOVER);
}

/* Published interval now; lo > hi: there is none. */
static void published(const struct visor_host *host, visor_wall *lo, visor_wall *hi)
{
    visor_mono raw = {host->kernel.raw};
    int64_t bound = trusted(host) ? visor_view_bound_ns(&host->view, raw) : VISOR_NS_MAX;
    visor_wall utc = visor_view_utc(&host->view, raw);

    *lo = (visor_wall){bound == VISOR_NS_MAX ? INT64_MAX : utc.ns - bound};
    *hi = (visor_wall){bound == VISOR_NS_MAX ? INT64_MIN : utc.ns + bound};
}

/* Does what this target tells cover its error? `answers`: does it tell anything? */
static bool honest(struct visor_world *world, uint32_t target, bool *answers)
{
    struct visor_host *host;
    struct visor_server *server;

    if (target & VISOR_TARGET_IS_HOST) {
        host = visor_world_host_of(world, target);
        *answers = trusted(host);
        return !host->checker.windows[VISOR_VIOLATION_BOUND].open &&
               host->checker.violations[VISOR_VIOLATION_BOUND] == 0;
    }
    server = &world->servers[target];
    *answers = !server->dead && !server->unsynchronized;
    return visor_server_honest(server, world->now);
}

/* Are at least half of its servers wrong beyond what they claim? Then nobody can blame the host. */
static bool misled(const struct visor_host *host, struct visor_world *world)
{
    size_t wrong = 0, answering = 0;

    for (size_t i = 0; i < host->route_count; i++) {
        bool answers, good = honest(world, host->routes[i].target, &answers);

        answering += answers;
        wrong += answers && !good;
    }
    return wrong > 0 && wrong * 2 >= answering;
}

static void compare(struct visor_host *host, struct visor_world *world, enum visor_violation kind,
                    double error, double bound)
{
    struct visor_checker *checker = &host->checker;
    int64_t at = host->kernel.at;

    if (visor_checker_compare(checker, kind, at, error, bound))
        return;
    if (misled(host, world)) {
        visor_checker_fault(checker, at, PATIENCE * (uint32_t)host->route_count);
        visor_checker_compare(checker, kind, at, error, bound);
    } else {
        visor_checker_blame(checker, kind, at, error, bound);
    }
}

static void observe(struct visor_host *host, const struct visor_world *world,
                    struct visor_score_sample *sample)
{
    const struct visor_kernel *kernel = &host->kernel;
    int64_t utc = visor_world_utc(world, kernel->at).ns, bound;

    *sample = (struct visor_score_sample){
        .seconds = visor_seconds_from_ns(kernel->at),
        .error = (double)(kernel->real - utc) * 1e-9,
        .rate = visor_kernel_total_rate(kernel),
        .published = trusted(host),
        .bound = -1.0,
    };
    if (!sample->published)
        return;
    bound = visor_view_bound_ns(&host->view, (visor_mono){kernel->raw});
    sample->estimate =
        (double)(visor_view_utc(&host->view, (visor_mono){kernel->raw}).ns - utc) * 1e-9;
    if (bound != VISOR_NS_MAX)
        sample->bound = (double)bound * 1e-9;
}

static void judge(struct visor_host *host, struct visor_world *world,
                  const struct visor_score_sample *sample)
{
    double kernel_bound = visor_kernel_max_error(&host->kernel);

    if (sample->bound >= 0.0)
        compare(host, world, VISOR_VIOLATION_BOUND, sample->estimate, sample->bound);
    else
        visor_checker_silence(&host->checker, VISOR_VIOLATION_BOUND, host->kernel.at);
    if (kernel_bound >= 0.0)
        compare(host, world, VISOR_VIOLATION_KERNEL, sample->error, kernel_bound);
    else
        visor_checker_silence(&host->checker, VISOR_VIOLATION_KERNEL, host->kernel.at);
}

void visor_host_check(struct visor_host *host, struct visor_world *world)
{
    struct visor_score_sample sample;

    observe(host, world, &sample);
    judge(host, world, &sample);
}

static void second(struct visor_host *host, struct visor_world *world)
{
    struct visor_score_sample sample;

    host->kernel.rate = visor_oscillator_step(&host->oscillator);
    host->grid += VISOR_NS_PER_S;
    if (host->kernel.frozen)
        return;
    host->second_at = host->kernel.at / VISOR_NS_PER_S;
    host->second_raw = host->kernel.raw;
    observe(host, world, &sample);
    judge(host, world, &sample);
    visor_score_add(&host->score, &sample);
    if (world->scenario->expect_count > 0)
        visor_expectation_check(host, world, &sample);
    if (world->observer.sample)
        world->observer.sample(world->observer.context, host, &sample);
}

void visor_host_advance(struct visor_host *host, struct visor_world *world, int64_t at)
{
    while (host->grid <= at) {
        visor_kernel_advance(&host->kernel, host->grid);
        second(host, world);
    }
    visor_kernel_advance(&host->kernel, at);
}

/* ---- events ---- */

struct visor_reading visor_host_reading(const struct visor_host *host)
{
    return (struct visor_reading){
        .raw = {host->kernel.raw},
        .real = {host->kernel.real},
        .width_ns = READING_WIDTH_NS,
        .frequency_ppb = host->kernel.applied * 1e9,
    };
}

static void set_timer(struct visor_host *host, struct visor_world *world)
{
    visor_mono deadline = visor_engine_deadline(host->engine);
    double wait;

    if (deadline.ns == INT64_MAX) {
        visor_heap_remove(&world->heap, &host->timer);
        return;
    }
    wait = (double)(deadline.ns - host->kernel.raw) / (1.0 + host->kernel.rate);
    wait = (wait > 0.0 ? wait : 0.0) + 1e4 + 2e4 * visor_rng_uniform(&host->rng);
    if (!visor_heap_push(&world->heap, &host->timer, world->now + (int64_t)wait))
        world->out_of_memory = true;
}

static void feed(struct visor_host *host, struct visor_world *world, struct visor_event *event)
{
    const struct visor_observer *observer = &world->observer;
    struct visor_action action;

    event->now = visor_host_reading(host);
    host->score.events++;
    if (observer->event)
        observer->event(observer->context, host, event);
    visor_engine_handle(host->engine, event);
    while (visor_engine_next(host->engine, &action)) {
        if (observer->action)
            observer->action(observer->context, host, world->now, &action);
        visor_host_carry(host, world, &action);
    }
    if (observer->handled)
        observer->handled(observer->context, host, event);
}

/* Tell the checker what a reference clock says. It was honest if it is. */
static void reveal_device(struct visor_host *host, const struct visor_world *world,
                          const struct visor_event_refclock *event)
{
    struct visor_exchange exchange = {.began_at = host->kernel.at};
    const struct visor_refclock_config *config = &host->model->config->refclocks[event->refclock];
    int64_t claim, wrong, age = host->kernel.raw - event->stamp.raw.ns;
    visor_wall utc = visor_wall_add(event->reference, age), lo, hi;

    if (!host->checker.excused || event->kind == VISOR_REFCLOCK_FAILED)
        return;
    claim = event->stamp.error_ns +
            visor_ns_from_seconds(event->dispersion_s + config->delay / 2.0 + 1e-6);
    wrong = visor_wall_diff(utc, visor_world_utc(world, host->kernel.at));
    if (wrong > claim || wrong < -claim)
        return;
    exchange.lo = visor_wall_add(utc, -claim);
    exchange.hi = visor_wall_add(utc, claim);
    published(host, &lo, &hi);
    visor_checker_exchange(&host->checker, &exchange, lo, hi);
}

/* A slew is what REALTIME gains on the estimate, if there is one; judged when the event is done
 * with, since the estimate may have changed too. */
static void check_slew(struct visor_host *host, const struct visor_world *world)
{
    double slew = host->kernel.applied - host->view.rate_ppb * 1e-9;
    double limit = host->model->config->max_slew_rate * 1e-6 + 1e-6;

    if (host->frequency_set && host->published && host->view.trust != VISOR_TRUST_UNKNOWN &&
        (slew > limit || slew < -limit))
        visor_checker_blame(&host->checker, VISOR_VIOLATION_SLEW, world->now, slew, limit);
    host->frequency_set = false;
}

/* Its clocks are up to date and what was published was checked. */
static void act(struct visor_host *host, struct visor_world *world, struct visor_event *event)
{
    feed(host, world, event);
    for (size_t i = 0; i < world->answer_count; i++) {
        struct visor_event answer = world->answers[i];

        if (answer.kind == VISOR_EVENT_REFCLOCK)
            reveal_device(host, world, &answer.refclock);
        feed(host, world, &answer);
    }
    world->answer_count = 0;
    check_slew(host, world);
    if (host->kernel.slewing == 0.0)
        host->checker.clock_excused = false;
    visor_host_check(host, world);
    set_timer(host, world);
}

void visor_host_handle(struct visor_host *host, struct visor_world *world,
                       struct visor_event *event)
{
    visor_host_advance(host, world, world->now);
    visor_host_check(host, world);
    act(host, world, event);
}

void visor_host_start(struct visor_host *host, struct visor_world *world)
{
    struct visor_event event = {.kind = VISOR_EVENT_START};

    visor_host_advance(host, world, world->now);
    host->running = true;
    event.start.clock_settable = true;
    event.start.drift_known = host->drift_known;
    event.start.drift_ppm = host->drift_ppm;
    event.start.skew_ppm = host->drift_skew_ppm;
    visor_host_handle(host, world, &event);
}

/* Stamps by the kernel or the card are a little noisy; the daemon's are late. */
struct visor_stamp visor_host_stamp(struct visor_host *host)
{
    struct visor_stamp stamp = {.raw = {host->kernel.raw}};
    double spread = 0.0;

    switch (host->model->stamping) {
    case VISOR_STAMPING_KERNEL:
        stamp.by = VISOR_STAMPER_KERNEL;
        spread = 100.0;
        break;
    case VISOR_STAMPING_HARDWARE:
        stamp.by = VISOR_STAMPER_HARDWARE;
        spread = 20.0;
        break;
    case VISOR_STAMPING_DAEMON:
        stamp.by = VISOR_STAMPER_DAEMON;
        stamp.error_ns = 1000;
        return stamp;
    }
    stamp.raw.ns -= (int64_t)(spread * visor_rng_uniform(&host->rng));
    stamp.error_ns = (int64_t)spread;
    return stamp;
}

static bool put_off(struct visor_host *host, struct visor_world *world,
                    struct visor_happening *happening, double seconds)
{
    host->busy_until = world->now + visor_ns_from_seconds(seconds) + 1;
    if (!visor_heap_push(&world->heap, happening, host->busy_until))
        world->out_of_memory = true;
    return false;
}

/* Is it a timer of the machine itself, which stands still with it? An edge of the RTC that came in
 * the pause is seen as soon as it is over, if it is not too old. */
static bool stands_still(const struct visor_host *host, const struct visor_happening *happening)
{
    bool edge = happening == &host->chip.happening && host->chip.awaits_edge &&
                host->busy_until - host->chip.planned < VISOR_NS_PER_S;

    return host->kernel.frozen && !edge &&
           (happening == &host->chip.happening || happening == &host->watch.happening);
}

bool visor_host_ready(struct visor_host *host, struct visor_world *world,
                      struct visor_happening *happening, struct visor_parcel *parcel)
{
    if (host->busy_until > world->now && stands_still(host, happening)) {
        int64_t left = world->now - host->paused_at;

        if (happening ==
            &host->chip.happening) /* the daemon looks more often than it needs edges */
            left %= VISOR_CHIP_READ_NS;
        if (!visor_heap_push(&world->heap, happening, host->busy_until + left))
            world->out_of_memory = true;
        return false;
    }
    if (host->busy_until > world->now)
        return put_off(host, world, happening,
                       visor_seconds_from_ns(host->busy_until - world->now - 1));
    if (host->busy_until == world->now) {
        visor_mishap_resume(world, host); /* before whatever else waits for this moment */
        return true;
    }
    if (world->now < host->steal_until && visor_rng_uniform(&host->rng) < host->steal_share) {
        double burst = host->steal_burst * visor_rng_exponential(&host->rng);

        host->watch.stolen_ns += visor_ns_from_seconds(burst);
        return put_off(host, world, happening, burst);
    }
    if (world->now < host->io_until) {
        visor_host_advance(host, world, world->now);
        if (parcel && host->model->stamping != VISOR_STAMPING_DAEMON) {
            parcel->stamp = visor_host_stamp(host);
            parcel->stamped = true;
        }
        return put_off(host, world, happening,
                       host->io_latency * visor_rng_exponential(&host->rng));
    }
    return true;
}

/* Tell the checker what this reply says, if its server is honest: at arrival UTC was not before
 * the reply left, nor later than the request's arrival plus the whole exchange. */
static void reveal(struct visor_host *host, struct visor_world *world,
                   const struct visor_parcel *parcel)
{
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;
    struct visor_exchange exchange = {.began_at = parcel->began_at};
    int64_t claim, wrong, took = host->kernel.raw - parcel->began_raw;
    visor_wall sent, lo, hi;

    if (!host->checker.excused || !visor_ntp_read(&header, &layout, parcel->data, parcel->size) ||
        header.leap == VISOR_LEAP_UNSYNCHRONIZED || header.stratum == 0)
        return;
    claim = visor_ntp_short_to_ns(header.root_delay) / 2 +
            visor_ntp_short_to_ns(header.root_dispersion) + 1000;
    sent = visor_ntp_to_wall(header.transmit);
    wrong = visor_wall_diff(sent, visor_world_utc(world, parcel->left_at));
    if (wrong > claim || wrong < -claim)
        return;
    exchange.lo = visor_wall_add(sent, -claim);
    exchange.hi = visor_wall_add(visor_ntp_to_wall(header.receive), claim + took + took / 2000);
    published(host, &lo, &hi);
    visor_checker_exchange(&host->checker, &exchange, lo, hi);
}

void visor_host_receive(struct visor_host *host, struct visor_world *world,
                        struct visor_parcel *parcel)
{
    struct visor_event event = {.kind = VISOR_EVENT_PACKET};

    visor_host_advance(host, world, world->now);
    visor_host_check(host, world);
    host->score.received++;
    reveal(host, world, parcel);
    event.packet.source = parcel->source;
    event.packet.peer = visor_world_address(parcel->target);
    event.packet.peer.port = VISOR_NTP_PORT;
    event.packet.received = parcel->stamped ? parcel->stamp : visor_host_stamp(host);
    event.packet.data = parcel->data;
    event.packet.size = parcel->size;
    act(host, world, &event);
}
