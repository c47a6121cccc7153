/* VISOR_ASSERT states what only our own bug can break. It stays in release builds: a daemon that
 * is wrong about itself must stop, since it would publish false time. Bad input is never an
 * assertion. */
#ifndef VISOR_BASE_ASSERT_H
#define VISOR_BASE_ASSERT_H

#define VISOR_ASSERT(condition)                                                                    \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            __builtin_trap();                                                                      \
    } while (0)

/* A function that is hardly ever called: it, and what leads to it, is kept out of the way of what
 * is. A daemon that has slept finds the processor's caches empty, so the way through its code must
 * be short. */
#define VISOR_RARE __attribute__((cold))

#endif
