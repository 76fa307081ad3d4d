"""Time for tests: it passes only when somebody sleeps."""


class Time:
    """Time that passes as fast as somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
