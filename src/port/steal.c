/* The eighth number of the first line. */
#include "port/steal.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEAL     8
#define TICKS_MAX (UINT64_MAX >> 32)

bool visor_steal_parse(const char *text, int64_t ticks_per_s, int64_t *ns)
{
    uint64_t ticks = 0;
    char *end;

    if (strncmp(text, "cpu ", 4) != 0 || ticks_per_s <= 0)
        return false;
    text += 3;
    for (int i = 0; i < STEAL; i++) {
        if (text[strspn(text, " ")] < '0' || text[strspn(text, " ")] > '9')
            return false;
        ticks = strtoull(text, &end, 10);
        text = end;
    }
    if (ticks > TICKS_MAX)
        return false;
    *ns = (int64_t)ticks * (VISOR_NS_PER_S / ticks_per_s);
    return true;
}

bool visor_steal_read(int fd, int64_t *ns)
{
    char text[256];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

    if (size <= 0)
        return false;
    text[size] = 0;
    return visor_steal_parse(text, sysconf(_SC_CLK_TCK), ns);
}
