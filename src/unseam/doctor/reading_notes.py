"""What reading the files took for granted: each note of the readers, once, with the files that it is about."""

import re
from collections.abc import Sequence

from unseam.doctor.finding import Finding, Place


class ReadingNotes:
    """Collects the notes of many files; notes that differ only in their numbers are one."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, Place]]] = {}

    def add(self, notes: Sequence[str], place: Place) -> None:
        """Add the notes of a file."""
        for note in notes:
            self._found.setdefault(re.sub(r"\d[\d,.]*", "0", note), []).append((note, place))

    def findings(self) -> list[Finding]:
        """Return a finding for each note, with the words of the first file that has it."""
        found = []
        for told in self._found.values():
            first, others = told[0][0], {note for note, _ in told[1:]} - {told[0][0]}
            files = f"{len(told)} files" if len(told) > 1 else "a file"
            likewise = "; others likewise, with other numbers" if others else ""
            found.append(
                Finding(
                    "how files are read",
                    "note",
                    f"{files}: {first}{likewise}",
                    tuple(place for _, place in told),
                    "training and prediction read the files so",
                    "nothing to do if this is what the files hold; otherwise export them again",
                )
            )
        return found
