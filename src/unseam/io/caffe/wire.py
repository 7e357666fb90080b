"""The wire format of protocol buffers, read from a file that is not trusted.

A message is a row of fields. Each begins with a number: which field it is, and how its value is written; the value follows. A
value may be a message again. Every length is compared with what is left of the message around it, and nothing but the asked
content is read into memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from unseam.errors import ModelFileError

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
"""Wire types: an integer, seven bits in each byte; 8 bytes; a length followed by bytes (text, messages, arrays); 4 bytes."""

_MOST_FIELDS = 200_000
"""In a file. A large network has some thousands; a file of empty fields would keep a reader busy for hours."""

_LONGEST_VARINT = 10
_LARGEST_KEY = 2**32


class Field(NamedTuple):
    """A field of a message: ``value`` is that of a varint, else 0; it lies at ``start`` in the file, ``length`` bytes long."""

    number: int
    wire_type: int
    value: int
    start: int
    length: int


class WireFile:
    """An open file of ``num_bytes``, which is one message. ``path`` names it in errors; each of them is a ModelFileError."""

    def __init__(self, path: Path, file: BinaryIO, num_bytes: int) -> None:
        self.path, self.num_bytes = path, num_bytes
        self._file = file
        self._num_fields = 0

    def fields(self, message: Field | None = None) -> Iterator[Field]:
        """Yield the fields of a message, or of the file. Fields inside of them are only skipped."""
        at, stop = (0, self.num_bytes) if message is None else (message.start, message.start + message.length)
        while at < stop:
            self._num_fields += 1
            if self._num_fields > _MOST_FIELDS:
                raise self.damage(f"it has more than {_MOST_FIELDS:,} fields")
            key, at = self._varint(at, stop)
            number, wire_type = key >> 3, key & 7
            value = 0
            if wire_type == VARINT:
                value, end = self._varint(at, stop)
            elif wire_type == BYTES:
                length, at = self._varint(at, stop)
                end = at + length
            elif wire_type in (EIGHT_BYTES, FOUR_BYTES):
                end = at + (8 if wire_type == EIGHT_BYTES else 4)
            else:
                raise self.damage(f"at byte {at:,} stands a value of the unknown kind {wire_type}")
            if number == 0 or key >= _LARGEST_KEY:
                raise self.damage(f"at byte {at:,} stands a field with the number {number:,}")
            if end > stop:
                raise self.damage(f"at byte {at:,} a part of {end - at:,} bytes begins, and {stop - at:,} are left")
            yield Field(number, wire_type, value, at, end - at)
            at = end

    def content(self, field: Field, most: int) -> bytes:
        """Return the bytes of a field; refuse more than ``most``."""
        if field.length > most:
            raise self.damage(f"at byte {field.start:,} stand {field.length:,} bytes where at most {most:,} are known")
        data = bytearray(field.length)
        self.read_into(memoryview(data), field.start)
        return bytes(data)

    def numbers(self, field: Field, most: int) -> list[int]:
        """Return the numbers of a field, one varint or several packed together, as signed 64-bit; refuse more than ``most``."""
        if field.wire_type == VARINT:
            return [_signed(field.value)]
        found: list[int] = []
        at, stop = field.start, field.start + field.length
        while at < stop:
            value, at = self._varint(at, stop)
            found.append(_signed(value))
            if len(found) > most:
                raise self.damage(f"at byte {field.start:,} stand more than {most:,} numbers")
        return found

    def read_into(self, target: memoryview, start: int) -> None:
        """Fill ``target``, of bytes, with what stands in the file from ``start`` on."""
        self._file.seek(start)
        if self._file.readinto(target) != len(target):  # type: ignore[attr-defined]
            raise self.damage("it became shorter while it was read")

    def damage(self, what: str) -> ModelFileError:
        """Return the error for a file in which this is wrong."""
        return ModelFileError(f"{self.path}: no .caffemodel, cut short or damaged: {what}. Copy the file again.")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Return the number at ``at``, and where it ends."""
        self._file.seek(at)
        value = 0
        for index, byte in enumerate(self._file.read(min(_LONGEST_VARINT, stop - at))):
            value |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                if value >= 2**64:
                    break
                return value, at + index + 1
        raise self.damage(f"at byte {at:,} a number does not end")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
