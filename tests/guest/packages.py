"""What guests are made of: a kernel for clouds and, where the distribution's own is too old, a newer
QEMU; packages that are downloaded and unpacked, never installed."""
import os
import pathlib
import re
import shutil
import subprocess

KERNELS = ("linux-image-cloud-amd64", "linux-image-virtual")  # of Debian, of Ubuntu
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
QEMU = "qemu-system-x86_64"
# apt of its own: this machine's lists and packages are neither read nor changed.
APT = """\
Dir::Etc "{folder}";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "{folder}";
Dir::State::Lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/archives";
APT::Sandbox::User "root";
APT::Default-Release "{release}";
Acquire::Languages "none";
"""


class Missing(Exception):
    """What the lab needs and this machine does not have."""


def output(*words, cwd=None, env=None):
    try:
        return subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, cwd=cwd, timeout=600, env=env).stdout
    except FileNotFoundError:
        raise Missing(f"there is no {words[0]}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{words[0]} takes longer than ten minutes") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(map(str, words))}: {error.stderr.strip()[-300:]}") from None


def _kernel_packages(env):
    """The newest kernel for clouds, and what it has its image and modules in."""
    for name in KERNELS:
        found = subprocess.run(["apt-cache", "depends", name], capture_output=True, text=True,
                               check=False, env=env).stdout
        images = re.findall(r"Depends: (linux-image-\d\S*)", found)
        if images:
            also = output("apt-cache", "depends", images[-1], env=env)
            return [images[-1], *re.findall(r"Depends: (linux-(?:modules|binary)-\d\S*)", also)]
    raise Missing("apt knows no kernel for clouds: " + " nor ".join(KERNELS))


def _unpack(archives, root):
    root.mkdir(parents=True, exist_ok=True)
    for package in archives.glob("*.deb"):
        output("dpkg-deb", "-x", package, root)
        package.unlink()


def _once(folder, make):
    """Makes what is in a folder, unless it is whole already."""
    if os.uname().machine != "x86_64":
        raise Missing("the lab's guests are x86_64, this machine is not")
    if not (folder / "is-whole").exists():
        if os.environ.get("VISOR_LAB_NAMESPACE"):  # where there is no network any more
            raise Missing(f"{folder} was not fetched: see the beginning of this run")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        (folder / "is-whole").touch()


def _fetch_kernel(folder, env=None):
    output("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *_kernel_packages(env),
           cwd=folder, env=env)
    _unpack(folder, folder / "root")


def _fetch_newer(folder):
    if not os.access(KEYRING, os.R_OK):
        raise Missing(f"there is no {KEYRING} (package debian-archive-keyring)")
    for name in ("lists/partial", "archives/partial", "kernel"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text("".join(
        f"deb [signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n"
        for suite in ("trixie", "trixie-backports")))
    env = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    (folder / "apt.conf").write_text(APT.format(folder=folder, release="trixie"))
    output("apt-get", "-qq", "update", env=env)
    if not list((folder / "lists").glob("*Packages*")):
        raise Missing("apt-get update: Debian's mirror cannot be reached")
    output("apt-get", "-qq", "-y", "--download-only", "--no-install-recommends", "install",
           "qemu-system-x86", env=env)
    _unpack(folder / "archives", folder / "root")
    (folder / "apt.conf").write_text(APT.format(folder=folder, release="trixie-backports"))
    _fetch_kernel(folder / "kernel", env)
    for name in ("lists", "archives"):
        shutil.rmtree(folder / name)


def kernel(folder):
    """The distribution's kernel: the path of its vmlinuz, and trees of modules."""
    _once(folder / "kernel", _fetch_kernel)
    return _found(folder / "kernel" / "root")


def newer(folder):
    """A kernel that has a driver for vmclock, as above, and how to run a QEMU that has the device."""
    _once(folder / "newer", _fetch_newer)
    root = folder / "newer" / "root"
    libraries = next(root.glob("usr/lib/*/libc.so.6")).parent
    qemu = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, root / "usr/bin" / QEMU,
            "-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios"]
    return *_found(folder / "newer" / "kernel" / "root"), qemu


def _found(root):
    images = sorted([*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz")])
    if not images:
        raise Missing(f"the kernel's package has no vmlinuz ({root})")
    return images[-1], [tree for tree in root.glob("**/kernel") if "modules" in str(tree)]


def chronyd(peers):
    """The real program of the distribution, unpacked and not installed (tests/peers)."""
    found = list(pathlib.Path(peers).glob("local/root/usr/sbin/chronyd"))
    if not found:
        raise Missing("there is no chronyd, and it could not be downloaded (tests/peers)")
    return found[0]
