"""The words of the matrix, in English and Japanese."""

from __future__ import annotations

from bench.config.requirements import Text
from bench.evidence.text import Lang

__all__ = ["said", "say"]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("DR-ready matrix", "DRready 適合マトリクス"),
    "simulated": ("SIMULATED", "シミュレーション"),
    "simulated.long": (
        "Runs in this matrix were made by software. It is no evidence about any real device.",
        "このマトリクスにはシミュレーションによる試験が含まれる。実機の証拠ではない。",
    ),
    "practice": ("PRACTICE", "練習"),
    "practice.long": (
        "Runs in this matrix were shortened or rehearsed. They show nothing.",
        "このマトリクスには練習の試験が含まれる。何も証明しない。",
    ),
    "untrusted": ("NOT TRUSTED", "改変の疑い"),
    "untrusted.long": (
        "Run folders are not as they were signed. They count for nothing.",
        "署名時と異なる試験フォルダがある。証拠として数えない。",
    ),
    "requirements": ("What DR-ready asks", "DRready要件"),
    "products": ("Markets this device could join", "参加できる商品"),
    "runs": ("The runs", "試験一覧"),
    "item": ("Item", "項目"),
    "need": ("Asked as", "区分"),
    "need.required": ("required", "必須"),
    "need.competitive": ("competitive", "競争領域"),
    "need.uncertain": ("uncertain", "不確定"),
    "inferred": ("inferred", "推定"),
    "economic_dr": ("Economic DR", "経済DR"),
    "capacity": ("Capacity", "容量市場"),
    "balancing": ("Balancing", "需給調整市場"),
    "outcome": ("Outcome", "結果"),
    "proof": ("Shown by", "根拠となる試験"),
    "missing": ("Missing", "不足"),
    "source": ("Source", "出典"),
    "group.function": ("Functions", "機能"),
    "group.communication": ("Communication items", "通信項目"),
    "group.command": ("Commands", "指令コマンド"),
    "group.document": ("Documents only", "書類確認のみ"),
    "state.PASS": ("PASS", "合格 PASS"),
    "state.FAIL": ("FAIL", "不合格 FAIL"),
    "state.INCONCLUSIVE": ("INCONCLUSIVE", "判定保留 INCONCLUSIVE"),
    "state.INVALID": ("INVALID", "試験無効 INVALID"),
    "state.NOT_APPLICABLE": ("NOT_APPLICABLE", "対象外 N/A"),
    "state.ERROR": ("ERROR", "設備異常 ERROR"),
    "state.ABORTED": ("ABORTED", "中止 ABORTED"),
    "state.MISSING": ("not shown", "未確認"),
    "state.DOCUMENT": ("document only", "書類のみ"),
    "state.NOT_TRUSTED": ("not trusted", "不信頼"),
    "point": ("Metered at", "計測点"),
    "point.device": ("device point", "機器点"),
    "point.receiving": ("receiving point", "受電点"),
    "route": ("Route", "制御ルート"),
    "route.cloud": ("maker's cloud", "メーカークラウド"),
    "route.gateway": ("gateway", "GW端末"),
    "control": ("Controlled by", "制御で用いる値"),
    "settlement": ("Settled by", "精算で用いる値"),
    "eligible": ("Eligible", "参加可否"),
    "eligible.eligible": ("eligible", "可"),
    "eligible.simulated": ("SIMULATED only", "シミュレーションのみ"),
    "eligible.practice": ("practice only", "練習のみ"),
    "eligible.no": ("no", "不可"),
    "eligible.not_shown": ("not shown", "未確認"),
    "clause": ("Binding clause", "拘束する条項"),
    "qualified": ("Qualified kW", "認定可能 kW"),
    "edition": ("edition", "版"),
    "open": ("Lines asked of it that nothing real shows yet", "実機で未確認の要求項目"),
    "earlier": ("earlier editions: in the page and in --json", "旧版：ページと --json に記載"),
    "counts": ("counts", "採用"),
    "older": ("older or lesser: listed only", "旧・参考"),
    "started": ("Started (UTC)", "開始 (UTC)"),
    "profile": ("Profile", "試験"),
    "folder": ("Folder", "フォルダ"),
    "marks": ("Marks", "区別"),
    "documents": ("Documents to supply", "提出書類"),
    "firmwares": (
        "The runs were made with different firmware: {list}",
        "異なるファームウェアの試験が混在：{list}",
    ),
    "aggregate": (
        "Eligible means what this bench can show of one device; the market admits aggregates of at least the "
        "minimum bid, and a DR-ready label is not given by it.",
        "「可」は本試験で1台について示せる範囲を指す。市場参加は最低入札量以上の集約単位で審査され、DRready認定ではない。",
    ),
}


def say(key: str, lang: Lang) -> str:
    """Return the word ``key``; an outcome that has no word of its own is itself."""
    pair = _WORDS.get(key)
    if pair is None:
        return key.rpartition(".")[2]
    return pair[0 if lang == "en" else 1]


def said(text: Text, lang: Lang) -> str:
    """Return a text of the table in ``lang``."""
    return text.en if lang == "en" else text.ja
