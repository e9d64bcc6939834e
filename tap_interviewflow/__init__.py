"""Singer tap for InterviewFlowAI."""

__version__ = "0.1.0"
