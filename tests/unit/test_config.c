/* Configuration: every directive and option once right and once wrong, with the sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/option.h"
#include "config/parse.h"
#include "config/print.h"
#include "port/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

/* A line that is right, and how it is printed back; "=": as it is, "": not at all (a default). */
static const char *const right[][2] = {
    {"server ntp1.example.net", "="},
    {"server 192.0.2.1 iburst minpoll 4 maxpoll 6", "server 192.0.2.1 minpoll 4 maxpoll 6 iburst"},
    {"SERVER a IBURST", "server a iburst"},
    {"server a minpoll -7 maxpoll 24", "="},
    {"server a iburst", "="},
    {"server a burst", "="},
    {"server a key 4294967295", "="},
    {"server a certset 7", "="},
    {"server a maxdelay 0.3", "="},
    {"server a maxdelayratio 2.5", "="},
    {"server a maxdelaydevratio 1e6", "server a maxdelaydevratio 1000000"},
    {"server a maxdelayquant 0.2", "="},
    {"server a mindelay 1e-4", "server a mindelay 0.0001"},
    {"server a asymmetry -0.5", "="},
    {"server a asymmetry 0.6", "server a"},
    {"server a offset -0.00005", "server a offset -5e-05"},
    {"server a minsamples 16", "="},
    {"server a maxsamples 0", "="},
    {"server a maxunreach 10", "="},
    {"server a filter 5", "="},
    {"server a offline", "="},
    {"server a auto_offline", "="},
    {"server a noselect trust prefer require", "server a prefer noselect trust require"},
    {"server a xleave", "="},
    {"server a polltarget 30", "="},
    {"server a port 11123", "="},
    {"server a ntsport 4461", "="},
    {"server a presend 9", "="},
    {"server a minstratum 3", "="},
    {"server a version 3", "="},
    {"server a copy", "="},
    {"server a extfield F323", "="},
    {"server a extfield 0xf324 extfield f323", "server a extfield F323 extfield 10A"},
    {"server a ipv4", "="},
    {"server a ipv6", "="},
    {"server a near", "="},
    {"server a backup", "="},
    {"pool pool.example.net maxsources 16", "="},
    {"peer 2001:db8::1 key 5", "="},
    {"refclock PPS /dev/pps0:clear lock NMEA refid GPS1 rate 5 dpoll -3",
     "refclock PPS /dev/pps0:clear dpoll -3 refid GPS1 lock NMEA rate 5"},
    {"refclock SHM 1:perm=0644 refid GPS2", "="},
    {"refclock SOCK /run/a.sock poll 2 filter 4", "="},
    {"refclock PHC /dev/ptp2:extpps:pin=1:channel=0:nocrossts:clear poll 2 width 0.2", "="},
    {"refclock rtc /dev/rtc0:utc", "refclock RTC /dev/rtc0:utc"},
    {"refclock SHM 0 maxlockage 5", "="},
    {"refclock SHM 0 pps", "="},
    {"refclock SHM 0 offset -37", "="},
    {"refclock SHM 0 delay 1e-3", "refclock SHM 0 delay 0.001"},
    {"refclock SHM 0 stratum 15", "="},
    {"refclock SHM 0 precision 1e-6", "refclock SHM 0 precision 1e-06"},
    {"refclock SHM 0 maxdispersion 0.01", "="},
    {"refclock SHM 0 prefer noselect trust require", "="},
    {"leapseclist /l\nrefclock SHM 0 tai", "refclock SHM 0 tai\nleapseclist /l"},
    {"refclock SHM 0 local", "="},
    {"refclock SHM 0 minsamples 4 maxsamples 4 maxunreach 3", "="},
    {"initstepslew 30 a b c", "="},
    {"initstepslew 30 a b\ninitstepslew 5 c", "initstepslew 5 c"},
    {"manual", "="},
    {"acquisitionport 0", "="},
    {"bindacqaddress 192.0.2.1\nbindacqaddress 2001:DB8::1",
     "bindacqaddress 192.0.2.1\nbindacqaddress 2001:db8::1"},
    {"bindacqdevice eth0", "="},
    {"dscp 46", "="},
    {"dumpdir /run/chrony", "="},
    {"maxsamples 1", "="},
    {"minsamples 16", "="},
    {"minsamples 6", ""},
    {"refresh 0", "="},
    {"authselectmode Require", "authselectmode require"},
    {"combinelimit 0", "="},
    {"maxdistance 16.0", "maxdistance 16"},
    {"maxdistance inf", "="},
    {"maxjitter .5", "maxjitter 0.5"},
    {"maxstratum 5", "="},
    {"minstratum 3", "="},
    {"minsources 2", "="},
    {"reselectdist 1e-5", "reselectdist 1e-05"},
    {"stratumweight 0", "="},
    {"clockprecision 1e-12", "clockprecision 1e-09"},
    {"corrtimeratio 1e10", "corrtimeratio 10000000000"},
    {"driftfile /var/lib/chrony/drift", "="},
    {"driftfile /d interval 60", "="},
    {"fallbackdrift 16 19", "="},
    {"leapsecmode slew", "="},
    {"leapsectz right/UTC", "="},
    {"leapseclist /usr/share/zoneinfo/leap-seconds.list", "="},
    {"stall slew", "="},
    {"emergency backward limit 0.05", "="},
    {"emergency off", "="},
    {"emergency profile finance-mifid", "="},
    {"emergency limit 0.05 profile cloud", "="},
    {"emergency", ""},
    {"hook disruption recovered limit 5 user nobody run /bin/true a b", "="},
    {"hook red  shell  echo 'a  b' | logger", "hook red shell echo 'a b' | logger"},
    {"hook limit 10 normal yellow orange start time-lost.target",
     "hook yellow orange normal start time-lost.target"},
    {"hold /sys/fs/cgroup/trading.slice", "="},
    {"hold /sys/fs/cgroup/a limit 2.5\nhold /sys/fs/cgroup/b limit 30",
     "hold /sys/fs/cgroup/a limit 2.5\nhold /sys/fs/cgroup/b"},
    {"witness rtc off", "="},
    {"witness rtc on", "="},
    {"witness rtc auto", ""},
    {"witness vmclock off vmgenid off", "="},
    {"witness vmclock off vmgenid auto", "witness vmclock off"},
    {"witness phc on cpu off", "="},
    {"makestep 0.1 3", "="},
    {"makestep 0 -1", "="},
    {"maxchange 1000 1 2", "="},
    {"maxchange 1e-3 10 -5", "maxchange 0.001 10 -1"},
    {"maxclockerror 10", "="},
    {"maxdrift 100", "="},
    {"maxupdateskew 5", "="},
    {"maxslewrate 83333.33333333333", ""},
    {"maxslewrate 1000", "="},
    {"tempcomp /sys/t 30 26000 0.0 0.000183 0.0", "tempcomp /sys/t 30 26000 0 0.000183 0"},
    {"tempcomp /sys/t 30 /etc/points", "="},
    {"allow", "="},
    {"allow 1.2.3.4", "allow 1.2.3.4/32"},
    {"allow 1.2", "allow 1.2.0.0/16"},
    {"allow all 10/8\ndeny", "allow all 10.0.0.0/8\ndeny"},
    {"allow 0/0\nallow ::/0\nallow 3.4.5", "allow 0.0.0.0/0\nallow ::/0\nallow 3.4.5.0/24"},
    {"allow 2001:db8::/32", "="},
    {"allow a.example.net", "="},
    {"deny all", "="},
    {"deny 192.168.123/24", "deny 192.168.123.0/24"},
    {"bindaddress 192.0.2.1", "="},
    {"binddevice eth0", "="},
    {"broadcast 32 192.168.1.255", "broadcast 32 192.168.1.255 123"},
    {"broadcast 64 ff02::101 12123", "="},
    {"broadcast 0 10.0.0.255", "broadcast 1 10.0.0.255 123"},
    {"clientloglimit 1048576", "="},
    {"noclientlog", "="},
    {"local", "local waitunsynced 0"},
    {"local stratum 5 orphan", "local stratum 5 orphan waitunsynced 300"},
    {"local stratum 10 orphan distance 0.1 activate 0.5 waitsynced 7200 waitunsynced 30",
     "local distance 0.1 activate 0.5 orphan waitsynced 7200 waitunsynced 30"},
    {"local stratum 5 orphan\nlocal stratum 6", "local stratum 6 waitunsynced 0"},
    {"port 0", "="},
    {"ratelimit interval 1 burst 16", "="},
    {"ratelimit interval 3 leak 4 kod 2", "ratelimit leak 4 kod 2"},
    {"smoothtime 400 0.001 leaponly", "="},
    {"smoothtime 50000 0.01", "="},
    {"ptpport 319", "="},
    {"ptpdomain 124", "="},
    {"bindcmdaddress 0.0.0.0", "bindcmdaddress 0.0.0.0\nbindcmdaddress ::1"},
    {"bindcmdaddress /run/x.sock", "="},
    {"bindcmdaddress /", "="},
    {"bindcmddevice eth0", "="},
    {"cmdallow", "="},
    {"cmdallow all 10\ncmddeny 10.1", "cmdallow all 10.0.0.0/8\ncmddeny 10.1.0.0/16"},
    {"cmddeny 192.168.123.2", "cmddeny 192.168.123.2/32"},
    {"cmdport 257", "="},
    {"cmdratelimit interval -4 burst 9", "cmdratelimit burst 9"},
    {"opencommands", "="},
    {"opencommands tracking ntpdata", "opencommands ntpdata tracking"},
    {"opencommands activity manual rtcdata smoothing sourcename sources sourcestats tracking", ""},
    {"opencommands authdata clients selectdata serverstats", "="},
    {"hwclockfile /dev/null", "="},
    {"rtcautotrim 30", "="},
    {"rtcdevice /dev/rtc1", "="},
    {"rtcfile /var/lib/chrony/rtc", "="},
    {"rtconutc", "="},
    {"rtcsync", "="},
    {"log tracking measurements statistics", "log measurements statistics tracking"},
    {"log rawmeasurements\nlog rtc refclocks tempcomp selection",
     "log rawmeasurements measurements selection rtc refclocks tempcomp"},
    {"log", ""},
    {"logbanner 0", "="},
    {"logchange 0.1", "="},
    {"logdir /var/log/chrony", "="},
    {"mailonchange root@localhost 0.5", ""},
    {"confdir /nowhere", NULL},
    {"sourcedir /run/a /run/b", "="},
    {"include /nowhere/*", NULL},
    {"hwtimestamp eth0", "hwtimestamp eth0 maxpoll 1"},
    {"hwtimestamp eth1 txcomp 300e-9 rxcomp 645e-9 nocrossts precision 1e-6 rxfilter ptp",
     "hwtimestamp eth1 maxpoll 1 precision 1e-06 txcomp 3e-07 rxcomp 6.45e-07 nocrossts "
     "rxfilter ptp"},
    {"hwtimestamp * minpoll -6 maxpoll 20 minsamples 4 maxsamples 8", "="},
    {"hwtstimeout 0.01", "="},
    {"maxtxbuffers 128", "="},
    {"keyfile /etc/chrony/chrony.keys", "="},
    {"pidfile /", "="},
    {"pidfile /run/x.pid", "="},
    {"user _chrony", "="},
    {"lock_all", ""},
    {"sched_priority 1", ""},
    {"mode observe", "="},
    {"mode assist", "="},
    {"chronydsocket /run/chrony/other.sock", "="},
    {"record /var/log/r", "="},
    {"clocksegment off", "="},
    {"clockboundsegment /run/clockbound/shm0", "="},
    {"clocksegment /run/x/clock", "="},
    {"clocksegment /run/timevisor/clock", ""},
    {"leapsecond 1483228800 37", "="},
    {"tempcomppoint 20000 1.5", "="},
    {"ntsdumpdir /var/lib/chrony", ""},
    {"ntscachedir /var/lib/chrony", ""},
    {"dumponexit", ""},
    {"commandkey 1", ""},
    {"generatecommandkey", ""},
    {"linux_hz 100", ""},
    {"linux_freq_scale 0.9", ""},
    {"! comment\n  # comment\n\t; comment\n%\n\n \t \nrtcsync\r", "rtcsync"},
};

static char printed[TEXT_MAX], sentence[VISOR_DIAGNOSIS_TEXT];

static struct visor_config *parse(const char *text, struct visor_diagnoses *diagnoses)
{
    struct visor_config *config;
    int result;

    visor_diagnoses_init(diagnoses);
    result = visor_config_parse_text("f", text, strlen(text), NULL, &config, diagnoses);
    assert_int_equal(result == 0, config != NULL);
    assert_int_equal(result == 0, diagnoses->errors == 0);
    return config;
}

static struct visor_config *parse_right(const char *text)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config = parse(text, &diagnoses);

    for (size_t i = 0; i < diagnoses.count; i++)
        if (diagnoses.items[i].severity == VISOR_DIAGNOSIS_ERROR)
            print_message(
                "%s\n%s\n", text,
                visor_diagnosis_print(&diagnoses.items[i], NULL, sentence, sizeof(sentence)));
    visor_diagnoses_done(&diagnoses);
    assert_non_null(config);
    return config;
}

static const char *print(const struct visor_config *config)
{
    size_t length = visor_config_print(config, VISOR_CONFIG_FORM_FILE, printed, sizeof(printed));

    assert_int_equal(length, strlen(printed));
    return printed;
}

static void test_parse__right_lines_print_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        const char *line = right[i][0], *wanted = right[i][1];
        struct visor_config *config;
        char *first;

        if (!wanted)
            continue; /* needs files, see test_files */
        config = parse_right(line);
        if (strcmp(wanted, "=") == 0)
            wanted = line;
        first = strdup(print(config));
        if (strncmp(first, wanted, strlen(wanted)) != 0 ||
            strlen(first) != strlen(wanted) + (wanted[0] != '\0'))
            fail_msg("%s\nis printed as\n%s", line, first);
        visor_config_free(config);
        config = parse_right(first);
        assert_string_equal(print(config), first);
        visor_config_free(config);
        free(first);
    }
}

/* A line that is wrong, and the first sentence about it. */
static const char *const wrong[][2] = {
    {"servr a", "f:1: 'servr' is not a directive; did you mean 'server'?"},
    {"xyzzy", "f:1: 'xyzzy' is not a directive"},
    {"\n\nmkstep 1 3", "f:3: 'mkstep' is not a directive; did you mean 'makestep'?"},
    {"server", "f:1: 'server' needs a value: HOST"},
    {"server a/b", "f:1: 'a/b' is neither a host name nor an address"},
    {"server a ibrust", "f:1: 'ibrust' is not an option of 'server'; did you mean 'iburst'?"},
    {"pool a minpol 4", "f:1: 'minpol' is not an option of 'pool'; did you mean 'minpoll'?"},
    {"peer a # why",
     "f:1: '#' cannot start a comment behind other words; give it a line of its own"},
    {"server a minpoll", "f:1: 'minpoll' needs a value: POLL"},
    {"server a minpoll four", "f:1: 'four' is not a number, as 'minpoll' needs"},
    {"server a minpoll 4.5", "f:1: '4.5' is not a number, as 'minpoll' needs"},
    {"server a minpoll -8", "f:1: warning: 'minpoll' is below -7 and taken as its default"},
    {"server a minpoll 25", "f:1: warning: 'minpoll' is above 24 and taken as 24"},
    {"server a maxpoll 33", "f:1: '33' is out of range for 'maxpoll': -32 … 32"},
    {"server a minpoll 8 maxpoll 5",
     "f:1: warning: 'maxpoll' is below 'minpoll' and taken as the same"},
    {"server a key 0", "f:1: '0' is out of range for 'key': at least 1"},
    {"server a key 4294967296", "f:1: '4294967296' is out of range for 'key': at least 1"},
    {"server a key 5", "f:1: warning: 'key' without a 'keyfile': 'a' cannot be authenticated"},
    {"server a nts", "f:1: 'nts': NTS is not built yet: authenticate with 'key', or leave it out"},
    {"server a certset -1", "f:1: '-1' is out of range for 'certset': at least 0"},
    {"server a maxdelay 2000",
     "f:1: warning: '2000' is out of range for 'maxdelay' (0 … 1000); the limit is taken"},
    {"server a maxdelayratio x", "f:1: 'x' is not a number, as 'maxdelayratio' needs"},
    {"server a maxdelaydevratio nan", "f:1: 'nan' is not a number, as 'maxdelaydevratio' needs"},
    {"server a maxdelayquant 0.99",
     "f:1: warning: 'maxdelayquant' is outside 0.05 … 0.95; the limit is taken"},
    {"server a mindelay 1ms", "f:1: '1ms' is not a number, as 'mindelay' needs"},
    {"server a asymmetry", "f:1: 'asymmetry' needs a value: RATIO"},
    {"server a offset 1,5", "f:1: '1,5' is not a number, as 'offset' needs"},
    {"server a minsamples -1", "f:1: '-1' is out of range for 'minsamples': at least 0"},
    {"server a maxsamples -1", "f:1: '-1' is out of range for 'maxsamples': at least 0"},
    {"server a maxunreach -1", "f:1: '-1' is out of range for 'maxunreach': at least 0"},
    {"server a filter -1", "f:1: '-1' is out of range for 'filter': at least 0"},
    {"server a offine", "f:1: 'offine' is not an option of 'server'; did you mean 'offline'?"},
    {"server a auto-offline",
     "f:1: 'auto-offline' is not an option of 'server'; did you mean 'auto_offline'?"},
    {"server a perfer", "f:1: 'perfer' is not an option of 'server'; did you mean 'prefer'?"},
    {"server a no-select",
     "f:1: 'no-select' is not an option of 'server'; did you mean 'noselect'?"},
    {"server a trusted", "f:1: 'trusted' is not an option of 'server'; did you mean 'trust'?"},
    {"server a required", "f:1: 'required' is not an option of 'server'; did you mean 'require'?"},
    {"server a xleve", "f:1: 'xleve' is not an option of 'server'; did you mean 'xleave'?"},
    {"server a polltarget 0", "f:1: '0' is out of range for 'polltarget': at least 1"},
    {"server a port 65536", "f:1: '65536' is out of range for 'port': 0 … 65535"},
    {"server a ntsport 65536", "f:1: '65536' is out of range for 'ntsport': 0 … 65535"},
    {"server a presend -33", "f:1: '-33' is out of range for 'presend': -32 … 32"},
    {"server a minstratum 16",
     "f:1: warning: '16' is out of range for 'minstratum' (0 … 15); the limit is taken"},
    {"server a version 5", "f:1: '5' is out of range for 'version': 1 … 4"},
    {"server a copi", "f:1: 'copi' is not an option of 'server'; did you mean 'copy'?"},
    {"server a extfield F325", "f:1: 'F325' is not an extension field known here: 10A or F323"},
    {"server a extfield", "f:1: 'extfield' needs a value: TYPE"},
    {"server a ip4", "f:1: 'ip4' is not an option of 'server'; did you mean 'ipv4'?"},
    {"pool a maxsources 17",
     "f:1: warning: '17' is out of range for 'maxsources' (1 … 16); the limit is taken"},
    {"peer a iburst", "f:1: warning: 'iburst' has no effect with 'peer'"},
    {"refclock", "f:1: 'refclock' needs a value: DRIVER PARAMETER"},
    {"refclock SHM", "f:1: 'refclock' needs a value: PARAMETER"},
    {"refclock GPS 0", "f:1: 'GPS' is not a driver: PPS SHM SOCK PHC RTC"},
    {"refclock PHC /dev/ptp0:nocrosts",
     "f:1: 'nocrosts' in '/dev/ptp0:nocrosts' is not an option of the driver: nocrossts extpps pin "
     "channel clear"},
    {"refclock SOCK /a:b", "f:1: 'b' in '/a:b': the driver has no options"},
    {"refclock SHM 0 refid ABCDE", "f:1: 'ABCDE' is too long for 'refid': at most 4 characters"},
    {"refclock SHM 0 lock", "f:1: 'lock' needs a value: REFID"},
    {"refclock SHM 0 lock GPS", "f:1: warning: there is no reference clock 'GPS' to lock to"},
    {"refclock SHM 0 poll 33", "f:1: '33' is out of range for 'poll': -32 … 32"},
    {"refclock SHM 0 rate 0", "f:1: '0' is out of range for 'rate': at least 1"},
    {"refclock SHM 0 stratum 16", "f:1: '16' is out of range for 'stratum': 0 … 15"},
    {"refclock SHM 0 tai", "f:1: 'tai' needs 'leapseclist' or 'leapsectz'"},
    {"refclock SHM 0 iburst", "f:1: 'iburst' is not an option of 'refclock'"},
    {"rtcsync\nrefclock RTC /dev/rtc",
     "f:2: 'refclock RTC' cannot be used together with 'rtcsync' or 'rtcfile'"},
    {"initstepslew", "f:1: 'initstepslew' needs a value: THRESHOLD [HOST…]"},
    {"initstepslew a b", "f:1: 'a' is not a number, as 'initstepslew' needs"},
    {"manual on", "f:1: 'on' is one word too many for 'manual'"},
    {"acquisitionport 65536", "f:1: '65536' is out of range for 'acquisitionport': 0 … 65535"},
    {"bindacqaddress eth0", "f:1: 'eth0' is not an IP address, as 'bindacqaddress' needs"},
    {"bindacqdevice", "f:1: 'bindacqdevice' needs a value: INTERFACE"},
    {"dscp 64", "f:1: '64' is out of range for 'dscp': 0 … 63"},
    {"dumpdir", "f:1: 'dumpdir' needs a value: DIRECTORY"},
    {"maxsamples -1", "f:1: '-1' is out of range for 'maxsamples': at least 0"},
    {"minsamples x", "f:1: 'x' is not a number, as 'minsamples' needs"},
    {"refresh 2147483648", "f:1: '2147483648' is out of range for 'refresh': at least 0"},
    {"authselectmode maybe",
     "f:1: 'maybe' is not one of the words for 'authselectmode': require prefer mix ignore"},
    {"combinelimit", "f:1: 'combinelimit' needs a value: RATIO"},
    {"maxdistance 3s", "f:1: warning: 's' in '3s' is not part of the number for 'maxdistance' and "
                       "is dropped; the units are fixed"},
    {"maxjitter x", "f:1: 'x' is not a number, as 'maxjitter' needs"},
    {"maxstratum -1", "f:1: '-1' is out of range for 'maxstratum': at least 0"},
    {"minstratum -1", "f:1: '-1' is out of range for 'minstratum': at least 0"},
    {"minsources 0", "f:1: '0' is out of range for 'minsources': at least 1"},
    {"reselectdist", "f:1: 'reselectdist' needs a value: SECONDS"},
    {"stratumweight 1 2", "f:1: '2' is one word too many for 'stratumweight'"},
    {"clockprecision x", "f:1: 'x' is not a number, as 'clockprecision' needs"},
    {"corrtimeratio", "f:1: 'corrtimeratio' needs a value: RATIO"},
    {"driftfile", "f:1: 'driftfile' needs a value: FILE"},
    {"driftfile /d intervall 5",
     "f:1: 'intervall' is not an option of 'driftfile': it knows 'interval' only"},
    {"driftfile /d interval", "f:1: 'driftfile' needs a value: SECONDS"},
    {"driftfile /d interval 5 6", "f:1: '6' is one word too many for 'driftfile'"},
    {"fallbackdrift 16", "f:1: 'fallbackdrift' needs a value: MAX-INTERVAL"},
    {"leapsecmode slow",
     "f:1: 'slow' is not one of the words for 'leapsecmode': system step slew ignore"},
    {"leapsectz", "f:1: 'leapsectz' needs a value: ZONE"},
    {"leapseclist a b", "f:1: 'b' is one word too many for 'leapseclist'"},
    {"makestep", "f:1: 'makestep' needs a value: THRESHOLD LIMIT"},
    {"makestep 1", "f:1: 'makestep' needs a value: LIMIT"},
    {"makestep 1 a", "f:1: 'a' is not a number, as 'makestep' needs"},
    {"makestep 1 3 4", "f:1: '4' is one word too many for 'makestep'"},
    {"maxchange 1 2", "f:1: 'maxchange' needs a value: IGNORE"},
    {"maxclockerror x", "f:1: 'x' is not a number, as 'maxclockerror' needs"},
    {"maxdrift x", "f:1: 'x' is not a number, as 'maxdrift' needs"},
    {"maxupdateskew x", "f:1: 'x' is not a number, as 'maxupdateskew' needs"},
    {"maxslewrate x", "f:1: 'x' is not a number, as 'maxslewrate' needs"},
    {"tempcomp /f 30 1 2 3", "f:1: 'tempcomp' needs a value: K2"},
    {"tempcomp",
     "f:1: 'tempcomp' needs a value: FILE INTERVAL POINTS-FILE or FILE INTERVAL T0 K0 K1 K2"},
    {"allow 1.2.3.4/33", "f:1: '1.2.3.4/33': an IPv4 subnet has at most 32 bits"},
    {"allow ::/129", "f:1: '::/129': the number of bits behind the slash is wrong"},
    {"allow 1.2.3.4/", "f:1: '1.2.3.4/': the number of bits behind the slash is wrong"},
    {"allow 300.1", "f:1: '300.1' is neither an address, nor a subnet, nor a host name"},
    {"allow 1.2.3.4.5", "f:1: '1.2.3.4.5' is neither an address, nor a subnet, nor a host name"},
    {"allow 10 11", "f:1: '11' is one word too many for 'allow'"},
    {"deny name/24", "f:1: 'name/24' is neither an address, nor a subnet, nor a host name"},
    {"bindaddress", "f:1: 'bindaddress' needs a value: ADDRESS"},
    {"binddevice a-name-that-is-much-too-long-for-it",
     "f:1: 'a-name-that-is-much-too-long-for-it' is too long: at most 31 characters"},
    {"broadcast x 192.168.1.255", "f:1: 'x' is not a number, as 'broadcast' needs"},
    {"broadcast 64 all", "f:1: 'all' is not an IP address, as 'broadcast' needs"},
    {"broadcast 64 10.0.0.1 0", "f:1: '0' is out of range for 'broadcast': 1 … 65535"},
    {"clientloglimit -1", "f:1: '-1' is out of range for 'clientloglimit': at least 0"},
    {"noclientlog 1", "f:1: '1' is one word too many for 'noclientlog'"},
    {"noclientlog\nratelimit", "f: 'ratelimit' cannot be used together with 'noclientlog'"},
    {"noclientlog\ncmdratelimit", "f: 'cmdratelimit' cannot be used together with 'noclientlog'"},
    {"stall jump", "f:1: 'jump' is not one of the words for 'stall': auto step slew"},
    {"emergency profile finance-mifd",
     "f:1: 'finance-mifd' is not one of the words for 'profile': none general cloud finance-cat "
     "finance-mifid finance-hft industrial access-5…"},
    {"emergency forward", "f:1: 'forward' is not an option of 'emergency'"},
    {"emergency limit -1", "f:1: '-1' is out of range for 'limit': at least 0"},
    {"hook", "f:1: 'hook' needs a value: EVENT... (run PROGRAM | shell COMMAND | start UNIT)"},
    {"hook run /bin/true", "f:1: 'hook' needs a value: EVENT..."},
    {"hook red run", "f:1: 'hook' needs a value: COMMAND"},
    {"hook red run true", "f:1: 'hook run' needs the program's whole path, from / on"},
    {"hook red start a b.target",
     "f:1: 'hook start' needs one unit's name, as in 'time-lost.target'"},
    {"hook blue run /bin/true", "f:1: 'blue' is no event of 'hook': disruption recovered yellow "
                                "orange red normal; then run, shell or start"},
    {"hook red limit 0 run /bin/true",
     "f:1: '0' is no limit for 'hook': more than 0 and at most 86400 seconds"},
    {"hook red limit x run /bin/true", "f:1: 'x' is not a number, as 'hook' needs"},
    {"hold trading.slice", "f:1: 'trading.slice' is not the path of a control group, as in "
                           "/sys/fs/cgroup/trading.slice"},
    {"hold /a/../b", "f:1: '/a/../b' is not the path of a control group, as in "
                     "/sys/fs/cgroup/trading.slice"},
    {"hold /a max 3", "f:1: 'max' is not an option of 'hold': it knows 'limit' only"},
    {"hold /a limit 1e9",
     "f:1: '1e9' is no limit for 'hold': more than 0 and at most 86400 seconds"},
    {"witness rtc maybe", "f:1: 'maybe' is not one of the words for 'rtc': off on auto"},
    {"local stratum 16", "f:1: '16' is out of range for 'stratum': 1 … 15"},
    {"local orpan", "f:1: 'orpan' is not an option of 'local'; did you mean 'orphan'?"},
    {"local distance", "f:1: 'distance' needs a value: SECONDS"},
    {"port x", "f:1: 'x' is not a number, as 'port' needs"},
    {"ratelimit interval 13",
     "f:1: warning: '13' is out of range for 'interval' (-19 … 12); the limit is taken"},
    {"ratelimit burst 256",
     "f:1: warning: '256' is out of range for 'burst' (1 … 255); the limit is taken"},
    {"ratelimit rate 1", "f:1: 'rate' is not an option of 'ratelimit'"},
    {"smoothtime 400", "f:1: 'smoothtime' needs a value: MAX-WANDER [leaponly]"},
    {"smoothtime 400 0.01 leap",
     "f:1: 'leap' is not an option of 'smoothtime': it knows 'leaponly' only"},
    {"ptpport 65536", "f:1: '65536' is out of range for 'ptpport': 0 … 65535"},
    {"ptpdomain 256", "f:1: '256' is out of range for 'ptpdomain': 0 … 255"},
    {"bindcmdaddress localhost",
     "f:1: 'localhost' is not an IP address, as 'bindcmdaddress' needs"},
    {"bindcmddevice", "f:1: 'bindcmddevice' needs a value: INTERFACE"},
    {"cmdallow 1.2.3.4/33", "f:1: '1.2.3.4/33': an IPv4 subnet has at most 32 bits"},
    {"cmddeny *", "f:1: '*' is neither an address, nor a subnet, nor a host name"},
    {"cmdport 65536", "f:1: '65536' is out of range for 'cmdport': 0 … 65535"},
    {"cmdratelimit kod 1", "f:1: 'kod' is not an option of 'cmdratelimit'"},
    {"opencommands traking",
     "f:1: 'traking' is not an option of 'opencommands'; did you mean 'tracking'?"},
    {"hwclockfile", "f:1: 'hwclockfile' needs a value: FILE"},
    {"rtcautotrim x", "f:1: 'x' is not a number, as 'rtcautotrim' needs"},
    {"rtcdevice", "f:1: 'rtcdevice' needs a value: DEVICE"},
    {"rtcfile /r\nrtcsync", "f: 'rtcfile' cannot be used together with 'rtcsync'"},
    {"rtconutc yes", "f:1: 'yes' is one word too many for 'rtconutc'"},
    {"rtcsync yes", "f:1: 'yes' is one word too many for 'rtcsync'"},
    {"log trackin", "f:1: 'trackin' is not an option of 'log'; did you mean 'tracking'?"},
    {"logbanner -1", "f:1: '-1' is out of range for 'logbanner': at least 0"},
    {"logchange x", "f:1: 'x' is not a number, as 'logchange' needs"},
    {"logdir", "f:1: 'logdir' needs a value: DIRECTORY"},
    {"mailonchange a@b 0.5", "f:1: notice: 'mailonchange' has no effect: the daemon sends no mail; "
                             "watch the log for 'logchange'"},
    {"confdir", "f:1: 'confdir' needs a value: DIRECTORY…"},
    {"sourcedir", "f:1: 'sourcedir' needs a value: DIRECTORY…"},
    {"sourcedir a b c d e f g h i j k",
     "f:1: 'k' is one directory too many for 'sourcedir': at most 10"},
    {"include", "f:1: 'include' needs a value: PATTERN"},
    {"include /a /b", "f:1: '/b' is one word too many for 'include'"},
    {"include /a", "f:1: '/a' cannot be read here"},
    {"hwtimestamp", "f:1: 'hwtimestamp' needs a value: INTERFACE"},
    {"hwtimestamp eth0 minpoll 21",
     "f:1: warning: '21' is out of range for 'minpoll' (-6 … 20); the limit is taken"},
    {"hwtimestamp eth0 rxfilter some",
     "f:1: 'some' is not one of the words for 'rxfilter': any none ntp ptp all"},
    {"hwtimestamp eth0 nocross",
     "f:1: 'nocross' is not an option of 'hwtimestamp'; did you mean 'nocrossts'?"},
    {"hwtstimeout x", "f:1: 'x' is not a number, as 'hwtstimeout' needs"},
    {"maxtxbuffers 1048577", "f:1: '1048577' is out of range for 'maxtxbuffers': 0 … 1048576"},
    {"keyfile", "f:1: 'keyfile' needs a value: FILE"},
    {"pidfile", "f:1: 'pidfile' needs a value: FILE"},
    {"user", "f:1: 'user' needs a value: USER"},
    {"lock_all", "f:1: notice: 'lock_all' has no effect: stamps are taken by the kernel, not by a "
                 "daemon in memory"},
    {"sched_priority 1", "f:1: notice: 'sched_priority' has no effect: stamps are taken by the "
                         "kernel, whenever the daemon runs"},
    {"ntpsigndsocket /s", "f:1: 'ntpsigndsocket': signing for Samba's clients is not supported: "
                          "serve them with chronyd, or use symmetric keys"},
    {"mode watch", "f:1: 'watch' is not one of the words for 'mode': discipline observe assist"},
    {"record", "f:1: 'record' needs a value: FILE"},
    {"clockboundsegment", "f:1: 'clockboundsegment' needs a value: FILE"},
    {"chronydsocket", "f:1: 'chronydsocket' needs a value: FILE"},
    {"clocksegment", "f:1: 'clocksegment' needs a value: FILE | off"},
    {"leapsecond 5", "f:1: 'leapsecond' needs a value: TAI-UTC"},
    {"tempcomppoint 5", "f:1: 'tempcomppoint' needs a value: PPM"},
    {"ntsdumpdir /d", "f:1: notice: 'ntsdumpdir' has no effect: NTS is not built yet, so there are "
                      "no cookies to keep"},
    {"ntscachedir /d", "f:1: notice: 'ntscachedir' has no effect: NTS is not built yet, so there "
                       "are no cookies to keep"},
    {"dumponexit", "f:1: notice: 'dumponexit' has no effect: 'dumpdir' alone makes dumps at exit"},
    {"commandkey 1", "f:1: warning: 'commandkey' is no longer supported and has no effect"},
    {"generatecommandkey",
     "f:1: warning: 'generatecommandkey' is no longer supported and has no effect"},
    {"linux_hz 100", "f:1: warning: 'linux_hz' is no longer supported and has no effect"},
    {"linux_freq_scale 1",
     "f:1: warning: 'linux_freq_scale' is no longer supported and has no effect"},
    {"server a\nserver \x01\x02z", "f:2: '??z' is neither a host name nor an address"},
};

static const char *const refused[] = {
    "maxntsconnections", "nocerttimecheck", "nosystemcert",   "ntsaeads",   "ntsntpserver",
    "ntsport",           "ntsprocesses",    "ntsratelimit",   "ntsrefresh", "ntsrotate",
    "ntsservercert",     "ntsserverkey",    "ntstrustedcerts"};

static void first_sentence(const char *text, const char *wanted)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config = parse(text, &diagnoses);

    assert_true(diagnoses.count >= 1);
    assert_string_equal(
        visor_diagnosis_print(&diagnoses.items[0], NULL, sentence, sizeof(sentence)), wanted);
    visor_diagnoses_done(&diagnoses);
    visor_config_free(config);
}

static void test_parse__wrong_lines_say_why(void **state)
{
    char text[64], wanted[256];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        first_sentence(wrong[i][0], wrong[i][1]);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        snprintf(text, sizeof(text), "%s /x 1", refused[i]);
        snprintf(wanted, sizeof(wanted),
                 "f:1: '%s': NTS is not built yet: remove it and use 'keyfile' with the 'key' "
                 "option of 'server'",
                 refused[i]);
        first_sentence(text, wanted);
    }
}

static bool has_word(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        if ((at == text || strchr(" \n", at[-1])) && strchr(" \n", at[strlen(word)]))
            return true;
    return false;
}

static void every_row_is_tested(const struct visor_option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->rows[i].name;
        bool good = table->rows[i].kind == VISOR_OPTION_REFUSED, bad = table->owner != NULL;

        for (size_t j = 0; j < sizeof(right) / sizeof(right[0]); j++)
            good |= has_word(right[j][0], name);
        for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++)
            bad |= has_word(wrong[j][0], name);
        for (size_t j = 0; j < sizeof(refused) / sizeof(refused[0]); j++)
            bad |= strcmp(refused[j], name) == 0;
        if (!good || !bad)
            fail_msg("'%s' is not tested", name);
        assert_non_null(table->rows[i].name);
        assert_true(table->rows[i].description != NULL || table == &visor_open_options);
    }
}

static void test_tables__every_row_is_tested(void **state)
{
    (void)state;
    every_row_is_tested(&visor_directives);
    every_row_is_tested(&visor_source_options);
    every_row_is_tested(&visor_refclock_options);
    every_row_is_tested(&visor_local_options);
    every_row_is_tested(&visor_hwtimestamp_options);
    every_row_is_tested(&visor_ratelimit_options);
    every_row_is_tested(&visor_log_options);
    every_row_is_tested(&visor_open_options);
}

/* A name in the manual stands between bold marks. */
static void every_row_is_in_the_manual(const struct visor_option_table *table, const char *manual)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->rows[i].name, *at = manual;
        size_t length = strlen(name);
        bool found = false;

        while (!found && (at = strstr(at, name)) != NULL) {
            found = (at[-1] == 'B' || at[-1] == ' ' || at[-1] == '"') &&
                    strchr("\\ \n,:\"", at[length]);
            at++;
        }
        if (!found)
            fail_msg("'%s' is not in timevisord.conf(5)", name);
    }
}

static void test_tables__every_row_is_in_the_manual(void **state)
{
    char *manual;
    size_t size;

    (void)state;
    assert_int_equal(
        visor_file_read(VISOR_SOURCE_ROOT "/man/timevisord.conf.5", 1 << 20, &manual, &size), 0);
    every_row_is_in_the_manual(&visor_directives, manual);
    every_row_is_in_the_manual(&visor_source_options, manual);
    every_row_is_in_the_manual(&visor_refclock_options, manual);
    every_row_is_in_the_manual(&visor_local_options, manual);
    every_row_is_in_the_manual(&visor_hwtimestamp_options, manual);
    every_row_is_in_the_manual(&visor_ratelimit_options, manual);
    every_row_is_in_the_manual(&visor_log_options, manual);
    every_row_is_in_the_manual(&visor_open_options, manual);
    free(manual);
}

static void test_parse__goes_on_after_errors(void **state)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config =
        parse("servr a\nport x\nlock_all\nserver a minpoll x maxpoll y\n", &diagnoses);

    (void)state;
    assert_null(config);
    assert_int_equal(diagnoses.errors, 4);
    assert_int_equal(diagnoses.notices, 1);
    assert_int_equal(diagnoses.items[1].line, 2);
    assert_int_equal(diagnoses.items[1].column, 6);
    assert_string_equal(diagnoses.items[1].word, "x");
    assert_int_equal(diagnoses.items[4].column, 28);
    visor_diagnoses_done(&diagnoses);
}

static void test_parse__limits(void **state)
{
    static char text[400000];
    struct visor_diagnoses diagnoses;
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) /* more errors than are kept, behind more notices */
        at += (size_t)sprintf(text + at, i < 500 ? "lock_all\n" : "x%d\n", i);
    assert_null(parse(text, &diagnoses));
    assert_int_equal(diagnoses.count, VISOR_DIAGNOSES_LIMIT);
    assert_int_equal(diagnoses.errors, 500);
    assert_int_equal(diagnoses.items[0].severity, VISOR_DIAGNOSIS_ERROR);
    assert_int_equal(diagnoses.items[0].line, 501);
    visor_diagnoses_done(&diagnoses);
    at = 0;
    for (int i = 0; i < 200; i++)
        at += (size_t)sprintf(text + at, "server host%d\n", i);
    first_sentence(text, "f:129: too many 'server' lines: at most 128 are taken");
    at = 0;
    for (int i = 0; i < 17000; i++)
        at += (size_t)sprintf(text + at, "allow 10.%d.%d\n", i / 256, i % 256);
    first_sentence(text, "f:16385: too many 'allow' lines: at most 16384 are taken");
    memset(text, 'a', 2048);
    text[2048] = '\0';
    first_sentence(text, "f:1: the line is longer than 2047 characters");
    memcpy(text, "server ", 7);
    text[300] = '\0';
    first_sentence(text,
                   "f:1: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                   "aaaaaa…' is too long: at most 255 characters");
}

static void test_parse_source__one_line(void **state)
{
    struct visor_diagnoses diagnoses;
    struct visor_source_config source;
    char text[256];

    (void)state;
    visor_diagnoses_init(&diagnoses);
    assert_int_equal(visor_config_parse_source("pool a.b maxsources 2", &source, &diagnoses), 0);
    visor_source_print(&source, text, sizeof(text));
    assert_string_equal(text, "pool a.b maxsources 2");
    assert_string_equal(source.file, "");
    assert_int_equal(visor_config_parse_source("port 5", &source, &diagnoses), -1);
    assert_int_equal(visor_config_parse_source("", &source, &diagnoses), -1);
    assert_int_equal(visor_config_parse_source("server a key", &source, &diagnoses), -1);
    assert_int_equal(diagnoses.errors, 3);
    visor_diagnoses_done(&diagnoses);
}

static void test_parse_into__other_defaults(void **state)
{
    struct visor_config *config = visor_config_new();
    struct visor_diagnoses diagnoses;

    (void)state;
    visor_diagnoses_init(&diagnoses);
    visor_config_set_client_only(config);
    assert_int_equal(visor_config_parse_into(config, NULL,
                                             "server a\nlog tracking\nmakestep 1 3\n"
                                             "initstepslew 3 b\n",
                                             NULL, &diagnoses),
                     0);
    assert_int_equal(config->port, 0);
    assert_int_equal(config->cmd_port, 0);
    assert_string_equal(config->pidfile, "");
    assert_string_equal(config->clock_segment, "");
    assert_int_equal(config->source_count, 1);
    visor_config_set_restarted(config);
    assert_int_equal(config->makestep_limit, 0);
    assert_int_equal(config->initstep_count, 0);
    visor_diagnoses_done(&diagnoses);
    visor_config_free(config);
}

static void test_defaults__are_chronys(void **state)
{
    struct visor_config *config = parse_right("server a\nrefclock SHM 0\n");
    const struct visor_source_config *source = &config->sources[0];
    char refid[5];

    (void)state;
    assert_int_equal(source->port, 123);
    assert_int_equal(source->minpoll, 6);
    assert_int_equal(source->maxpoll, 10);
    assert_int_equal(source->presend, 100);
    assert_true(source->max_delay == 3.0 && source->max_delay_dev_ratio == 10.0);
    assert_true(source->asymmetry == 1.0);
    assert_int_equal(source->min_samples, -1);
    assert_int_equal(source->poll_target, 8);
    assert_int_equal(source->max_unreach, 100000);
    assert_int_equal(config->refclocks[0].filter_length, 64);
    assert_true(config->refclocks[0].delay == 1e-9 && config->refclocks[0].rate == 1.0);
    assert_string_equal(visor_config_refid(config, 0, refid), "SHM0");
    assert_true(config->max_distance == 3.0 && config->combine_limit == 3.0);
    assert_true(config->max_slew_rate == 1e6 / 12.0);
    assert_int_equal(config->max_stratum, 15);
    assert_int_equal(config->max_change_delay, -1);
    assert_int_equal(config->refresh, 1209600);
    assert_int_equal(config->ratelimit.interval, 3);
    assert_int_equal(config->cmd_ratelimit.interval, -4);
    assert_int_equal(config->hwts_timeout_us, 1000);
    assert_true(config->client_log && config->bind_cmd_any);
    assert_string_equal(config->bind_cmd_path, "/run/chrony/chronyd.sock");
    assert_string_equal(config->rtcdevice, "/dev/rtc");
    assert_int_equal(config->auth_mode, VISOR_AUTH_MODE_MIX);
    visor_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse__right_lines_print_back),
        cmocka_unit_test(test_parse__wrong_lines_say_why),
        cmocka_unit_test(test_tables__every_row_is_tested),
        cmocka_unit_test(test_tables__every_row_is_in_the_manual),
        cmocka_unit_test(test_parse__goes_on_after_errors),
        cmocka_unit_test(test_parse__limits),
        cmocka_unit_test(test_parse_source__one_line),
        cmocka_unit_test(test_parse_into__other_defaults),
        cmocka_unit_test(test_defaults__are_chronys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
