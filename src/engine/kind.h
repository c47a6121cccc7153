/* What has happened, by what was seen and what was looked for in vain. Pure: evidence in, kind out.
 *
 * Of each sign it is known that it was there, that it was not, or neither: nobody here could have
 * seen it. Each kind of disruption says of each sign whether it must be there; what is contradicted
 * by nothing is possible. If just one kind is possible it is told, else nobody knows: a machine is
 * told nothing that its witnesses cannot know. docs/time.md has the table for readers. */
#ifndef VISOR_ENGINE_KIND_H
#define VISOR_ENGINE_KIND_H

#include "engine/event.h"
#include "engine/message.h"

enum visor_sign {
    VISOR_SIGN_PARTED, /* our counter and some clock that tells the time moved apart at once … */
    VISOR_SIGN_SOURCE, /* … which was a source's own doing: others say that the counter is well */
    VISOR_SIGN_WITNESS,   /* … or the witness's: the sources say so */
    VISOR_SIGN_MOVED,     /* the hypervisor says that this machine was moved or restored */
    VISOR_SIGN_FORKED,    /* … that it goes on from a snapshot */
    VISOR_SIGN_SUSPENDED, /* the kernel says that it suspended this machine */
    VISOR_SIGN_SET,       /* somebody else stepped CLOCK_REALTIME against the counter */
    VISOR_SIGN_LATE,      /* the counter went on, and we did not run */
    VISOR_SIGN_STOLEN,    /* … since the host ran others: that accounts for most of it */
    VISOR_SIGNS,
    VISOR_SIGN_NONE = VISOR_SIGNS /* something happened, and it is a sign of none of the kinds */
};

/* Bits 1 << enum visor_sign. In neither: nobody here could have seen it. */
struct visor_signs {
    uint32_t seen, missed;
};

/* Bits 1 << enum visor_disruption_kind. 0: what was seen fits nothing that is known. */
uint32_t visor_kind_possible(const struct visor_signs *signs);

/* The only one that is possible, else UNKNOWN. */
enum visor_disruption_kind visor_kind_of(const struct visor_signs *signs);

const char *visor_kind_word(enum visor_disruption_kind kind);    /* as in JSON */
const char *visor_kind_witness(enum visor_witness_kind witness); /* as in JSON */

#endif
