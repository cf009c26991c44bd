"""Which command set a simulated instrument speaks: ``twin.source.dialect``, ``twin.meter.dialect``."""

from __future__ import annotations

from collections.abc import Callable

from instruments.twins.ametek_source import AmetekSource
from instruments.twins.analyzer import Analyzer
from instruments.twins.chroma_source import ChromaSource
from instruments.twins.config import SourceTwin
from instruments.twins.hioki_meter import HiokiAnalyzer, HiokiMeter
from instruments.twins.keysight_source import KeysightSource
from instruments.twins.kikusui_source import KikusuiSource
from instruments.twins.scpi import Dialect
from instruments.twins.world import World
from instruments.twins.yokogawa_meter import YokogawaMeter
from instruments.twins.zes_meter import ZesMeter

__all__ = ["meter_dialect", "source_dialect"]

_SOURCES: dict[str, Callable[[World], Dialect]] = {
    "kikusui_pcr": KikusuiSource,
    "keysight_ac6800": KeysightSource,
    "ametek_mx": AmetekSource,
    "chroma_61800": ChromaSource,
}
_METERS: dict[str, Callable[[World, Analyzer, tuple[int, int]], Dialect]] = {
    "yokogawa_wt": YokogawaMeter,
    "hioki_pw3335": HiokiMeter,
    "hioki_pw3390": HiokiAnalyzer,
    "zes_lmg670": ZesMeter,
}


def source_dialect(config: SourceTwin, world: World) -> Dialect:
    """Return the source's front panel."""
    return _SOURCES[config.dialect](world)


def meter_dialect(world: World, analyzer: Analyzer, order: tuple[int, int] = (0, 1)) -> Dialect:
    """Return an analyzer's front panel; ``order`` says which element of the world is which of its own."""
    return _METERS[analyzer.config.dialect](world, analyzer, order)
