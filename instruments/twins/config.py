"""The schema of the ``[twin]`` table: every parameter of the simulated world, with its default.

The defaults are a compliant battery, clear of every limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench.config.faults import pydantic_faults
from bench.errors import Fault as UsageFault
from bench.errors import UsageError
from instruments.twins.faults import parse

__all__ = ["BatteryTwin", "GatewayTwin", "HouseTwin", "MeterTwin", "SourceTwin", "TwinConfig", "read_twin"]

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

# What others have seen ECHONET Lite nodes do: reply from another port; answer Set_Res before the value
# changes; list EB and EC as settable and refuse them with OPC = 0; acknowledge a set and keep the old value;
# refuse one property of a Get that has others; lack EB and EC; lack CF.
Behaviour = Literal[
    "other_port", "late_change", "refuses_listed", "ignores_set", "mixed_sna", "no_power_setting", "no_status"
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)  # "0.5" and true are no numbers

    faults: tuple[str, ...] = Field(default=(), strict=False, description="names from the fault catalogue")

    @field_validator("faults")
    @classmethod
    def _known(cls, specs: tuple[str, ...]) -> tuple[str, ...]:
        part = cls.__name__.removesuffix("Twin").lower()
        for spec in specs:
            parse(part, spec)
        return specs

    @field_validator("*")
    @classmethod
    def _not_nan(cls, value: Any) -> Any:
        if isinstance(value, float) and math.isnan(value):
            raise ValueError("must be a number")
        return value


class BatteryTwin(_Part):
    """``[twin.battery]``"""

    rated_kw: Annotated[float, Field(gt=0, le=32, allow_inf_nan=False)] = 5.5
    capacity_kwh: Annotated[float, Field(gt=0, le=650, allow_inf_nan=False)] = 15.0
    soc_pct: Percent = 90.0
    soc_min_pct: Percent = 10.0
    soc_max_pct: Percent = 100.0
    efficiency_ratio: Annotated[float, Field(gt=0, le=1)] = Field(default=0.95, description="each way")
    delay_s: NotNegative = Field(default=0.5, description="dead time of the local response, from its sample")
    time_constant_s: NotNegative = Field(default=0.3, description="first-order lag of the power stage")
    ramp_kw_per_s: Rate = Field(default=5.0, description="slew limit of the power stage")
    droop_pct: Annotated[float, Field(gt=0, le=100)] = Field(default=4.0, description="on rated power")
    droop_over_pct: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="above nominal, where it charges; left out: droop_pct"
    )
    droop_bend_per_hz: Annotated[float, Field(ge=-10, le=10)] = Field(
        default=0.0, description="how much steeper the droop gets per Hz beyond the dead band"
    )
    dead_band_hz: Annotated[float, Field(ge=0, le=5)] = Field(
        default=0.005, description="half width, subtracted"
    )
    hysteresis_hz: Annotated[float, Field(ge=0, le=5)] = 0.0
    frequency_offset_hz: Annotated[float, Field(ge=-5, le=5)] = Field(default=0.0, description="+ reads high")
    measurement_interval_s: Annotated[float, Field(ge=0.001, le=3600)] = 0.05
    command_delay_s: NotNegative = 0.5
    gain_ratio: Annotated[float, Field(ge=-10, le=10)] = 1.0
    mode: Literal["auto", "remote", "frequency_response", "charge", "discharge", "standby"] = Field(
        default="auto", description="what it does before anybody speaks to it"
    )
    dialect: Literal["sunspec", "modbus", "echonet"] = Field(
        default="sunspec", description="modbus: a map of its own, that of fixtures/maps/example_battery.toml"
    )
    echonet: tuple[Behaviour, ...] = Field(
        default=(), strict=False, description="how its ECHONET Lite node behaves"
    )
    through_gateway: bool = Field(
        default=False, description="the role battery is the gateway's interface: late, and with old news"
    )

    export_delay_s: NotNegative = Field(
        default=0.1, description="its own limiter of the export: from a change of the house to its answer"
    )
    export_time_constant_s: NotNegative = Field(default=0.03, description="the power stage when it limits")
    export_margin_kw: Number = Field(default=0.1, description="the limiter stays this far below the limit")
    export_scale_ratio: Annotated[float, Field(gt=0.1, le=10)] = Field(
        default=1.0, description="the limiter reads the export times this"
    )
    return_s: NotNegative = Field(
        default=0.0, description="after a control ends, the power takes this long to what it was"
    )
    mode_return_s: NotNegative = Field(
        default=0.0, description="after a control ends, its register of the mode is this late"
    )
    watchdog_s: NotNegative = Field(
        default=25.0, description="a gateway's last command acts this long once gateway or line are gone"
    )
    line_watchdog_s: NotNegative | None = Field(
        default=None, description="the same where only the line is gone; left out: watchdog_s"
    )
    report_interval_s: Annotated[float, Field(ge=0, le=7200, allow_inf_nan=False)] = Field(
        default=0.0, description="its measured registers change this often; 0: whenever they are asked"
    )
    alarm_delay_s: NotNegative = Field(
        default=0.2, description="from the contact that raises a warning to the alarm that it shows"
    )
    report_delay_s: NotNegative = Field(default=0.0, description="age of a value when it can first be read")
    meter_gain_ratio: Annotated[float, Field(ge=0, le=10)] = Field(
        default=1.0, description="built-in meter: power and energy over the true ones"
    )
    report_gain_ratio: Annotated[float, Field(ge=0, le=10)] = Field(
        default=1.0, description="the power that it tells over what its built-in meter measured"
    )
    meter_creep_kw: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.0, description="built-in meter: counted as discharge although nothing flows"
    )

    @model_validator(mode="after")
    def _ordered(self) -> BatteryTwin:
        if self.soc_min_pct >= self.soc_max_pct:
            raise ValueError("soc_min_pct must be below soc_max_pct")
        if self.through_gateway and self.dialect == "sunspec":
            raise ValueError("through_gateway needs dialect 'modbus' or 'echonet'")
        return self


class MeterTwin(_Part):
    """``[twin.meter]``"""

    noise_kw: NotNegative = Field(default=0.002, description="standard deviation of a window")
    noise_hz: NotNegative = Field(default=0.001, description="standard deviation of a window")
    noise_v: NotNegative = Field(default=0.02, description="standard deviation of a window")
    update_s: Annotated[float, Field(ge=0.01, le=20)] = Field(default=0.1, description="window of the means")
    clock_offset_s: Number = Field(default=0.0, description="+ its clock is ahead")
    gain_ratio: Annotated[float, Field(ge=-10, le=10)] = 1.0
    dialect: Literal["yokogawa_wt", "hioki_pw3335", "hioki_pw3390", "zes_lmg670"] = Field(
        default="yokogawa_wt", description="the command set that it speaks"
    )


class SourceTwin(_Part):
    """``[twin.source]``"""

    slew_hz_per_s: Rate = Field(default=math.inf, description="inf: a frequency step is a step")
    resolution_hz: Annotated[float, Field(ge=1e-6, le=1)] = 0.001
    offset_hz: Annotated[float, Field(ge=-5, le=5)] = Field(default=0.0, description="+ delivers high")
    list_points: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=32, description="most steps in a list of its own, where its command set has one"
    )
    dialect: Literal["kikusui_pcr", "keysight_ac6800", "ametek_mx", "chroma_61800"] = Field(
        default="kikusui_pcr", description="the command set that it speaks"
    )


class HouseTwin(_Part):
    """``[twin.house]``"""

    load_kw: Annotated[float, Field(ge=0, le=100)] = 0.5
    pv_kw: Annotated[float, Field(ge=0, le=100)] | str = Field(
        default=0.0,
        description="a number, or a CSV with the columns t_s,pv_kw (each value holds until the next)",
    )
    bypass: bool = Field(
        default=False, description="the wiring fraud: the receiving point misses the battery"
    )
    smart_meter: bool = Field(
        default=False, description="the receiving_meter is its ECHONET Lite smart meter, not an analyzer"
    )


class GatewayTwin(_Part):
    """``[twin.gateway]``"""

    command_delay_s: NotNegative = Field(default=0.5, description="from its command to the battery's")
    telemetry_interval_s: Annotated[float, Field(ge=0.05, le=3600)] = 1.0
    failover_s: NotNegative | None = Field(
        default=None, description="a second line takes over this long after the first was cut; left out: none"
    )
    recovery_s: NotNegative = Field(
        default=0.0, description="its line or its mains are back this long before it is linked again"
    )
    uneven_s: NotNegative = Field(
        default=0.0, description="every other set-point is passed on this much later than the rest"
    )
    copy_s: NotNegative | None = Field(
        default=None, description="each set-point is passed on once more after this; left out: never"
    )
    least_gap_s: NotNegative = Field(
        default=0.0, description="a set-point that comes sooner than this after another is lost"
    )
    dialect: Literal["modbus", "echonet"] = Field(
        default="modbus", description="modbus: the map of fixtures/maps/twin_gateway.toml"
    )
    echonet: tuple[Behaviour, ...] = Field(
        default=(), strict=False, description="how its ECHONET Lite node behaves"
    )
    export_delay_s: NotNegative = Field(
        default=0.2,
        description="where it limits the export: from a change of the house to the battery's answer",
    )


class TwinConfig(BaseModel):
    """``[twin]``"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0, strict=True)] = 1
    link: Literal["tcp", "direct"] = "tcp"
    battery: BatteryTwin = BatteryTwin()
    meter: MeterTwin = MeterTwin()
    source: SourceTwin = SourceTwin()
    house: HouseTwin = HouseTwin()
    gateway: GatewayTwin = GatewayTwin()


def read_twin(table: Mapping[str, Any]) -> TwinConfig:
    """Check a ``[twin]`` table.

    Raises:
        UsageError: every fault, with places such as ``twin.battery.delay_s``.
    """
    try:
        return TwinConfig.model_validate(dict(table))
    except ValidationError as error:
        faults = pydantic_faults(error, "", table, model=TwinConfig, under=("twin",))
        raise UsageError([UsageFault(one.place.removeprefix(": "), one.message) for one in faults]) from None
