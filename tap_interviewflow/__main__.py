"""Run the tap: as ``tap-interviewflow``, or as ``python -m tap_interviewflow``."""

import gc


def main() -> None:
    """Start the tap."""
    # While the libraries are loaded nothing is garbage yet: to look for it takes an eighth of the start.
    gc.disable()
    from tap_interviewflow.tap import TapInterviewFlow  # noqa: PLC0415

    gc.enable()
    TapInterviewFlow.cli()


if __name__ == "__main__":
    main()
