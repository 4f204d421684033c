"""A service whose time is moved by hand, and whose language model repeats what it is told."""

from __future__ import annotations

import itertools

import pytest

from demo.support import HandClock, Parrot
from kaiko_demo import DemoService, demo_service


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def service(clock: HandClock) -> DemoService:
    numbers = itertools.count(1)
    return demo_service(clock=clock, new_id=lambda: f"ctx_{next(numbers)}", llm=Parrot())
