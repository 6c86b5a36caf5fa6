"""The commands: a folder each, with the same rooms (spec, answer, table, page, document)."""
