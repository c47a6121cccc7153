/* Address text: whatever is taken, printed and taken again is the same address. */
#include "base/address.h"
#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_address first, second;
    char text[64], printed[46];

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (visor_address_parse(text, &first)) {
        visor_address_print(&first, printed, sizeof(printed));
        VISOR_ASSERT(visor_address_parse(printed, &second));
        VISOR_ASSERT(visor_address_same(&first, &second));
    }
    return 0;
}
