"""The console command `mirjax`, which runs the other commands.

    mirjax COMMAND --flag=value ...

is the same as python -m mirjax.COMMAND --flag=value ...
"""

import runpy
import sys

COMMANDS = {
    "train": "train a model",
    "evaluate": "score a trained model, beside its baselines",
    "study": "run the study again, and render its report",
    "sweep": "train a model under several settings and rank them",
    "predict": "decode the miRNAs of target sites and name them with BLAST",
    "scan": "find the target sites of miRNAs in transcripts",
    "confirm": "search short RNAs: exact blastn results, faster",
}


def main() -> int:
    """Run the command that `sys.argv` names, and exit with its exit code."""
    name, *arguments = sys.argv[1:] or [""]
    if name in ("-h", "--help", "help"):
        print("usage: mirjax COMMAND --flag=value ...\n\ncommands:")
        for command, purpose in COMMANDS.items():
            print(f"  {command:<10}{purpose}")
        print("\nmirjax COMMAND --help explains a command's flags.")
        return 0
    if name not in COMMANDS:
        problem = f"{name!r} is not a command" if name else "no command given"
        print(f"error: {problem}; choose one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 1
    sys.argv[1:] = arguments
    # Like `python -m`, since absl looks for a command's flags and help in `__main__`.
    try:
        runpy.run_module(f"mirjax.{name}", run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:  # while the command's modules are imported
        print("error: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
