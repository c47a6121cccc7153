"""What a guest boots beside its kernel: an initramfs with a shell, the daemons, and the probe."""
import gzip
import lzma
import re
import shutil
import subprocess

from packages import Missing

# In the order in which they want to be loaded; what the kernel has built in is not a file.
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net", "ptp_vmclock")

CONFIGURATION = """
server {server} {options}
driftfile /run/drift
makestep {makestep}
rtcsync
maxupdateskew 100.0
pidfile /run/daemon.pid
bindcmdaddress /
"""

# name, program, configuration. "usual" is what Debian's chrony comes with, "best" the best that we
# know for chronyd in a virtual machine, "assisted" the usual one with timevisord beside it, which asks
# chronyd's own sources.
DAEMONS = {
    "timevisord": ("timevisord", {"options": "iburst", "makestep": "1 3"}, ""),
    "timevisord-blind": ("timevisord", {"options": "iburst", "makestep": "1 3"}, "witness rtc off\n"),
    "timevisord-busy": ("timevisord", {"options": "iburst", "makestep": "1 3"}, ""),
    "timevisord-asked": ("timevisord", {"options": "iburst", "makestep": "1 3"}, ""),
    "chronyd-usual": ("chronyd", {"options": "iburst", "makestep": "1 3"}, ""),
    "chronyd-assisted": ("chronyd", {"options": "iburst", "makestep": "1 3"},
                         "bindcmdaddress /run/chrony/chronyd.sock\n"),
    "chronyd-best": ("chronyd", {"options": "iburst minpoll 0 maxpoll 0", "makestep": "1.0 -1"}, ""),
}

SOCKET = "--socket /run/control"
# What a person would ask there.
ASKED = (f"status {SOCKET}", "clocksource", "clocksource --yes acpi_pm", f"status {SOCKET}",
         f"events {SOCKET}")
ASKED_ALL = "lab: all is asked"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
word() { sed -n "s/.*lab.$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }
for module in MODULES; do
    [ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
ip link set lo up; ip link set eth0 up; ip addr add $(word address)/24 dev eth0
daemon=$(word daemon)
[ -z "$(word busy)" ] || while :; do :; done &
sed "s/{server}/$(word server)/" /etc/lab/$daemon > /run/daemon.conf
probe PORT /run/daemon.pid &
[ -z "$(word asked)" ] || { sleep 30; ASKED echo; echo "ASKED_ALL"; } &
echo "lab: clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource), $(echo /dev/rtc* /dev/vmclock*)"
case $daemon in
timevisord*) timevisord -d -u root -f /run/daemon.conf --socket /run/control ;;
chronyd-assisted)
    timevisord -d -u root --socket /run/control "mode assist" &
    chronyd -d -U -u root -f /run/daemon.conf ;;
*) chronyd -d -U -u root -f /run/daemon.conf ;;
esac
echo "lab: the daemon has ended with status $?"
while true; do sleep 60; done
"""


def _module(trees, name):
    for tree in trees:
        for path in tree.glob(f"**/{name}.ko*"):
            packed = path.read_bytes()
            if path.suffix == ".xz":
                return lzma.decompress(packed)
            if path.suffix == ".zst":
                return subprocess.run(["zstd", "-dc"], input=packed, capture_output=True,
                                      check=True).stdout
            return packed
    return None


def _program(root, path, name):
    """A program with the libraries that it wants."""
    shutil.copy(path, root / "bin" / name)
    wanted = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+\.so\S*)", wanted):
        to = root / library[1:]
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, to)


def initramfs(image, programs, trees, port):
    """Made anew each time: it takes a second, and holds what was built last."""
    root = image.with_name("root")
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "dev", "etc/lab", "modules", "proc", "run", "sys", "tmp", "var/lib/chrony"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    if not busybox or "not a dynamic" not in subprocess.run(
            ["ldd", busybox], capture_output=True, text=True, check=False).stderr:
        raise Missing("there is no static busybox (package busybox-static)")
    shutil.copy(busybox, root / "bin/busybox")
    for name, path in programs.items():
        _program(root, path, name)
    for name in MODULES:
        content = _module(trees, name)
        if content:
            (root / f"modules/{name}.ko").write_bytes(content)
    for name, (_, values, more) in DAEMONS.items():
        (root / "etc/lab" / name).write_text(
            CONFIGURATION.format(server="{server}", **values) + more)
    (root / "etc/passwd").write_text("root:x:0:0::/:\n")
    (root / "etc/group").write_text("root:x:0:\n")
    init = root / "init"
    asked = " ".join(f"echo; echo '# timevisor {words}'; timevisor {words}; sleep 3;" for words in ASKED)
    init.write_text(INIT.replace("MODULES", " ".join(MODULES)).replace("PORT", str(port))
                    .replace("ASKED_ALL", ASKED_ALL).replace("ASKED", asked))
    init.chmod(0o755)
    names = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.glob("**/*")))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), cwd=root,
                             capture_output=True, check=True).stdout
    image.write_bytes(gzip.compress(archive, 1))
    return image
