"""An API server on loopback with made-up candidates, to try the tap without an account."""
