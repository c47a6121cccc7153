/* The kernel's two clocks. Between two calls the counter runs at one rate; the kernel's ticks are
 * taken to be infinitely short, as a change of frequency takes effect within a few ms. */
#include "sim/kernel.h"

#define FREQUENCY_UNIT  (1e-6 / 65536.0)
#define FREQUENCY_MAX   (500 * 65536)
#define TICK_UNIT       1e-4
#define TICK_SPAN       1000 /* us, a tenth of a tick */
#define SINGLESHOT_RATE 500e-6
#define MAX_ERROR_RATE  500e-6
#define MAX_ERROR_LIMIT 16.0

void visor_kernel_init(struct visor_kernel *kernel, int64_t raw, int64_t real)
{
    *kernel = (struct visor_kernel){.raw = raw, .real = real, .tick = 10000};
}

/* Whole part goes to *ns, what is left stays in *rest. */
static void add(int64_t *ns, double *rest, int64_t whole, double part)
{
    double sum = *rest + part;
    int64_t floor = (int64_t)sum;

    if (sum < (double)floor)
        floor--;
    *ns += whole + floor;
    *rest = sum - (double)floor;
}

static void pass(struct visor_kernel *kernel, int64_t ns, double extra)
{
    double raw_part = (double)ns * kernel->rate;

    add(&kernel->raw, &kernel->raw_rest, ns, raw_part);
    add(&kernel->real, &kernel->real_rest, ns,
        raw_part + ((double)ns + raw_part) * (kernel->applied + extra));
    kernel->at += ns;
}

/* The part of the way during which a foreign adjtime() is still at work. */
static void pass_slewing(struct visor_kernel *kernel, int64_t ns)
{
    double direction = kernel->slewing > 0.0 ? 1.0 : -1.0;
    double left = kernel->slewing * direction / SINGLESHOT_RATE * 1e9;

    if (left < (double)ns)
        ns = (int64_t)left + 1;
    pass(kernel, ns, direction * SINGLESHOT_RATE);
    kernel->slewing -= direction * SINGLESHOT_RATE * (double)ns * 1e-9;
    if (kernel->slewing * direction <= 0.0)
        kernel->slewing = 0.0;
}

void visor_kernel_advance(struct visor_kernel *kernel, int64_t to)
{
    if (kernel->frozen && kernel->at < to)
        kernel->at = to;
    while (kernel->slewing != 0.0 && kernel->at < to)
        pass_slewing(kernel, to - kernel->at);
    if (kernel->at < to)
        pass(kernel, to - kernel->at, 0.0);
}

static int64_t nearest(double x)
{
    return (int64_t)(x < 0.0 ? x - 0.5 : x + 0.5);
}

double visor_kernel_set_frequency(struct visor_kernel *kernel, double ppb)
{
    double wanted = ppb * 1e-9;
    int64_t ticks = nearest(wanted / TICK_UNIT), scaled;

    if (ticks > TICK_SPAN)
        ticks = TICK_SPAN;
    if (ticks < -TICK_SPAN)
        ticks = -TICK_SPAN;
    wanted -= (double)ticks * TICK_UNIT;
    if (wanted > 1e-3)
        wanted = 1e-3;
    if (wanted < -1e-3)
        wanted = -1e-3;
    scaled = nearest(wanted / FREQUENCY_UNIT);
    if (scaled > FREQUENCY_MAX)
        scaled = FREQUENCY_MAX;
    if (scaled < -FREQUENCY_MAX)
        scaled = -FREQUENCY_MAX;
    kernel->tick = 10000 + ticks;
    kernel->frequency = scaled;
    kernel->applied = (double)ticks * TICK_UNIT + (double)scaled * FREQUENCY_UNIT;
    return kernel->applied * 1e9;
}

void visor_kernel_step(struct visor_kernel *kernel, int64_t ns)
{
    kernel->real += ns;
    kernel->synchronized = false;
    kernel->slewing = 0.0;
}

void visor_kernel_jump(struct visor_kernel *kernel, int64_t ns)
{
    add(&kernel->raw, &kernel->raw_rest, ns, 0.0);
    add(&kernel->real, &kernel->real_rest, ns, (double)ns * kernel->applied);
}

void visor_kernel_set_status(struct visor_kernel *kernel, bool synchronized, double max_error)
{
    kernel->synchronized = synchronized;
    kernel->max_error = max_error;
    kernel->max_error_raw = kernel->raw;
}

double visor_kernel_max_error(const struct visor_kernel *kernel)
{
    int64_t seconds = (kernel->raw - kernel->max_error_raw) / VISOR_NS_PER_S;
    double error = kernel->max_error + (double)seconds * MAX_ERROR_RATE;

    return kernel->synchronized && error < MAX_ERROR_LIMIT ? error : -1.0;
}

double visor_kernel_total_rate(const struct visor_kernel *kernel)
{
    double extra = kernel->slewing > 0.0   ? SINGLESHOT_RATE
                   : kernel->slewing < 0.0 ? -SINGLESHOT_RATE
                                           : 0.0;

    return (1.0 + kernel->rate) * (1.0 + kernel->applied + extra) - 1.0;
}
