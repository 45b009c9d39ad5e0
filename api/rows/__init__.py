"""The rows of the table (api/table.py), by what they are about. Must never hold a handler."""
