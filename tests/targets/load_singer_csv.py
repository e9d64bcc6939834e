"""Run singer-io's CSV target; in its own environment."""

import collections
from collections.abc import MutableMapping
from importlib import import_module

# Where it was until Python 3.10, and the target looks for it.
vars(collections)["MutableMapping"] = MutableMapping
import_module("target_csv").main()
