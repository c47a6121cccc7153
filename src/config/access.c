/* Directives with addresses: who may ask (allow, deny, and their cmd twins), where to listen, and
 * broadcasts. Host names are kept to be resolved later; rules are kept in the order written. */
#include "config/number.h"
#include "config/tables.h"

#include <string.h>

/* "1", "1.2" or "1.2.3": an IPv4 network by its first one to three numbers. */
static bool short_network(const char *text, struct visor_access_config *access)
{
    int numbers = 0;
    int64_t value;

    access->subnet = (struct visor_address){.family = VISOR_FAMILY_IPV4};
    while (numbers < 3 && *text >= '0' && *text <= '9') {
        text += visor_number_read_whole(text, &value);
        if (value > 255)
            return false;
        access->subnet.bytes[numbers++] = (uint8_t)value;
        if (!*text) {
            access->prefix = (uint8_t)(numbers * 8);
            return true;
        }
        if (*text++ != '.')
            return false;
    }
    return false;
}

static bool is_name(const char *text)
{
    for (; *text; text++)
        if (!((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
              (*text >= 'A' && *text <= 'Z') || *text == '.' || *text == '-' || *text == '_'))
            return false;
    return true;
}

/* Splits "NET/BITS"; false if there is a slash and no sensible number behind it. */
static bool split_prefix(char *text, int64_t *bits)
{
    char *slash = strchr(text, '/');
    size_t taken;

    *bits = -1;
    if (!slash)
        return true;
    *slash = '\0';
    taken = visor_number_read_whole(slash + 1, bits);
    return taken && !slash[1 + taken] && *bits >= 0 && *bits <= 128;
}

/* What the word means, NULL if it is right, else why it is not. */
static const char *parse_subnet(const char *word, struct visor_access_config *access)
{
    char text[VISOR_CONFIG_NAME_MAX];
    int64_t bits, most;

    if (strlen(word) >= sizeof(text))
        return N_("'%w' is too long for a host name");
    memcpy(text, word, strlen(word) + 1);
    if (!split_prefix(text, &bits))
        return N_("'%w': the number of bits behind the slash is wrong");
    if (visor_address_parse(text, &access->subnet)) {
        access->prefix = access->subnet.family == VISOR_FAMILY_IPV6 ? 128 : 32;
    } else if (!short_network(text, access)) {
        if (bits >= 0 || !is_name(text) ||
            !strpbrk(text, "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            return N_("'%w' is neither an address, nor a subnet, nor a host name");
        access->subnet = (struct visor_address){.family = VISOR_FAMILY_NONE};
        memcpy(access->name, text, strlen(text) + 1);
        return NULL;
    }
    most = access->subnet.family == VISOR_FAMILY_IPV6 ? 128 : 32;
    if (bits > most)
        return N_("'%w': an IPv4 subnet has at most 32 bits");
    if (bits >= 0)
        access->prefix = (uint8_t)bits;
    return NULL;
}

bool visor_access_parse(struct visor_parser *parser, struct visor_access_config *access)
{
    const char *word = visor_words_take(&parser->words), *wrong;

    if (word && strcmp(word, "all") == 0) {
        access->all = true;
        word = visor_words_take(&parser->words);
    }
    if (!word)
        return true;
    wrong = parse_subnet(word, access);
    if (!wrong)
        return visor_parser_end(parser);
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1, wrong, NULL, NULL);
    return false;
}

static void add_rule(struct visor_parser *parser, struct visor_access_config **rules, size_t *count,
                     bool allow)
{
    struct visor_access_config access = {.allow = allow}, *new;

    if (!visor_access_parse(parser, &access))
        return;
    new =
        visor_parser_append(parser, (void **)rules, count, sizeof(access), VISOR_CONFIG_RULES_MAX);
    if (new)
        *new = access;
}

void visor_directive_allow(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    add_rule(parser, &to->access, &to->access_count, true);
}

void visor_directive_deny(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    add_rule(parser, &to->access, &to->access_count, false);
}

void visor_directive_cmdallow(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    add_rule(parser, &to->cmd_access, &to->cmd_access_count, true);
}

void visor_directive_cmddeny(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    add_rule(parser, &to->cmd_access, &to->cmd_access_count, false);
}

static bool take_address(struct visor_parser *parser, struct visor_address *address)
{
    const char *word = visor_words_take(&parser->words);

    if (!word) {
        visor_parser_missing(parser, parser->directive, "ADDRESS");
        return false;
    }
    if (visor_address_parse(word, address))
        return true;
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                          N_("'%w' is not an IP address, as '%1' needs"), parser->directive, NULL);
    return false;
}

static bool bind_by_family(struct visor_parser *parser, struct visor_address *four,
                           struct visor_address *six)
{
    struct visor_address address;

    if (!take_address(parser, &address) || !visor_parser_end(parser))
        return false;
    *(address.family == VISOR_FAMILY_IPV6 ? six : four) = address;
    return true;
}

void visor_directive_bindaddress(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    bind_by_family(parser, &to->bind_address4, &to->bind_address6);
}

void visor_directive_bindacqaddress(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;

    bind_by_family(parser, &to->bind_acq_address4, &to->bind_acq_address6);
}

void visor_directive_bindcmdaddress(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;
    char path[VISOR_CONFIG_NAME_MAX] = "";

    if (!visor_words_left(&parser->words) ||
        visor_words_get(&parser->words, parser->words.next)[0] != '/') {
        if (bind_by_family(parser, &to->bind_cmd_address4, &to->bind_cmd_address6))
            to->bind_cmd_any = false;
        return;
    }
    if (!visor_parser_text(parser, "PATH", path, sizeof(path)) || !visor_parser_end(parser))
        return;
    if (strcmp(path, "/") == 0)
        path[0] = '\0';
    memcpy(to->bind_cmd_path, path, sizeof(path));
}

void visor_directive_broadcast(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;
    struct visor_broadcast_config broadcast = {.interval = 0}, *new;
    int64_t interval, port = 123;

    if (!visor_parser_whole(parser, "SECONDS", -INT_LIMIT, INT_LIMIT, &interval) ||
        !take_address(parser, &broadcast.address))
        return;
    if (visor_words_left(&parser->words) && !visor_parser_whole(parser, "PORT", 1, 65535, &port))
        return;
    if (!visor_parser_end(parser))
        return;
    /* chronyd's limits, taken without a word */
    broadcast.interval = (int)(interval < 1 ? 1 : interval > 1 << 24 ? 1 << 24 : interval);
    broadcast.address.port = (uint16_t)port;
    new = visor_parser_append(parser, (void **)&to->broadcasts, &to->broadcast_count,
                              sizeof(broadcast), VISOR_CONFIG_LIST_MAX);
    if (new)
        *new = broadcast;
}
