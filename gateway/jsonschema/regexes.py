"""RE2, in which `buf.validate` has patterns, → ECMA 262, which JSON Schema asks for."""

import re

# The two differ in spelling, and not every reader knows Unicode's classes: these are small ones.
_CLASSES = {
    "Cc": r"\u0000-\u001F\u007F-\u009F",
    "Zl": r"\u2028",
    "Zp": r"\u2029",
}
_CODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,4})\}")
_CLASS = re.compile(r"\\p\{(\w+)\}")


def ecma(pattern: str) -> str:
    """The same expression for ECMA 262; Python's `re` reads what comes out too."""
    coded = _CODE.sub(lambda found: f"\\u{int(found.group(1), 16):04X}", pattern)
    return _CLASS.sub(lambda found: _CLASSES.get(found.group(1), found.group()), coded)
