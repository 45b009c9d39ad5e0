"""The command line: one module per subcommand, found by being here.

    __main__.py    reads the environment, finds the subcommands, runs one
    <name>.py      a subcommand: its docstring's first line is its help, and it has
                       def add_arguments(parser: argparse.ArgumentParser) -> None
                       def run(args: argparse.Namespace, settings: Settings) -> int

Modules whose name begins with an underscore are no subcommands; one inside a name is
written - on the command line. A subcommand never reads the environment: it is handed `settings`, and
its answer is the process' exit code.
"""
