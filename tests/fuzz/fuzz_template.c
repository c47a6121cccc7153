/* Templates: whatever stands in one, what comes out is bounded and terminated. */
#include "generate/template.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const list[] = {"a", "bb"}, *const single[] = {"x"};
    static const struct visor_value values[] = {{"l", list, 2}, {"s", single, 1}, {"n", NULL, 0}};
    char *text = malloc(size + 1), result[4096];
    struct visor_text out = visor_text_over(result, sizeof(result));

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)visor_template_expand(text, values, 3, &out);
    VISOR_ASSERT(strlen(result) < sizeof(result));
    free(text);
    return 0;
}
