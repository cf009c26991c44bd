"""What the receiving point shows beyond the battery and the house as it was told: who moved by itself?"""

from __future__ import annotations

import numpy as np

from bench.measure.series import Series
from bench.moved_house import net_load_kw
from bench.recording import Recording

__all__ = ["house_error"]


def house_error(recording: Recording) -> Series | None:
    """Return what the receiving point shows beyond the battery and the house as told, in kW.

    None where nothing moved the house, or the analyzer does not measure both points.
    """
    receiving = Series.of(recording.signals.get("meter.receiving_power_kw"))
    device = Series.of(recording.signals.get("meter.power_kw"))
    told_kw = net_load_kw(recording, receiving.t_s)
    if told_kw is None or len(device) < 2:
        return None
    battery_kw = np.interp(receiving.t_s, device.t_s, device.value)
    return Series(receiving.t_s, receiving.value - battery_kw + told_kw, receiving.stamps_s)
