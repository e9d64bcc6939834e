"""Run the tap as ``python -m tap_interviewflow``."""

from tap_interviewflow.tap import TapInterviewFlow

if __name__ == "__main__":
    TapInterviewFlow.cli()
