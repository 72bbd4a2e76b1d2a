"""The `causeway` commands, one small file each; `stack.cli` is their table."""
