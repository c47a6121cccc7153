#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "port/vmgenid.h"
#include "wire/vmgenid.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define UEVENT                                                                                     \
    "change@/devices/platform/VMGENCTR:00\0ACTION=change\0SUBSYSTEM=platform\0NEW_VMGENID=1\0"     \
    "SEQNUM=2"
#define RECORD "5,312,1191315,-;random: crng reseeded due to virtual machine fork\n"

static bool in_uevent(const char *data, size_t size)
{
    return visor_vmgenid_in_uevent(data, size);
}

static void test_uevent(void **state)
{
    static const char other[] = "change@/devices/x\0ACTION=change\0OLD_NEW_VMGENID=1\0SEQNUM=3";

    (void)state;
    assert_true(in_uevent(UEVENT, sizeof(UEVENT)));
    assert_false(in_uevent(other, sizeof(other)));
    assert_true(in_uevent("NEW_VMGENID=1", 13));
    assert_false(in_uevent("NEW_VMGENID=1", 12));
    assert_false(in_uevent("NEW_VMGENID=11", 15));
    assert_false(in_uevent("", 0));
}

static bool in_record(const char *text)
{
    return visor_vmgenid_in_record(text, strlen(text));
}

static void test_record(void **state)
{
    (void)state;
    assert_true(in_record(RECORD));
    assert_true(in_record("5,3,1,-;crng reseeded due to virtual machine fork\n"));
    assert_false(in_record("13,3,1,-;random: crng reseeded due to virtual machine fork\n"));
    assert_false(in_record("5,3,1,-;random: crng init done\n"));
    assert_false(in_record("5,3,1,-;x\n SAID=random: crng reseeded due to virtual machine fork\n"));
    assert_false(in_record("5,3,1"));
    assert_false(in_record(""));
}

/* One that listens to what we write. */
static void put_ends(struct visor_vmgenid *vmgenid, int ends[2])
{
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *vmgenid = (struct visor_vmgenid){.driven = true, .uevents = -1, .log = ends[0]};
    vmgenid->heard.ns = INT64_MIN;
}

static bool look(struct visor_vmgenid *vmgenid, double s, uint64_t *marker)
{
    struct visor_event_witness witness = {.marker = 99};
    bool told = visor_vmgenid_look(vmgenid, (visor_mono){(int64_t)(s * 1e9)}, &witness);

    *marker = witness.marker;
    if (told)
        assert_int_equal(witness.kind, VISOR_WITNESS_VMGENID);
    return told;
}

static void write_record(int fd, const char *record)
{
    assert_int_equal(write(fd, record, strlen(record)), (ssize_t)strlen(record));
}

static void test_look__tells_at_first_and_of_every_change(void **state)
{
    struct visor_vmgenid vmgenid;
    uint64_t marker;
    int ends[2];

    (void)state;
    put_ends(&vmgenid, ends);
    assert_true(look(&vmgenid, 1, &marker));
    assert_true(marker == 0);
    write_record(ends[1], "6,1,1,-;usb 1-1: new device\n");
    assert_false(look(&vmgenid, 2, &marker));
    write_record(ends[1], RECORD);
    assert_true(look(&vmgenid, 3, &marker));
    assert_true(marker == 1);
    write_record(ends[1], RECORD); /* the same, told in another way */
    assert_false(look(&vmgenid, 3.5, &marker));
    write_record(ends[1], RECORD);
    assert_true(look(&vmgenid, 9, &marker));
    assert_true(marker == 2);
    close(ends[1]);
    visor_vmgenid_done(&vmgenid);
}

static void test_look__a_log_that_is_written_much_into_is_read_now_and_then(void **state)
{
    struct visor_vmgenid vmgenid;
    uint64_t marker;
    int ends[2], fds[VISOR_VMGENID_FDS];

    (void)state;
    put_ends(&vmgenid, ends);
    assert_int_equal(visor_vmgenid_fds(&vmgenid, (visor_mono){0}, fds), 1);
    assert_true(look(&vmgenid, 1, &marker));
    assert_int_equal(visor_vmgenid_fds(&vmgenid, (visor_mono){VISOR_NS_PER_S}, fds), 0);
    assert_true(visor_vmgenid_deadline(&vmgenid, (visor_mono){VISOR_NS_PER_S}).ns ==
                VISOR_NS_PER_S * 5 / 4);
    write_record(ends[1], RECORD);
    assert_false(look(&vmgenid, 1.1, &marker));
    assert_true(look(&vmgenid, 1.3, &marker));
    assert_int_equal(visor_vmgenid_fds(&vmgenid, (visor_mono){2 * VISOR_NS_PER_S}, fds), 1);
    assert_true(visor_vmgenid_deadline(&vmgenid, (visor_mono){2 * VISOR_NS_PER_S}).ns == INT64_MAX);
    close(ends[1]);
    visor_vmgenid_done(&vmgenid);
}

static void test_look__what_others_send_is_not_the_kernels_word(void **state)
{
    struct visor_vmgenid vmgenid = {.driven = true, .log = -1, .told = true};
    struct visor_event_witness witness;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
    vmgenid.uevents = ends[0];
    vmgenid.heard.ns = INT64_MIN;
    assert_int_equal(write(ends[1], UEVENT, sizeof(UEVENT)), sizeof(UEVENT));
    assert_false(visor_vmgenid_look(&vmgenid, (visor_mono){1}, &witness));
    close(ends[1]);
    visor_vmgenid_done(&vmgenid);
}

/* ---- where there is one ---- */

static void make(const char *root, const char *path)
{
    char whole[256];

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    assert_int_equal(mkdir(whole, 0755), 0);
}

static void test_init__only_where_the_kernel_drives_one(void **state)
{
    static const char *const folders[] = {"/sys", "/sys/bus", "/sys/bus/acpi",
                                          "/sys/bus/acpi/devices",
                                          "/sys/bus/acpi/devices/QEMUVGID:00"};
    char root[] = "/tmp/visor-vmgenid-XXXXXX", link[256], command[64];
    struct visor_vmgenid vmgenid;

    (void)state;
    assert_non_null(mkdtemp(root));
    visor_vmgenid_init(&vmgenid, root);
    assert_false(vmgenid.described || visor_vmgenid_listens(&vmgenid));
    visor_vmgenid_done(&vmgenid);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        make(root, folders[i]);
    visor_vmgenid_init(&vmgenid, root);
    assert_true(vmgenid.described && !vmgenid.driven && !visor_vmgenid_listens(&vmgenid));
    visor_vmgenid_done(&vmgenid);
    snprintf(link, sizeof(link), "%s/sys/bus/acpi/devices/QEMUVGID:00/driver", root);
    assert_int_equal(symlink("../../drivers/vmgenid", link), 0);
    visor_vmgenid_init(&vmgenid, root);
    assert_true(vmgenid.described && vmgenid.driven);
    visor_vmgenid_done(&vmgenid);
    visor_vmgenid_init(&vmgenid, NULL);
    assert_false(vmgenid.described || visor_vmgenid_listens(&vmgenid));
    visor_vmgenid_done(&vmgenid);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uevent),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_look__tells_at_first_and_of_every_change),
        cmocka_unit_test(test_look__a_log_that_is_written_much_into_is_read_now_and_then),
        cmocka_unit_test(test_look__what_others_send_is_not_the_kernels_word),
        cmocka_unit_test(test_init__only_where_the_kernel_drives_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
