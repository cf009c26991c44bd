"""The zoo: steps of frequency on both sides of each limit."""

from __future__ import annotations

from tests.bench.foreign.zoo import Beast, Steps
from tests.bench.foreign.zoo_beasts import only

FAST = {"delay": "PASS", "response": "PASS", "band": "PASS", "hold": "PASS", "droop": "PASS"}
PRIMARY = "rated_kw = 5.0\nnominal_hz = 50.0\ndroop_pct = 4.0\ndead_band_hz = 0.005"


def steps(
    name: str, maker: Steps, truth: dict[str, str], *must: str, change: object = None, more: str = ""
) -> Beast:
    """A beast of the primary profile; ΔkW follows from what is declared."""
    declared = PRIMARY.replace("50.0", f"{maker.nominal_hz}") + more
    return Beast(name, "primary", maker, truth, change=change, declared=declared, delta_kw=None, must=must)  # type: ignore[arg-type]  # a Change


STEPS = [
    steps("steps", Steps(), FAST, "delay", "response", "band", "droop"),
    steps(
        "steps, frequency only",
        Steps(),
        FAST,
        "delay",
        "response",
        change=only("t_s", "power_kw", "frequency_hz"),
    ),
    steps("steps, source only", Steps(), FAST, change=only("t_s", "power_kw", "source_hz")),
    steps("steps, power only", Steps(), FAST, change=only("t_s", "power_kw")),
    steps("late steps", Steps(delay_s=2.4), {**FAST, "delay": "FAIL"}, "delay"),
    steps("steps near the limit", Steps(delay_s=1.8), FAST, "delay"),
    steps(
        "slow steps",
        Steps(tau_s=5.5),
        {**FAST, "response": "FAIL", "band": "FAIL", "hold": "FAIL"},
        "response",
    ),
    steps(
        "soft droop",
        Steps(droop_pct=6.0),
        {"delay": "PASS", "response": "FAIL", "band": "FAIL", "hold": "FAIL", "droop": "FAIL"},
        "droop",
        "band",
    ),
    steps(
        "fading hold", Steps(fades_s=150.0), {**FAST, "band": "FAIL", "hold": "FAIL", "droop": "FAIL"}, "hold"
    ),
    steps("one side", Steps(silent="down"), dict.fromkeys(FAST, "FAIL"), "delay"),
    steps("one side, one judged", Steps(silent="down"), FAST, "delay", more='\ndirections = ["up"]'),
    steps("steps at a second", Steps(sample_s=1.0), FAST),
    steps("late steps at a second", Steps(sample_s=1.0, delay_s=3.2), {**FAST, "delay": "FAIL"}, "delay"),
    steps("short rests", Steps(rest_s=3.0, delay_s=1.5), FAST),
    steps("60 Hz", Steps(nominal_hz=60.0), FAST, "delay"),
]
