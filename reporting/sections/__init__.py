"""Sections of the report, a family a file; each builder takes what was gathered and gives one."""
