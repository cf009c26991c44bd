"""The reference pages that are made from the data: profiles, rules, and how ambiguities are read."""

from bench.reference.pages import changed, pages, write_pages

__all__ = ["changed", "pages", "write_pages"]
