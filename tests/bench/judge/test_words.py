"""How the sentences of a reason are put together."""

from __future__ import annotations

from bench.judge.words import Words, join


def test_a_sentence_is_ended_before_the_next_begins() -> None:
    said = join(Words("at 3 s", "3 秒で。"), Words("", ""), Words("Why: it was late.", "遅れた。"))
    assert (said.en, said.ja) == ("at 3 s. Why: it was late.", "3 秒で。遅れた。")
    assert join(Words("One.", "一。"), Words("Two", "二。")).en == "One. Two"
    assert join(Words("", ""), Words("", "")).en == ""
