"""The tap at work without an account: a made-up API, Meltano, and what comes out (make demo)."""
