"""Owns the statements about measured engine speeds."""

from sqlmodel import Session, select

from app.models import EngineSpeed

_WEIGHT_OF_THE_NEWEST = 0.3
"""A machine's speed changes slowly; three runs are enough to follow it."""


class SpeedRepository:
    """Measured speeds, within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, engine: str, model: str, device: str) -> dict[str, float]:
        """Seconds of work per second of audio, by stage."""
        rows = select(EngineSpeed).where(
            EngineSpeed.engine == engine, EngineSpeed.model == model, EngineSpeed.device == device
        )
        return {row.stage: row.seconds_per_second for row in self._session.exec(rows).all()}

    def learn(self, engine: str, model: str, device: str, stage: str, seconds_per_second: float) -> None:
        """Fold one run into the moving average."""
        row = self._session.get(EngineSpeed, (engine, model, device, stage))
        if row is None:
            row = EngineSpeed(
                engine=engine, model=model, device=device, stage=stage, seconds_per_second=seconds_per_second
            )
        else:
            row.seconds_per_second += _WEIGHT_OF_THE_NEWEST * (seconds_per_second - row.seconds_per_second)
            row.runs += 1
        self._session.add(row)
        self._session.flush()
