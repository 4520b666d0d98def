#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/guides/system-description.md as its readers use it: every example on the page is checked by sysconf, and
every property that the parser knows has an example there.

  test/tools/description_test.py SYSCONF

Prints TAP lines.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs/guides/system-description.md"
PARSER = ("system.c", "programs.c", "devices.c", "pci.c")

# What an example is put on top of: everything that examples name is there.
BASE = """/dts-v1/;
/ {
	compatible = "vessel,system-1";
	board {
		cores = <8>; gic-version = <3>; list-registers = <4>;
		ram = /bits/ 64 <0x60000000 0x60000000>;
		image-window = /bits/ 64 <0x40000000 0x20000000>;
		uart = /bits/ 64 <0x09000000 0x1000>; uart-interrupt = <33>; gicv = <0x08040000>;
		guest-gicd = <0x08000000>; guest-gicr = <0x080a0000>; guest-gicc = <0x08010000>;
	};
	images {
		linux { file = "Image"; kind = "linux"; };
		initrd { file = "initrd.gz"; kind = "initrd"; };
		tree { file = "tree.dtb"; kind = "dtb"; };
		extra { file = "extra.dtbo"; kind = "overlay"; };
	};
	programs {
		disk { kind = "blk-driver"; reg = /bits/ 64 <0x0a000000 0x1000>; interrupt = <48>; };
		disks { kind = "block"; driver = "disk"; };
		card { kind = "net-driver"; reg = /bits/ 64 <0x0a001000 0x1000>; interrupt = <56>; };
		lan { kind = "switch"; driver = "card"; };
		rng { kind = "rng-driver"; reg = /bits/ 64 <0x0a002000 0x1000>; interrupt = <64>; };
		vsock { kind = "sockets"; };
	};
	vms { hello { kernel = "linux"; memory-mib = <256>; devices { con { kind = "virtio-console"; }; }; }; };
};
"""
# Where a row's example goes, by its heading; where another node than the usual one is needed, by property.
NODES = {"/images/NAME": "/images/linux", "/programs/NAME": "/programs/serial", "/vms/NAME": "/vms/hello",
         "/vms/NAME/pci": "/vms/hello/pci", "/vms/NAME/devices/NAME": "/vms/hello/devices/example",
         "/vms/NAME/devices/NAME/ports/NAME": "/vms/hello/devices/con/ports/example"}
SPECIAL = {("/programs/NAME", "kind"): "/programs/disks", ("/programs/NAME", "driver"): "/programs/disks",
           ("/programs/NAME", "reg"): "/programs/disk", ("/programs/NAME", "interrupt"): "/programs/disk"}
BLOCKS = {"programs": "/", "vcpus": "/vms/hello", "devices": "/vms/hello", "pci": "/vms/hello"}


def nested(path, text):
    """`text` inside the node `path`, on top of what there is."""
    steps = [s for s in path.split("/") if s]
    return "/ { " + "".join(s + " { " for s in steps) + text + " }; " * len(steps) + "};\n"


def examples(guide):
    """(line, node path, text) of every example of the page; of whole files, node path is None."""
    heading, block, begun = None, None, 0
    for number, line in enumerate(guide.split("\n"), 1):
        if line.startswith("```"):
            if block:
                word = block.split()[0]
                yield begun, None if word == "/dts-v1/;" else BLOCKS.get(word, "?" + word), block
            block, begun = ("", number) if line == "```dts" else (None, 0)
        elif block is not None:
            block += line + "\n"
        elif line.startswith("#"):
            found = re.search(r"`(/[^`]*)`", line)
            heading = found.group(1) if found else None
        elif heading and (row := re.match(r"\| (`.*?`) \|.*\| `([^`]*;)` \|$", line)):
            first = re.match(r"`([^`]*)`", row.group(1)).group(1)
            yield number, SPECIAL.get((heading, first), NODES.get(heading, heading)), row.group(2)


def known_properties():
    text = "\n".join((ROOT / "vmm/admin" / name).read_text() for name in PARSER)
    return set(re.findall(r'\bP_[A-Z0-9]+\("([a-z0-9-]+)"|(?:OPTIONAL|NEEDED)\(\.name = "([a-z0-9-]+)"', text))


def main():
    sysconf, guide, failed, seen = sys.argv[1], GUIDE.read_text(), 0, ""

    def result(good, name, why=""):
        nonlocal failed
        failed += not good
        print(f"{'ok' if good else 'not ok'} - {name}{': ' + why if why else ''}")

    with tempfile.TemporaryDirectory() as folder:
        for name in ("Image", "initrd.gz", "tree.dtb", "extra.dtbo"):
            (pathlib.Path(folder) / name).write_bytes(b"x")
        (pathlib.Path(folder) / "guest").mkdir()
        (pathlib.Path(folder) / "guest/Image").write_bytes(b"x")
        for line, node, text in examples(guide):
            seen += text
            if node is None:
                example = (ROOT / "examples/hello.dts").read_text()
                same = re.sub(r"//[^\n]*\n|/\*.*?\*/", "", example, flags=re.S).split() == text.split()
                result(same, f"line {line}: examples/hello.dts as it is")
                continue
            what = "/delete-property/ memory-mib; " if text.startswith("ram") and "vms" in node else ""
            source = pathlib.Path(folder) / "example.dts"
            source.write_text(BASE + nested(node, what + text))
            done = subprocess.run([sysconf, "check", "--unchecked-images", source], capture_output=True, text=True)
            result(done.returncode == 0, f"line {line}: {node}: {' '.join(text.split())[:60]}",
                   done.stderr.strip().split("\n")[0] if done.returncode else "")
        source.write_text('/dts-v1/; /include/ "boards/qemu-virt.dtsi" / { };')
        for here, found in (("examples", True), ("docs", False)):
            done = subprocess.run([sysconf, "check", "--include", ROOT / here, source], capture_output=True, text=True)
            result(("sysconf: /vms" in done.stderr) == found, f"a board in --include {here}")
    for name in sorted("".join(n) for n in known_properties()):
        result(re.search(rf"(^|[\s{{;]){re.escape(name)}( =|;)", seen, re.M), f"'{name}' has an example")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
