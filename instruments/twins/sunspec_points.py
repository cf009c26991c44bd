"""Which SunSpec points the battery implements: scale factors, first values, what is writable."""

from __future__ import annotations

import math
from typing import Any

from bench.config.station import Device
from instruments.twins.battery import Battery
from instruments.twins.settings import Settings

__all__ = ["DC_V", "SCALES", "WRITABLE", "at_start", "settings"]

DC_V = 400.0
_LN10 = math.log(10.0)
_DB, _K, _RSP = 1e4, 1e4, 1e3

SCALES = {
    (701, "W"): "W_SF",
    (701, "VA"): "VA_SF",
    (701, "Var"): "Var_SF",
    (701, "PF"): "PF_SF",
    (701, "A"): "A_SF",
    (701, "LLV"): "V_SF",
    (701, "Hz"): "Hz_SF",
    (701, "TotWhInj"): "TotWh_SF",
    (701, "TotWhAbs"): "TotWh_SF",
    (704, "WSet"): "WSet_SF",
    (704, "WSetPct"): "WSetPct_SF",
    (711, "Ctl.DbOf"): "Db_SF",
    (711, "Ctl.DbUf"): "Db_SF",
    (711, "Ctl.KOf"): "K_SF",
    (711, "Ctl.KUf"): "K_SF",
    (711, "Ctl.RspTms"): "RspTms_SF",
    (713, "SoC"): "Pct_SF",
    (713, "WHAvail"): "WH_SF",
    (802, "SoC"): "SoC_SF",
    (802, "SoCRsvMin"): "SoC_SF",
    (802, "DoD"): "DoD_SF",
    (802, "V"): "V_SF",
    (802, "W"): "W_SF",
    (802, "A"): "A_SF",
}

WRITABLE = frozenset(
    [(704, name) for name in ("WSetEna", "WSetMod", "WSet", "WSetPct")]
    + [(711, name) for name in ("Ena", "AdptCtlReq")]
    + [(711, f"Ctl.{name}") for name in ("DbOf", "DbUf", "KOf", "KUf", "RspTms", "PMin")]
    + [(802, name) for name in ("AlmRst", "SetOp", "SetInvState", "SoCRsvMin")]
)


def settings(now: Settings) -> dict[tuple[int, str], int]:
    """Return the raw values of every point that tells the settings, the set-point itself apart."""
    return {
        (704, "WSetEna"): int(now.set_enabled),
        (711, "Ena"): int(now.frequency_enabled),
        (711, "Ctl.DbOf"): round(_DB * now.dead_over_hz),
        (711, "Ctl.DbUf"): round(_DB * now.dead_under_hz),
        (711, "Ctl.KOf"): round(_K * now.droop_over_ratio),
        (711, "Ctl.KUf"): round(_K * now.droop_under_ratio),
        (711, "Ctl.RspTms"): round(_RSP * _LN10 * now.time_constant_s),
        (711, "Ctl.PMin"): round(now.low_pct),
        (802, "SoCRsvMin"): round(100.0 * now.reserve_pct),
    }


def at_start(battery: Battery, device: Device, nominal_v: float) -> dict[int, dict[str, Any]]:
    """Return the raw values of all models, in the order of the register map."""
    config = battery.config
    rated_w = round(1000.0 * config.rated_kw)
    # A 16-bit register ends at 32767; leave room for a device that gives more than it should.
    watt_sf = 0 if rated_w * max(1.0, abs(config.gain_ratio)) < 32000 else 1
    watts = round(rated_w / 10**watt_sf)
    wh_sf = 0 if config.capacity_kwh < 65 else 1
    capacity = round(1000.0 * config.capacity_kwh / 10**wh_sf)
    told = settings(battery.settings)
    set_kw = battery.settings.power_set_kw
    serial = device.serial if device.serial.upper().startswith("SIM") else f"SIM-{device.serial}"

    def of(model: int) -> dict[str, int]:
        return {name: raw for (owner, name), raw in told.items() if owner == model}

    droop = of(711)
    control = {name.removeprefix("Ctl."): raw for name, raw in droop.items() if name.startswith("Ctl.")}
    watt_scales = {"W_SF": watt_sf, "VA_SF": watt_sf, "Var_SF": watt_sf}
    ratings = {"WMaxRtg": watts, "WChaRteMaxRtg": watts, "WDisChaRteMaxRtg": watts, "VAMaxRtg": watts}
    limits = {"WMax": watts, "WChaRteMax": watts, "WDisChaRteMax": watts, "VAMax": watts}
    return {
        1: {
            "Mn": "Simulated",
            "Md": device.model[:32],
            "Vr": device.firmware[:16],
            "SN": serial[:32],
            "DA": 1,
        },
        701: {
            "ACType": 1,
            "Alrm": 0,
            "DERMode": 1,
            **dict.fromkeys(("St", "InvSt", "ConnSt", "W", "VA", "Var", "PF", "A", "LLV", "Hz"), 0),
            "TotWhInj": 0,
            "TotWhAbs": 0,
            **watt_scales,
            "A_SF": -2,
            "V_SF": -1,
            "Hz_SF": -3,
            "PF_SF": -3,
            "TotWh_SF": 0,
        },
        702: {
            **ratings,
            **limits,
            "VNomRtg": round(10.0 * nominal_v),
            "VNom": round(10.0 * nominal_v),
            "CtrlModes": (1 << 1) | (1 << 5),
            "W_SF": watt_sf,
            "VA_SF": watt_sf,
            "V_SF": -1,
        },
        704: {
            **of(704),
            "WSetMod": 1,
            "WSet": round(1000.0 * set_kw),
            "WSetPct": round(10000.0 * set_kw / config.rated_kw),
            "WSet_SF": 0,
            "WSetPct_SF": -2,
        },
        711: {
            "Ena": droop["Ena"],
            "AdptCtlReq": 0,
            "AdptCtlRslt": 1,
            "NCtl": 1,
            "Db_SF": -4,
            "K_SF": -4,
            "RspTms_SF": -3,
            "Ctl": [{**control, "ReadOnly": 0}],
        },
        713: {
            "WHRtg": capacity,
            "WHAvail": 0,
            "SoC": 0,
            "SoH": 10000,
            "Sta": 0,
            "WH_SF": wh_sf,
            "Pct_SF": -2,
        },
        802: {
            "AHRtg": round(1000.0 * config.capacity_kwh / DC_V),
            "WHRtg": capacity,
            "WChaRteMax": watts,
            "WDisChaRteMax": watts,
            "SoCMax": round(100.0 * config.soc_max_pct),
            "SoCMin": round(100.0 * config.soc_min_pct),
            **dict.fromkeys(("SoC", "DoD", "NCyc", "ChaSt", "LocRemCtl", "Hb", "AlmRst", "State"), 0),
            **dict.fromkeys(("Evt1", "Evt2", "EvtVnd1", "EvtVnd2", "V", "A", "W"), 0),
            **of(802),
            "SoH": 10000,
            "Typ": 4,
            "SetOp": 1,
            "SetInvState": 3,
            "AHRtg_SF": 0,
            "WHRtg_SF": wh_sf,
            "WChaDisChaMax_SF": watt_sf,
            "SoC_SF": -2,
            "DoD_SF": -2,
            "SoH_SF": -2,
            "V_SF": -1,
            "CellV_SF": -3,
            "A_SF": -2 if config.rated_kw * max(1.0, abs(config.gain_ratio)) < 100 else 0,
            "AMax_SF": 0,
            "W_SF": watt_sf,
        },
    }
