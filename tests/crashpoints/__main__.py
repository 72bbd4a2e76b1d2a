"""`python -m tests.crashpoints` writes the tables of docs/faults.md from the lists beside this."""

from tests.crashpoints.table import DOCUMENT, written

if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
