"""What a guest boots: a distribution's kernel for clouds, and an initramfs with a shell, the daemons,
and the probe."""
import gzip
import lzma
import os
import pathlib
import re
import shutil
import subprocess

# In the order in which they want to be loaded; what the kernel has built in is not a file.
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net")
KERNELS = ("linux-image-cloud-amd64", "linux-image-virtual")  # of Debian, of Ubuntu

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
# know for chronyd in a virtual machine.
DAEMONS = {
    "timevisord": ("timevisord", {"options": "iburst", "makestep": "1 3"}, ""),
    "timevisord-blind": ("timevisord", {"options": "iburst", "makestep": "1 3"}, "witness rtc off\n"),
    "chronyd-usual": ("chronyd", {"options": "iburst", "makestep": "1 3"}, ""),
    "chronyd-best": ("chronyd", {"options": "iburst minpoll 0 maxpoll 0", "makestep": "1.0 -1"}, ""),
}

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
word() { sed -n "s/.*lab.$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }
for module in MODULES; do
    [ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
ip link set lo up; ip link set eth0 up; ip addr add $(word address)/24 dev eth0
daemon=$(word daemon)
sed "s/{server}/$(word server)/" /etc/lab/$daemon > /run/daemon.conf
probe PORT /run/daemon.pid &
echo "lab: clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource), $(ls /dev/rtc*)"
case $daemon in
timevisord*) timevisord -d -u root -f /run/daemon.conf --socket /run/control ;;
*) chronyd -d -U -u root -f /run/daemon.conf ;;
esac
echo "lab: the daemon has ended with status $?"
while true; do sleep 60; done
"""


class Missing(Exception):
    """What the lab needs and this machine does not have."""


def output(*words, cwd=None):
    try:
        return subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, cwd=cwd, timeout=600).stdout
    except FileNotFoundError:
        raise Missing(f"there is no {words[0]}") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(map(str, words))}: {error.stderr.strip()[-300:]}") from None


def _packages():
    """The newest kernel of the distribution, and what it wants for its modules."""
    for name in KERNELS:
        found = subprocess.run(["apt-cache", "depends", name], capture_output=True, text=True,
                               check=False).stdout
        images = re.findall(r"Depends: (linux-image-\d\S*)", found)
        if images:
            also = output("apt-cache", "depends", images[0])
            return [images[0], *re.findall(r"Depends: (linux-modules-\d\S*)", also)]
    raise Missing("apt knows no kernel for clouds: " + " nor ".join(KERNELS))


def kernel(folder):
    """Downloads and unpacks it, once; returns the path of its vmlinuz and of its modules."""
    root = folder / "kernel"
    if not (folder / "kernel-is-whole").exists():
        if os.uname().machine != "x86_64":
            raise Missing("the lab's guests are x86_64, this machine is not")
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        output("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *_packages(), cwd=root)
        for package in root.glob("*.deb"):
            output("dpkg-deb", "-x", package, root)
            package.unlink()
        (folder / "kernel-is-whole").touch()
    images = sorted(root.glob("boot/vmlinuz-*"))
    if not images:
        raise Missing(f"the kernel's package has no vmlinuz ({root})")
    return images[-1], [tree for tree in root.glob("**/kernel") if "modules" in str(tree)]


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


def initramfs(folder, programs, trees, port):
    """Made anew each time: it takes a second, and holds what was built last."""
    root = folder / "root"
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
    init.write_text(INIT.replace("MODULES", " ".join(MODULES)).replace("PORT", str(port)))
    init.chmod(0o755)
    names = "".join(f"{path.relative_to(root)}\n" for path in sorted(root.glob("**/*")))
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), cwd=root,
                             capture_output=True, check=True).stdout
    image = folder / "initramfs"
    image.write_bytes(gzip.compress(archive, 1))
    return image


def chronyd(peers):
    """The real program of the distribution, unpacked and not installed (tests/peers)."""
    found = list(pathlib.Path(peers).glob("local/root/usr/sbin/chronyd"))
    if not found:
        raise Missing("there is no chronyd, and it could not be downloaded (tests/peers)")
    return found[0]
