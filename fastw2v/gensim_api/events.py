"""Lifecycle events: what happened to a model, recorded as gensim's models do."""

import logging
import platform
import sys
from copy import deepcopy
from datetime import datetime
from typing import Any

from fastw2v.gensim_api.numbers import int_of
from fastw2v.version import VERSION

__all__ = ["Events", "logger"]

logger = logging.getLogger(__name__)


class Events:
    """Keeps `lifecycle_events`; setting it to None switches it off."""

    lifecycle_events: list[dict[str, Any]] | None

    def add_lifecycle_event(
        self, event_name: str, log_level: int | bool = logging.INFO, **event: Any
    ) -> None:
        """Append an event, with date and versions, and log it.

        Parameters
        ----------
        event_name : str
        log_level : int or False
            At which level it is logged, if at all.
        **event
            What to record; plain values.
        """
        level = int_of("log_level", 0 if log_level is None else log_level, low=0, high=2**31 - 1)
        entry = deepcopy(event)
        entry["datetime"] = datetime.now().isoformat()
        entry["fastw2v"] = VERSION
        entry["python"] = sys.version
        entry["platform"] = platform.platform()
        entry["event"] = event_name
        if not hasattr(self, "lifecycle_events"):
            self.lifecycle_events = []
        if level:
            logger.log(level, "%s lifecycle event %s", type(self).__name__, entry)
        if self.lifecycle_events is not None:
            self.lifecycle_events.append(entry)
