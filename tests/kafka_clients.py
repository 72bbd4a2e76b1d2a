"""Asks kafka-clients itself, the Java library, where a key goes.

The local runtime has no compiler, so the class that asks is written here as bytes: straight-line
code, one call and one printed number a key. Layout: Java Virtual Machine Specification, chapter 4.
Version 49 of the format, because later ones want stack maps.
"""

import struct
import subprocess
from pathlib import Path

NAME = "Ask"
PARTITIONER = "org/apache/kafka/clients/producer/internals/BuiltInPartitioner"
PUBLIC_STATIC = 0x0009
PUBLIC_SUPER = 0x0021


class _Pool:
    """The constant pool of a class."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []

    def add(self, entry: bytes) -> int:
        if entry not in self._entries:
            self._entries.append(entry)
        return self._entries.index(entry) + 1

    def text(self, value: str) -> int:
        data = value.encode()
        return self.add(struct.pack(">BH", 1, len(data)) + data)

    def string(self, value: str) -> int:
        return self.add(struct.pack(">BH", 8, self.text(value)))

    def type(self, name: str) -> int:
        return self.add(struct.pack(">BH", 7, self.text(name)))

    def member(self, tag: int, owner: str, name: str, descriptor: str) -> int:
        signature = self.add(struct.pack(">BHH", 12, self.text(name), self.text(descriptor)))
        return self.add(struct.pack(">BHH", tag, self.type(owner), signature))

    def field(self, owner: str, name: str, descriptor: str) -> int:
        return self.member(9, owner, name, descriptor)

    def method(self, owner: str, name: str, descriptor: str) -> int:
        return self.member(10, owner, name, descriptor)

    def written(self) -> bytes:
        return struct.pack(">H", len(self._entries) + 1) + b"".join(self._entries)


def _class(keys: list[str], partitions: int) -> bytes:
    pool = _Pool()
    out = pool.field("java/lang/System", "out", "Ljava/io/PrintStream;")
    get_bytes = pool.method("java/lang/String", "getBytes", "(Ljava/lang/String;)[B")
    ask = pool.method(PARTITIONER, "partitionForKey", "([BI)I")
    say = pool.method("java/io/PrintStream", "println", "(I)V")
    utf8 = pool.string("UTF-8")
    code = b"".join(
        struct.pack(">BH", 0xB2, out)  # getstatic
        + struct.pack(">BH", 0x13, pool.string(key))  # ldc_w
        + struct.pack(">BH", 0x13, utf8)
        + struct.pack(">BH", 0xB6, get_bytes)  # invokevirtual
        + struct.pack(">Bh", 0x11, partitions)  # sipush
        + struct.pack(">BH", 0xB8, ask)  # invokestatic
        + struct.pack(">BH", 0xB6, say)
        for key in keys
    )
    code += b"\xb1"  # return
    attribute = struct.pack(">HHI", 4, 1, len(code)) + code + struct.pack(">HH", 0, 0)
    method = struct.pack(
        ">HHHHHI",
        PUBLIC_STATIC,
        pool.text("main"),
        pool.text("([Ljava/lang/String;)V"),
        1,
        pool.text("Code"),
        len(attribute),
    )
    this, above = pool.type(NAME), pool.type("java/lang/Object")
    head = struct.pack(">IHH", 0xCAFEBABE, 0, 49) + pool.written()
    body = struct.pack(">HHHHHH", PUBLIC_SUPER, this, above, 0, 0, 1) + method + attribute
    return head + body + struct.pack(">H", 0)


def partitions_of(
    java: str, jars: list[Path], folder: Path, keys: list[str], partitions: int
) -> list[int]:
    """Give kafka-clients' own partition of each key. `folder` is one to write to."""
    (folder / f"{NAME}.class").write_bytes(_class(keys, partitions))
    path = ":".join(map(str, [folder, *jars]))
    command = [java, "-XX:TieredStopAtLevel=1", "-cp", path, NAME]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return [int(line) for line in done.stdout.split()]
