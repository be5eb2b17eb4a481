"""Fixtures of this folder; the class behind them is in `conftest_road`."""

from conftest_road import docker_road, process_road, road, sleeper

__all__ = ["docker_road", "process_road", "road", "sleeper"]
