/* Finds the two sentences. Anybody may write into the kernel's log, but not as the kernel. */
#include "wire/vmgenid.h"

#include <string.h>

#define PROPERTY "NEW_VMGENID=1"
#define SENTENCE "crng reseeded due to virtual machine fork"
#define PREFIX   "random: "

bool visor_vmgenid_in_uevent(const char *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t length = strnlen(data + at, size - at);

        if (length == sizeof(PROPERTY) - 1 && memcmp(data + at, PROPERTY, length) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

/* The level's upper bits are who wrote it: 0 is the kernel. */
static bool by_kernel(const char *data, size_t size)
{
    return size > 2 && data[0] >= '0' && data[0] <= '7' && data[1] == ',';
}

bool visor_vmgenid_in_record(const char *data, size_t size)
{
    const char *text = size ? memchr(data, ';', size) : NULL;
    size_t left;

    if (!text || !by_kernel(data, size))
        return false;
    text++;
    left = size - (size_t)(text - data);
    if (left >= sizeof(PREFIX) - 1 && memcmp(text, PREFIX, sizeof(PREFIX) - 1) == 0) {
        text += sizeof(PREFIX) - 1;
        left -= sizeof(PREFIX) - 1;
    }
    return left >= sizeof(SENTENCE) - 1 && memcmp(text, SENTENCE, sizeof(SENTENCE) - 1) == 0;
}
