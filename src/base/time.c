/* Conversions between the integer interface and the floating-point inside. */
#include "base/time.h"

int64_t visor_ns_from_seconds(double seconds)
{
    double ns = seconds * 1e9;

    if (!(ns == ns))
        return 0;
    if (ns >= 9.2e18)
        return INT64_MAX;
    if (ns <= -9.2e18)
        return INT64_MIN;
    return (int64_t)(ns < 0.0 ? ns - 0.5 : ns + 0.5);
}
