/* The NTP protocol with one source address: when to ask, what to send, which replies to believe and
 * the measurement they give (RFC 5905; interleaved modes RFC 9769). Client and symmetric active
 * mode. It decides nothing about the clock: the poll interval is set by the engine's core, the
 * samples are filtered there.
 *
 *     deadline() passes            -> handle_timer(): SEND and/or CLOSE
 *     SENT event (one or several)  -> handle_sent()
 *     PACKET event                 -> handle_packet(): verdict, and a sample if it was accepted
 *
 * After each of these take_close() and deadline() may have changed. */
#ifndef VISOR_ENGINE_ASSOCIATION_H
#define VISOR_ENGINE_ASSOCIATION_H

#include "base/rng.h"
#include "engine/action.h"
#include "engine/event.h"
#include "engine/record.h"
#include "engine/sample.h"
#include "engine/status.h"
#include "wire/ntp.h"

#define VISOR_ASSOCIATION_POLL_MIN   (-7)
#define VISOR_ASSOCIATION_POLL_MAX   24
#define VISOR_ASSOCIATION_QUANTILE   100 /* delays remembered for maxdelayquant */
#define VISOR_ASSOCIATION_MISSED_MAX 4   /* requests in a row, beyond which none is interleaved */

/* What the association must know of the rest of the engine at one moment. */
struct visor_association_context {
    struct visor_reading now;
    struct visor_prediction prediction; /* for this source, at any moment near `now` */
    const struct visor_view *view;      /* what we serve: for symmetric packets and the loop test */
    bool over_ptp;                      /* NTP over PTP is on, and the source is at its port */
    bool serving;               /* the server is open, so that others may be synchronised to us */
    int8_t precision;           /* log2 s, of our own stamps */
    double max_clock_error_ppm; /* 1 */
    int pressed; /* requests in succession that must be lost before the core takes it for silent,
                  * where it is in a hurry to know; else 0 */
};

enum visor_association_verdict {
    VISOR_VERDICT_SAMPLE,     /* accepted */
    VISOR_VERDICT_NOT_FOR_US, /* mode does not fit a configured source: let the server see it */
    VISOR_VERDICT_MALFORMED,
    VISOR_VERDICT_OFFLINE,         /* not asked for */
    VISOR_VERDICT_DUPLICATE,       /* test 1, or a second reply to one request */
    VISOR_VERDICT_BOGUS,           /* test 2: not the reply to our last request */
    VISOR_VERDICT_INVALID,         /* test 3: a timestamp is missing */
    VISOR_VERDICT_UNAUTHENTICATED, /* test 5 */
    VISOR_VERDICT_KISS,            /* kiss-o'-death: `reply.kiss` */
    VISOR_VERDICT_UNSYNCHRONIZED,  /* test 6 */
    VISOR_VERDICT_DISTANT,         /* test 7: root distance */
    VISOR_VERDICT_TEST_A,          /* maxdelay, slow server, warming up, broken interleaving */
    VISOR_VERDICT_TEST_B,          /* maxdelayratio */
    VISOR_VERDICT_TEST_C,          /* maxdelaydevratio or maxdelayquant */
    VISOR_VERDICT_TEST_D,          /* loop: it is synchronised to us, or it is us */
    VISOR_VERDICT_INTERLEAVING,    /* valid, but no older exchange to pair it with yet */
};

/* Was this an exchange whose measurement holds, if perhaps not good enough to be used? */
static inline bool visor_verdict_measured(enum visor_association_verdict verdict)
{
    return verdict == VISOR_VERDICT_SAMPLE || verdict == VISOR_VERDICT_TEST_A ||
           verdict == VISOR_VERDICT_TEST_B || verdict == VISOR_VERDICT_TEST_C;
}

/* Bits of `tests`: 1 passed. */
enum visor_association_test {
    VISOR_TEST_1 = 0x200,
    VISOR_TEST_2 = 0x100,
    VISOR_TEST_3 = 0x80,
    VISOR_TEST_5 = 0x40,
    VISOR_TEST_6 = 0x20,
    VISOR_TEST_7 = 0x10,
    VISOR_TEST_A = 8,
    VISOR_TEST_B = 4,
    VISOR_TEST_C = 2,
    VISOR_TEST_D = 1,
};

/* All about one packet that was handled, whatever the verdict. */
struct visor_association_reply {
    enum visor_association_verdict verdict;
    struct visor_ntp_header header;
    uint16_t tests;
    bool valid;  /* tests 1, 2, 3, 5 passed: it counts as an answer */
    bool synced; /* and 6, 7 */
    bool interleaved;
    uint32_t kiss; /* code of a kiss-o'-death, else 0 */
    struct visor_address local;
    visor_mono received;
    double root_delay_s, root_dispersion_s;
    double delay_s, dispersion_s, response_s;
    double offset_s; /* reference - CLOCK_REALTIME at the sample (from the context's reading) */
    visor_mono at;   /* of the sample, or of reception where there is none */
    enum visor_stamper tx, rx;
};

struct visor_association_exchange {
    struct visor_stamp sent;    /* by NONE: there is none */
    uint64_t transmit, receive; /* timestamps in the request: cookies of a client */
    uint32_t token;
};

struct visor_association_burst {
    int good, total; /* replies still wanted, requests still allowed */
    bool active;
    bool then_offline; /* it was offline before */
};

/* What every event looks at comes last: see struct visor_source. */
struct visor_association {
    float delays[VISOR_ASSOCIATION_QUANTILE]; /* ring, for maxdelayquant */
    uint32_t delay_count;
    struct visor_association_reply last;  /* the last packet handled */
    struct visor_association_reply valid; /* the last valid one: ntpdata */
    struct visor_source_config config;
    struct visor_address remote;
    uint32_t id;
    struct visor_rng *rng;
    /* protocol state */
    struct visor_association_exchange request, previous;
    visor_mono queued; /* when the last request was handed out */
    int previous_poll;
    uint32_t previous_unanswered;
    bool stamps_valid; /* the remote stamps come from a synchronised reply */
    uint64_t remote_receive, remote_transmit, remote_mono;
    uint32_t remote_epoch;
    double remote_shift_s;  /* gathered since the last accepted sample (F323) */
    int64_t remote_held_ns; /* of our request before that reply, as the remote says; 0: not known */
    struct visor_stamp received; /* of the last valid reply */
    uint64_t start_transmit;     /* symmetric: packet to answer though it was no valid reply */
    struct visor_stamp start_received;
    bool start_updated;
    uint8_t remote_stratum;
    double remote_root_delay_s, remote_root_dispersion_s;
    bool sampled;
    visor_mono last_sample; /* time of the last accepted sample */
    double last_delay_s;    /* of the last synchronised reply */

    /* the schedule */
    uint8_t version;
    bool denied; /* DENY or RSTR was received; silent until restarted */
    struct visor_association_burst burst;
    int64_t planned_ns; /* interval that `next` was reckoned with */
    int warmup;         /* replies still to be ignored (`presend`) */
    visor_mono slot;    /* nominal time of the current poll: the grid without jitter */
    bool on_grid;       /* `next` is the slot after that one */
    bool close_wanted;
    int retries;             /* left for this poll */
    bool pressed;            /* more of them, and sooner, than the trust in retries allows */
    bool retrying;           /* the last request was one */
    int owed;                /* retries that take the place of polls to come */
    bool left_out;           /* the last poll was one of these */
    int retry_trust;         /* retries allowed until one is answered; answers earn them */
    uint32_t tokens;         /* of requests, counted up */
    int64_t send_latency_ns; /* learnt: from handle_timer() to the packet's departure */

    /* answers */
    int reach_size;          /* polls that `reach` holds, up to 8 */
    bool asked;              /* a request was sent since the start or the last reset */
    bool answered;           /* the last request has a valid reply */
    uint32_t unanswered;     /* requests sent since the last valid reply */
    uint32_t missed;         /* requests in succession given up as unanswered */
    visor_mono missed_since; /* when the first of these was sent; meaningful if missed > 0 */
    uint32_t unreached;      /* polls in succession that left reach at 0 */
    uint32_t sends_failed;   /* in succession */
    int send_error;          /* errno of the last of these; 0: the last request went out */

    uint32_t polls; /* begun; retries and warm-ups do not count */
    uint32_t total_tx, total_rx, total_valid, total_good;
    uint32_t total_kernel_tx, total_kernel_rx, total_hardware_tx, total_hardware_rx;

    double stretch; /* 1 … 2: of a client's interval between two exponents */
    int poll;       /* as the core wants it, log2 s */
    int minpoll, maxpoll;
    int remote_poll;
    uint32_t vain_polls;   /* in succession, that brought no answer, or our own time */
    uint32_t missed_polls; /* polls in succession without a valid reply, retries included */
    bool online;           /* false during a burst of an offline source, too: see burst */
    bool near;             /* not farther than 10 ms: sub-second polling is allowed */
    bool beside;           /* `near`, and not farther than 1 ms: it may be asked every second … */
    bool kissed;           /* … unless it has asked for less */
    uint8_t reach;         /* newest poll in bit 0 */
    visor_mono next;       /* when to send next; max: never */
    visor_mono due; /* … and when it was to be, if `next` is `put_off`, in favour of others */
    visor_mono put_off;
    visor_mono await_until; /* when the pending request counts as missed; max: none does */
    visor_mono close_at;    /* when to close the client socket; max: it is closed */
};

/* Starts offline if the configuration says so, else asks soon. `rng` is borrowed for good. */
void visor_association_init(struct visor_association *a, const struct visor_source_config *config,
                            const struct visor_address *remote, uint32_t id, struct visor_rng *rng,
                            visor_mono now);

/* Next moment handle_timer() is wanted; INT64_MAX: none. */
visor_mono visor_association_deadline(const struct visor_association *a);

/* True: carry out the SEND in `send`. Ask take_close() first: CLOSE goes before SEND. */
bool visor_association_handle_timer(struct visor_association *a,
                                    const struct visor_association_context *context,
                                    struct visor_action_send *send);

/* True once after each moment at which the client socket has done its work. */
bool visor_association_take_close(struct visor_association *a);

/* A transmit stamp or a failed send. */
void visor_association_handle_sent(struct visor_association *a,
                                   const struct visor_event_sent *event, visor_mono now);

/* A packet from this address. Details of it are in a->last, and a->valid if it was valid. The
 * sample is filled if visor_verdict_measured(). */
enum visor_association_verdict visor_association_handle_packet(
    struct visor_association *a, const struct visor_event_packet *packet,
    const struct visor_association_context *context, struct visor_sample *sample);

/* Poll interval, log2 s: held within minpoll … maxpoll; moves the next request. */
void visor_association_set_poll(struct visor_association *a, int poll, visor_mono now);
/* The same for any interval; a client keeps to it between the powers of two. */
void visor_association_set_interval(struct visor_association *a, double seconds, visor_mono now);
/* The interval in use, s. */
double visor_association_interval(const struct visor_association *a);
/* The one in use: longer for a source that has long been silent, not below 0 for one that is
 * unreachable or farther than 10 ms, in symmetric mode not above the peer's; and 0, whatever the
 * limits, for one with the option `near` that answers within 1 ms. */
int visor_association_poll(const struct visor_association *a);
void visor_association_set_minpoll(struct visor_association *a, int minpoll, visor_mono now);
void visor_association_set_maxpoll(struct visor_association *a, int maxpoll, visor_mono now);

/* The next request, and with it all later ones, so much later (ns; negative: earlier, but not
 * sooner after the last one than minpoll allows). Not in a burst. */
void visor_association_move(struct visor_association *a, int64_t by_ns);

/* Client requests to so many sources should be this far apart (ns); defer() moves the next one, but
 * no farther than by some separations in all. */
int64_t visor_association_separation_ns(const struct visor_association *a, int sources);
void visor_association_defer(struct visor_association *a, visor_mono now, int64_t separation_ns);

/* Symmetric mode has no bursts. `good` replies wanted, `total` requests at most. */
void visor_association_start_burst(struct visor_association *a, int good, int total,
                                   visor_mono now);
void visor_association_set_online(struct visor_association *a, bool online, visor_mono now);

/* Forget what was learnt of the source (after a disruption or an address change); keeps polling. */
void visor_association_reset(struct visor_association *a);
void visor_association_change_address(struct visor_association *a,
                                      const struct visor_address *remote, visor_mono now);

/* ---- between association.c, request.c and reply.c ---- */

/* Our own poll interval, whatever the peer's. */
int visor_association_own_poll(const struct visor_association *a);
/* The request that is due; `header`: as it was written into `send`. */
void visor_association_compose(struct visor_association *a,
                               const struct visor_association_context *context,
                               struct visor_ntp_header *header, struct visor_action_send *send);

/* Does it take packets now? */
bool visor_association_listens(const struct visor_association *a);
/* A valid reply came: reach, burst, socket, the next request. */
void visor_association_answered(struct visor_association *a, const struct visor_view *view,
                                visor_mono now, bool good, bool synced);
/* Kiss-o'-death: RATE: four polls more than usual; else silence until restarted. */
void visor_association_back_off(struct visor_association *a, bool rate, visor_mono now);

/* Of the last packet handled, for measurements.log. */
void visor_association_record(const struct visor_association *a,
                              struct visor_record_measurement *record);
/* Fills the fields of ntpdata, poll, reach, online, total_…, address, key. */
void visor_association_status(const struct visor_association *a,
                              struct visor_source_status *status);

#endif
