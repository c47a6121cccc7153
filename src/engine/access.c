/* A tree with sixteen branches a level, four bits of the address each, in one growing array; as in
 * chronyd, since the order of rules matters exactly within a level. */
#include "engine/access.h"

#include <stdlib.h>
#include <string.h>

#define BRANCHES 16
#define LEVELS   32 /* of an IPv6 address */

enum rule { RULE_PARENT = 0, RULE_ALLOW = 1, RULE_DENY = 2 };

/* Index of the block below (0: none) << 2 | enum rule. Block 0 holds the two roots. */
typedef uint32_t node;

struct block {
    node nodes[BRANCHES];
};

struct visor_access {
    struct block *blocks;
    size_t count, capacity;
};

static node *root_of(const struct visor_access *access, uint8_t family)
{
    return &access->blocks[0].nodes[family == VISOR_FAMILY_IPV6];
}

static unsigned nibble(const uint8_t *bytes, unsigned level)
{
    return level % 2 ? bytes[level / 2] & 15u : bytes[level / 2] >> 4u;
}

static bool grow(struct visor_access *access)
{
    size_t capacity = access->capacity ? access->capacity * 2 : 8;
    struct block *blocks;

    if (access->count < access->capacity)
        return true;
    blocks = realloc(access->blocks, capacity * sizeof(*blocks));
    if (!blocks)
        return false;
    access->blocks = blocks;
    access->capacity = capacity;
    return true;
}

/* The block below the node at (block, branch), made if need be; 0 without memory. */
static size_t open_block(struct visor_access *access, size_t block, unsigned branch)
{
    size_t below = access->blocks[block].nodes[branch] >> 2;

    if (below)
        return below;
    if (!grow(access))
        return 0;
    below = access->count++;
    memset(&access->blocks[below], 0, sizeof(struct block));
    access->blocks[block].nodes[branch] |= (node)(below << 2);
    return below;
}

/* A whole level of four bits is set at once: all the nodes that the prefix covers. What hung below
 * them with `all` stays in the array, unused, until the table goes. */
static bool set_rule(struct visor_access *access, uint8_t family, const uint8_t *bytes,
                     const struct visor_access_config *rule)
{
    unsigned bits = rule->prefix, level = 0, first, count;
    unsigned branch = family == VISOR_FAMILY_IPV6;
    size_t block = 0;

    for (; bits > 4; bits -= 4) {
        block = open_block(access, block, branch);
        if (!block)
            return false;
        branch = nibble(bytes, level++);
    }
    if (bits > 0) {
        block = open_block(access, block, branch);
        if (!block)
            return false;
        count = 1u << (4 - bits);
        first = nibble(bytes, level) & ~(count - 1);
    } else {
        first = branch;
        count = 1;
    }
    for (unsigned i = first; i < first + count; i++) {
        node *at = &access->blocks[block].nodes[i];

        *at = (rule->all ? 0 : *at & ~(node)3) | (node)(rule->allow ? RULE_ALLOW : RULE_DENY);
    }
    return true;
}

static bool add_rule(struct visor_access *access, const struct visor_access_config *rule)
{
    static const uint8_t zeros[16];

    switch (rule->subnet.family) {
    case VISOR_FAMILY_IPV4:
        return rule->prefix <= 32 && set_rule(access, VISOR_FAMILY_IPV4, rule->subnet.bytes, rule);
    case VISOR_FAMILY_IPV6:
        return rule->prefix <= 128 && set_rule(access, VISOR_FAMILY_IPV6, rule->subnet.bytes, rule);
    default:
        if (rule->name[0])
            return true;
        return rule->prefix == 0 && set_rule(access, VISOR_FAMILY_IPV4, zeros, rule) &&
               set_rule(access, VISOR_FAMILY_IPV6, zeros, rule);
    }
}

struct visor_access *visor_access_new(const struct visor_access_config *rules, size_t count)
{
    struct visor_access *access = calloc(1, sizeof(*access));
    bool done = access && grow(access);

    if (done) {
        memset(&access->blocks[0], 0, sizeof(struct block));
        access->count = 1;
    }
    for (size_t i = 0; done && i < count; i++)
        done = add_rule(access, &rules[i]);
    if (done)
        return access;
    visor_access_free(access);
    return NULL;
}

void visor_access_free(struct visor_access *access)
{
    if (!access)
        return;
    free(access->blocks);
    free(access);
}

bool visor_access_allows(const struct visor_access *access, const struct visor_address *address)
{
    enum rule rule = RULE_DENY;
    node at;

    if (!access || (address->family != VISOR_FAMILY_IPV4 && address->family != VISOR_FAMILY_IPV6))
        return false;
    at = *root_of(access, address->family);
    for (unsigned level = 0;; level++) {
        if (at & 3)
            rule = (enum rule)(at & 3);
        if (!(at >> 2))
            return rule == RULE_ALLOW;
        at = access->blocks[at >> 2].nodes[nibble(address->bytes, level)];
    }
}

/* Depth first; `path` is what a recursion would keep on the stack. */
bool visor_access_any(const struct visor_access *access, enum visor_family family)
{
    struct {
        size_t block;
        unsigned branch;
        bool allowed;
    } path[LEVELS + 1];
    unsigned depth = 0;
    node at;

    if (!access)
        return false;
    at = *root_of(access, (uint8_t)family);
    if (!(at >> 2))
        return (at & 3) == RULE_ALLOW;
    path[0].block = at >> 2;
    path[0].branch = 0;
    path[0].allowed = (at & 3) == RULE_ALLOW;
    for (;;) {
        bool allowed = path[depth].allowed;

        if (path[depth].branch == BRANCHES) {
            if (depth-- == 0)
                return false;
            continue;
        }
        at = access->blocks[path[depth].block].nodes[path[depth].branch++];
        if (at & 3)
            allowed = (at & 3) == RULE_ALLOW;
        if (at >> 2) {
            path[++depth].block = at >> 2;
            path[depth].branch = 0;
            path[depth].allowed = allowed;
        } else if (allowed) {
            return true;
        }
    }
}
