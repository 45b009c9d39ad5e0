"""The only SQL, the only Redis commands and the only Lua of Muster.

    migrate.py     brings a database forward to the newest schema
    migrations/    the steps, in order
    schema/        their SQL, a directory per step

It never decides who may do what: the nouns above it do.
"""
