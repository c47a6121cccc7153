/* The options of `server`, `pool` and `peer`, and what has to fit together among them. */
#include "config/number.h"
#include "config/tables.h"

#include <string.h>

#define STRUCTURE struct visor_source_config

static void take_extfield(struct visor_parser *parser, void *target)
{
    struct visor_source_config *source = target;
    const char *word = visor_words_take(&parser->words);
    uint32_t type;
    size_t taken;

    if (!word) {
        visor_parser_missing(parser, "extfield", "TYPE");
        return;
    }
    taken = visor_number_read_hex(word, &type);
    if (taken && !word[taken] && type == 0xf323)
        source->extfields |= VISOR_EXTFIELD_MONO_ROOT;
    else if (taken && !word[taken] && (type == 0x10a || type == 0xf324))
        source->extfields |= VISOR_EXTFIELD_NET_CORRECTION;
    else
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not an extension field known here: 10A or F323"), NULL,
                              NULL);
}

static void take_family4(struct visor_parser *parser, void *target)
{
    (void)parser;
    ((struct visor_source_config *)target)->family = VISOR_FAMILY_IPV4;
}

static void take_family6(struct visor_parser *parser, void *target)
{
    (void)parser;
    ((struct visor_source_config *)target)->family = VISOR_FAMILY_IPV6;
}

static void print_family(struct visor_printer *printer, const char *name, const void *target)
{
    const struct visor_source_config *source = target;

    if (source->family == (name[3] == '4' ? VISOR_FAMILY_IPV4 : VISOR_FAMILY_IPV6)) {
        visor_text_put_char(&printer->out, ' ');
        visor_text_put(&printer->out, name);
    }
}

static void print_extfield(struct visor_printer *printer, const char *name, const void *target)
{
    const struct visor_source_config *source = target;

    (void)name;
    if (source->extfields & VISOR_EXTFIELD_MONO_ROOT)
        visor_text_put(&printer->out, " extfield F323");
    if (source->extfields & VISOR_EXTFIELD_NET_CORRECTION)
        visor_text_put(&printer->out, " extfield 10A");
}

static const struct visor_option rows[] = {
    INT("minpoll", minpoll, -INT_LIMIT, INT_LIMIT, 6, "POLL", "shortest interval, log2 s"),
    INT("maxpoll", maxpoll, -32, 32, 10, "POLL", "longest interval, log2 s"),
    FLAG("iburst", iburst, "first measurements in a quick burst"),
    FLAG("burst", burst, "more requests when one brings no good measurement"),
    {NUMBER(VISOR_OPTION_UNSIGNED, "key", key, 1, UINT32_MAX, 0, "ID", "authenticate by this key")},
    REFUSED("nts", N_("'%w': NTS is not built yet: authenticate with 'key', or leave it out")),
    {NUMBER(VISOR_OPTION_UNSIGNED, "certset", certset, 0, UINT32_MAX, 0, "ID",
            "set of trusted certificates for NTS")},
    REAL_CLAMPED("maxdelay", max_delay, 0, 1e3, 3, "SECONDS", "longest round trip accepted"),
    REAL_CLAMPED("maxdelayratio", max_delay_ratio, 0, 1e6, 0, "RATIO",
                 "longest round trip accepted, as a multiple of the shortest"),
    REAL_CLAMPED("maxdelaydevratio", max_delay_dev_ratio, 0, 1e6, 10, "RATIO",
                 "longest increase of the round trip, in deviations of the offset"),
    REAL("maxdelayquant", max_delay_quant, -UNLIMITED, UNLIMITED, 0, "P",
         "longest round trip accepted, as a quantile of the delays"),
    REAL("mindelay", min_delay, -UNLIMITED, UNLIMITED, 0, "SECONDS", "shortest round trip, known"),
    REAL("asymmetry", asymmetry, -UNLIMITED, UNLIMITED, 1, "RATIO",
         "asymmetry of the jitter, -0.5 to 0.5"),
    REAL("offset", offset, -UNLIMITED, UNLIMITED, 0, "SECONDS", "added to measured offsets"),
    INT("minsamples", min_samples, 0, INT_LIMIT, -1, "SAMPLES", "fewest samples kept"),
    INT("maxsamples", max_samples, 0, INT_LIMIT, -1, "SAMPLES", "most samples kept"),
    INT("maxunreach", max_unreach, 0, INT_LIMIT, 100000, "POLLS",
        "polls that it stays selectable while unreachable"),
    INT("filter", filter_length, 0, INT_LIMIT, 0, "POLLS", "samples made into one by a median"),
    FLAG("offline", offline, "not polled until chronyc says online"),
    FLAG("auto_offline", auto_offline, "offline when requests cannot be sent"),
    BITS("prefer", select_options, VISOR_SELECT_PREFER, "before sources without this option"),
    BITS("noselect", select_options, VISOR_SELECT_NOSELECT, "measured, never used"),
    BITS("trust", select_options, VISOR_SELECT_TRUST, "assumed to be right"),
    BITS("require", select_options, VISOR_SELECT_REQUIRE, "one such source has to be selectable"),
    FLAG("xleave", xleave, "interleaved mode"),
    INT("polltarget", poll_target, 1, INT_LIMIT, 8, "SAMPLES", "samples aimed at by the interval"),
    {NUMBER(VISOR_OPTION_PORT, "port", port, 0, 65535, 123, "PORT", "UDP port of the server")},
    {NUMBER(VISOR_OPTION_PORT, "ntsport", ntsport, 0, 65535, 4460, "PORT", "TCP port of NTS-KE")},
    INT("presend", presend, -32, 32, 100, "POLL", "from this interval on, a packet ahead"),
    INT_CLAMPED("minstratum", min_stratum, 0, 15, 0, "STRATUM", "taken for this stratum at least"),
    INT("version", version, 1, 4, 0, "VERSION", "NTP version of the requests"),
    FLAG("copy", copy, "take over the server's reference ID and stratum"),
    SPECIAL("extfield", take_extfield, print_extfield, "TYPE", "extension field to use"),
    SPECIAL("ipv4", take_family4, print_family, NULL, "IPv4 addresses only"),
    SPECIAL("ipv6", take_family6, print_family, NULL, "IPv6 addresses only"),
    INT_CLAMPED("maxsources", max_sources, 1, 16, 4, "SOURCES", "pool: how many to use"),
    FLAG("near", near, "ours: close by: asked once a second"),
    FLAG("backup", backup, "ours: for emergencies only"),
};

const struct visor_option_table visor_source_options = {"server", rows,
                                                        sizeof(rows) / sizeof(rows[0])};

void visor_source_config_init(struct visor_source_config *source)
{
    memset(source, 0, sizeof(*source));
    visor_options_set_defaults(&visor_source_options, source);
}

static void warn(struct visor_parser *parser, const char *reason, const char *first)
{
    visor_parser_complain(parser, VISOR_DIAGNOSIS_WARNING, parser->words.count, reason, first,
                          NULL);
}

/* chronyd takes intervals too short for their default, and too long for the longest. */
static int fit_poll(struct visor_parser *parser, int poll, const char *what, int normal)
{
    if (poll >= -7 && poll <= 24)
        return poll;
    warn(parser,
         poll < -7 ? N_("'%1' is below -7 and taken as its default")
                   : N_("'%1' is above 24 and taken as 24"),
         what);
    return poll < -7 ? normal : 24;
}

static void fit(struct visor_parser *parser, struct visor_source_config *source)
{
    static const char *const useless[] = {"iburst", "burst", "presend", "copy"};
    bool given[] = {source->iburst, source->burst, source->presend <= 24, source->copy};

    source->minpoll = fit_poll(parser, source->minpoll, "minpoll", 6);
    source->maxpoll = fit_poll(parser, source->maxpoll, "maxpoll", 10);
    if (source->maxpoll < source->minpoll) {
        warn(parser, N_("'maxpoll' is below 'minpoll' and taken as the same"), NULL);
        source->maxpoll = source->minpoll;
    }
    if (!(source->max_delay_quant > 0.0)) {
        source->max_delay_quant = 0.0;
    } else if (!(source->max_delay_quant >= 0.05 && source->max_delay_quant <= 0.95)) {
        warn(parser, N_("'maxdelayquant' is outside 0.05 … 0.95; the limit is taken"), NULL);
        source->max_delay_quant = source->max_delay_quant < 0.05 ? 0.05 : 0.95;
    }
    if (!(source->asymmetry >= -0.5 && source->asymmetry <= 0.5))
        source->asymmetry = 1.0;
    for (size_t i = 0; source->kind == VISOR_SOURCE_PEER && i < sizeof(given); i++)
        if (given[i])
            warn(parser, N_("'%1' has no effect with 'peer'"), useless[i]);
}

/* Hosts are names or addresses; what cannot be either is refused before anybody asks DNS for it. */
static bool good_host(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name <= ' ' || *name == 0x7f || *name == '/' || *name == ',')
            return false;
    return true;
}

bool visor_source_parse(struct visor_parser *parser, struct visor_source_config *source)
{
    struct visor_option_table options = visor_source_options;

    options.owner = parser->directive;
    visor_source_config_init(source);
    source->kind = strcmp(parser->directive, "pool") == 0   ? VISOR_SOURCE_POOL
                   : strcmp(parser->directive, "peer") == 0 ? VISOR_SOURCE_PEER
                                                            : VISOR_SOURCE_SERVER;
    source->line = parser->line;
    visor_diagnosis_copy(source->file, sizeof(source->file), parser->file);
    if (!visor_parser_text(parser, "HOST", source->name, sizeof(source->name)))
        return false;
    if (!good_host(source->name)) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is neither a host name nor an address"), NULL, NULL);
        return false;
    }
    if (!visor_options_take(parser, &options, source))
        return false;
    fit(parser, source);
    return true;
}

void visor_directive_source(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;
    struct visor_source_config source, *new;

    if (!visor_source_parse(parser, &source))
        return;
    new = visor_parser_append(parser, (void **)&to->sources, &to->source_count, sizeof(source),
                              parser->sources_limit ? parser->sources_limit
                                                    : VISOR_CONFIG_SOURCES_MAX);
    if (new)
        *new = source;
}
