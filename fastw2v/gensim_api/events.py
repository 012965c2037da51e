"""A model's diary: what happened to it, as gensim's models keep it."""

import logging
import platform
import sys
from copy import deepcopy
from datetime import datetime
from typing import Any

from fastw2v.version import VERSION

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
            What is to be told; plain values.
        """
        told = deepcopy(event)
        told["datetime"] = datetime.now().isoformat()
        told["fastw2v"] = VERSION
        told["python"] = sys.version
        told["platform"] = platform.platform()
        told["event"] = event_name
        if not hasattr(self, "lifecycle_events"):
            self.lifecycle_events = []
        if log_level:
            logger.log(int(log_level), "%s lifecycle event %s", type(self).__name__, told)
        if self.lifecycle_events is not None:
            self.lifecycle_events.append(told)
