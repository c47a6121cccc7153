/* Who may ask: `allow` and `deny` as chronyd understands them, as an immutable table that any
 * thread may read.
 *
 * A more specific subnet overrides a less specific one whatever their order, where "specific" goes
 * in steps of four bits (a /25 and a /28 are equally specific; a /29 is more). Between equals the
 * later rule wins. `all` forgets the earlier rules for subnets of its own. Without a rule: denied.
 */
#ifndef VISOR_ENGINE_ACCESS_H
#define VISOR_ENGINE_ACCESS_H

#include "base/address.h"
#include "config/config.h"

struct visor_access;

/* Rules whose name is not resolved yet (family NONE and a name) are left out. NULL without memory,
 * or where a prefix is too long for its family. At most 32 * 64 bytes a rule. */
struct visor_access *visor_access_new(const struct visor_access_config *rules, size_t count);
void visor_access_free(struct visor_access *access); /* NULL allowed */

/* False for an address without family; NULL denies everybody. At most 32 steps. */
bool visor_access_allows(const struct visor_access *access, const struct visor_address *address);

/* Is any address of the family allowed (must a server socket be open)? */
bool visor_access_any(const struct visor_access *access, enum visor_family family);

#endif
