/* The needs by their names in templates. */
#include "generate/generate.h"

#include <string.h>

static const char *const YES[] = {"yes"};

static struct visor_value list(const char *name, const char *const *values, size_t count)
{
    return (struct visor_value){name, values, count};
}

static struct visor_value one(const char *name, const char *const *value)
{
    return (struct visor_value){name, value, *value ? 1 : 0};
}

static const char * or (const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

bool visor_generate(const char *template, const struct visor_needs *needs, struct visor_text *out)
{
    static const char *const NETWORK[] = {"192.168.122.0/24"};
    const char *zone = or (needs->zone, "Etc/UTC"), *interface = or (needs->interface, "eth0");
    const char *domain = or (needs->ptp_domain, "0"), *name = or (needs->name, "guest");
    const char *image = or (needs->image, "registry.example/timevisor:0.1.0");
    const char *limit = or (needs->limit, "0.1");
    const char *open = "{{", *close = "}}"; /* as Prometheus' own templates have them */
    const struct visor_value values[] = {
        list("servers", needs->servers, needs->server_count),
        list("hosts", needs->hosts, needs->host_count),
        list("peers", needs->peers, needs->peer_count),
        needs->allow_count ? list("allow", needs->allow, needs->allow_count)
                           : list("allow", NETWORK, 1),
        list("nts", YES, needs->nts),
        one("zone", &zone),
        one("lb", &open),
        one("rb", &close),
        one("interface", &interface),
        one("ptp-domain", &domain),
        one("image", &image),
        one("name", &name),
        one("limit", &limit),
    };

    return visor_template_expand(template, values, sizeof(values) / sizeof(values[0]), out) &&
           out->at < out->size;
}

/* What stands in a value must not be able to end it: in shells, YAML, XML and the rest. */
static bool is_plain(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > 200 || text[0] == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/+-@") ==
           length;
}

static const char *first_bad(const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_plain(values[i]))
            return values[i];
    return NULL;
}

const char *visor_needs_check(const struct visor_needs *needs)
{
    const char *single[] = {needs->zone,  needs->interface, needs->ptp_domain,
                            needs->image, needs->name,      needs->limit};
    const char *word = first_bad(needs->servers, needs->server_count);

    if (!word)
        word = first_bad(needs->hosts, needs->host_count);
    if (!word)
        word = first_bad(needs->peers, needs->peer_count);
    if (!word)
        word = first_bad(needs->allow, needs->allow_count);
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]) && !word; i++)
        if (single[i] && !is_plain(single[i]))
            word = single[i];
    return word;
}
