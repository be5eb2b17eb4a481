"""Fixtures of this folder; the class behind them is in `conftest_road`."""

from conftest_road import docker_road, process_road, road, sleeper
from publish_watch import short_path

__all__ = ["docker_road", "process_road", "road", "short_path", "sleeper"]
